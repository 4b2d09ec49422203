import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { suite, test } from "node:test";
import type { Command } from "commander";
import type { Context, Io } from "../../server/cli/context";
import { CliError, EXIT } from "../../server/cli/errors";
import { defineProgram, execute } from "../../server/cli/program";

/** What was printed, and a context that prints there and has no backend. */
function recorder(): { context: Context; printed: { out: string; err: string } } {
    const printed = { out: "", err: "" };
    const stream = (name: "out" | "err"): NodeJS.WriteStream =>
        new PassThrough().on("data", (text: Buffer) => {
            printed[name] += text.toString();
        }) as unknown as NodeJS.WriteStream;
    const io = { stdin: process.stdin, stdout: stream("out"), stderr: stream("err") } satisfies Io;
    const withClient = (): never => assert.fail("no backend is needed for this");
    return { context: { io, withClient }, printed };
}

/** The help of a command, or of the whole program. */
async function helpOf(...command: string[]): Promise<string> {
    const { context, printed } = recorder();
    assert.equal(await execute([...command, "--help"], context), EXIT.ok);
    assert.equal(printed.err, "");
    return printed.out;
}

/** What `mcm` with these arguments is refused with. */
async function refusal(...args: string[]): Promise<string> {
    const { context, printed } = recorder();
    try {
        await execute(args, context);
    } catch (error) {
        assert(error instanceof CliError, String(error));
        assert.equal(error.exitCode, EXIT.failed);
        assert.deepEqual(printed, { out: "", err: "" });
        return error.message;
    }
    return assert.fail("nothing was refused");
}

/** Every command that does something, with its options. */
const SYNOPSIS: Record<string, string[]> = {
    run: [
        "--name",
        "--rootfs",
        "-m, --memory",
        "--cpu",
        "--cpuset",
        "--pids",
        "--io-read",
        "--io-write",
        "--hostname",
        "-e, --env",
        "-w, --workdir",
        "-u, --user",
        "-v, --volume",
        "-i, --interactive",
        "-t, --tty",
        "--rm",
        "--trace",
        "--json",
    ],
    list: ["--json"],
    status: ["--json"],
    inspect: [],
    stats: ["--json", "--once"],
    exec: ["-i, --interactive", "-t, --tty", "-u, --user", "-w, --workdir", "-e, --env", "--trace"],
    attach: [],
    doctor: ["--uid", "--rootfs", "--json"],
    stop: ["--time"],
    start: ["--trace"],
    restart: ["--time"],
    kill: ["--signal"],
    pause: [],
    resume: [],
    update: ["-m, --memory", "--cpu", "--cpuset", "--pids", "--io-read", "--io-write"],
    rm: ["-f, --force"],
    logs: ["-f, --follow", "-n, --tail"],
    diff: ["--json"],
    rename: [],
    "rootfs list": ["--json"],
    "rootfs import": [],
    "rootfs rm": [],
    "backend info": ["--json", "--uid"],
    "backend start": ["--uid"],
    "backend stop": ["--uid"],
};

/** The names of all commands that do something themselves: "rootfs list". */
function leaves(command: Command, prefix: string[] = []): string[] {
    return command.commands.flatMap((sub) => {
        const name = [...prefix, sub.name()];
        return sub.commands.length > 0 ? leaves(sub, name) : [name.join(" ")];
    });
}

suite("help", () => {
    test("there are just the commands of the synopsis", () => {
        const program = defineProgram(recorder().context, () => undefined);
        assert.deepEqual(leaves(program).sort(), Object.keys(SYNOPSIS).sort());
    });

    test("the program's help names every command with a summary", async () => {
        const help = await helpOf();
        for (const name of Object.keys(SYNOPSIS).map((command) => command.split(" ")[0]!)) {
            assert.match(help, new RegExp(`^  ${name}\\b.* {2}\\S`, "m"));
        }
    });

    for (const [command, options] of Object.entries(SYNOPSIS)) {
        test(`mcm ${command} --help shows its options and an example of its use`, async () => {
            const help = await helpOf(...command.split(" "));
            assert(help.startsWith(`Usage: mcm ${command}`));
            const shown = [...help.matchAll(/^ {2}(-\S.*?)( <[^>]+>)?(?= {2,})/gm)].map(
                ([, f]) => f,
            );
            assert.deepEqual(shown.sort(), [...options, "-h, --help"].sort());
            const [, examples = ""] = help.split("\nExamples:\n");
            assert.match(examples, new RegExp(`^  (sudo )?mcm ${command}\\b`));
        });

        if (options.includes("--json") || command === "inspect") {
            test(`mcm ${command} --help documents its JSON`, async () => {
                assert.match(await helpOf(...command.split(" ")), /\nJSON: [\s\S]*\{\w+/);
            });
        }
    }

    test("exit codes are in the help of what runs commands", async () => {
        for (const command of ["run", "exec"]) {
            const help = await helpOf(command);
            for (const code of ["128+n", "125", "126", "127"]) {
                assert(help.includes(code), `${command}: ${code}`);
            }
        }
    });

    test("mcm alone shows the help, as a mistake", async () => {
        const { context, printed } = recorder();
        assert.equal(await execute([], context), EXIT.failed);
        assert.match(printed.err, /^Usage: mcm /);
    });

    test("mcm --version prints one line", async () => {
        const { context, printed } = recorder();
        assert.equal(await execute(["--version"], context), EXIT.ok);
        assert.match(printed.out, /^\d+\.\d+\.\d+\n$/);
    });
});

suite("mistakes in the arguments", () => {
    test("an unknown option is refused with the nearest one and where to look", async () => {
        assert.equal(
            await refusal("run", "--memry", "100M", "/bin/sh"),
            "unknown option '--memry' (Did you mean --memory?); see mcm run --help",
        );
        assert.match(await refusal("rm", "--forse", "web"), /Did you mean --force\?/);
        assert.match(
            await refusal("list", "--zzz"),
            /^unknown option '--zzz'; see mcm list --help$/,
        );
    });

    test("an unknown command is refused with the nearest one", async () => {
        assert.match(await refusal("lst"), /^unknown command 'lst' \(Did you mean list\?\)/);
        assert.match(
            await refusal("rootfs", "imprt"),
            /Did you mean import\?\); see mcm rootfs --help/,
        );
    });

    test("a missing or superfluous argument is refused", async () => {
        assert.match(
            await refusal("stop"),
            /^missing required argument 'id'; see mcm stop --help$/,
        );
        assert.match(await refusal("exec", "web"), /^missing required argument 'command'/);
        assert.match(await refusal("status", "a", "b"), /^too many arguments for 'status'/);
        assert.match(await refusal("run", "--name"), /argument missing/);
    });

    test("a bad value is refused before a backend is asked", async () => {
        assert.match(await refusal("run", "--memory", "100Q", "sh"), /^--memory: "100Q"/);
        assert.match(await refusal("run", "--memory", "-1", "sh"), /^--memory: "-1"/);
        assert.match(await refusal("run", "--cpu=0,5", "sh"), /^--cpu: "0,5"/);
        assert.match(await refusal("run", "--pids", "0", "sh"), /^--pids: "0"/);
        assert.match(await refusal("stop", "--time", "soon", "a"), /^--time: "soon"/);
        assert.match(await refusal("logs", "--tail", "-3", "a"), /^--tail: "-3"/);
        assert.match(await refusal("backend", "info", "--uid", "me"), /^--uid: "me"/);
    });
});
