/** Runs the command line as people do: the bundle that is shipped, in directories of a test's own. */
import assert from "node:assert/strict";
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { eventually, root } from "../support/fixtures";

/** The program, as the build makes it. */
export const CLI = join(root, "out/cli.js");

export interface Outcome {
    /** Exit code; 128+n for a signal, as a shell has it. */
    code: number;
    stdout: string;
    stderr: string;
}

/** A running program, what it has printed and how it will end. */
export interface Running {
    child: ChildProcessWithoutNullStreams;
    output: Outcome;
    ended: Promise<Outcome>;
}

/** Starts a program and collects what it prints. */
export function launch(command: readonly string[], env: Record<string, string>): Running {
    assert(existsSync(CLI), `${CLI} is not built; run npm run build`);
    const [program = "", ...args] = command;
    const child = spawn(program, args, { env: { ...process.env, ...env } });
    const output: Outcome = { code: -1, stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const) {
        child[stream].setEncoding("utf8").on("data", (text: string) => (output[stream] += text));
    }
    const ended = new Promise<Outcome>((resolve, reject) => {
        child.on("error", reject);
        child.on("close", (code, signal) => {
            resolve({ ...output, code: code ?? 128 + constants.signals[signal ?? "SIGKILL"] });
        });
    });
    return { child, output, ended };
}

/** `mcm` with these arguments, in these directories; its input is empty unless given. */
export class Mcm {
    constructor(private readonly env: Record<string, string>) {}

    /** Starts it, its input open. */
    start(...args: string[]): Running {
        return launch([process.execPath, CLI, ...args], this.env);
    }

    /** Runs it to its end. */
    async run(args: readonly string[], input = ""): Promise<Outcome> {
        const { child, ended } = this.start(...args);
        child.stdin.on("error", () => undefined); // it may end before it has read everything
        child.stdin.end(input);
        return ended;
    }

    /** What it prints; fails when it fails. */
    async output(...args: string[]): Promise<string> {
        const { code, stdout, stderr } = await this.run(args);
        assert.equal(code, 0, `mcm ${args.join(" ")}: ${code} ${stderr}`);
        assert.equal(stderr, "");
        return stdout;
    }

    /** The value it prints with --json or by itself. */
    async json(...args: string[]): Promise<unknown> {
        return JSON.parse(await this.output(...args));
    }

    /** The one line it fails with, without "mcm: "; fails when it does not fail with `code`. */
    async failure(code: number, ...args: string[]): Promise<string> {
        const { stdout, stderr, ...outcome } = await this.run(args);
        assert.deepEqual([outcome.code, stdout], [code, ""], `mcm ${args.join(" ")}: ${stderr}`);
        const [, line] = /^mcm: (.+)\n$/.exec(stderr) ?? [];
        assert(line !== undefined, `not one line of mcm: ${stderr}`);
        return line;
    }

    /** Runs a container and gives its id. */
    async container(...args: string[]): Promise<string> {
        const [, id] = /^([0-9a-f]{12})\n$/.exec(await this.output("run", ...args)) ?? [];
        assert(id !== undefined, "run did not print an id");
        return id;
    }

    /** Removes all containers, in whatever state a test has left them. */
    async removeAll(): Promise<void> {
        const containers = (await this.json("list", "--json")) as { id: string }[];
        if (containers.length > 0) {
            await this.output("rm", "--force", ...containers.map(({ id }) => id));
        }
    }

    /** A shell in a terminal, 30 rows of 100 columns, in which `mcm` tells its pid and runs. */
    async terminal(): Promise<Terminal> {
        const terminal = new Terminal(this.env);
        await terminal.ready();
        return terminal;
    }
}

/** A shell in a terminal of its own, made by script(1). */
export class Terminal {
    private readonly running: Running;
    /** Where of the output {@link see} goes on looking. */
    private seen = 0;
    /** Path of the terminal's device. */
    device = "";

    constructor(env: Record<string, string>) {
        const exec = `sh -c 'echo pid=$$.; exec "$@"' sh`;
        const program = `mcm() { ${exec} "${process.execPath}" "${CLI}" "$@"; }`;
        const shell = `stty rows 30 cols 100 -echo; ${program}; PS1= PS2=; echo "at $(tty)."`;
        this.running = launch(["script", "--quiet", "--flush", "--command", "sh -i", "/dev/null"], {
            ...env,
            ENV: "",
            TERM: "xterm",
            SHELL: "/bin/sh",
        });
        this.type(`${shell}\n`);
    }

    async ready(): Promise<void> {
        const [, device = ""] = await this.see(/at (\/dev\/pts\/\d+)\./);
        this.device = device;
    }

    /** Sends keys. */
    type(keys: string): void {
        this.running.child.stdin.write(keys);
    }

    /** Waits for output that matches, after what was seen before. */
    async see(pattern: RegExp): Promise<RegExpExecArray> {
        const { output } = this.running;
        try {
            const match = await eventually(
                () => pattern.exec(output.stdout.slice(this.seen)),
                `the terminal shows ${String(pattern)}`,
            );
            this.seen += match.index + match[0].length;
            return match;
        } catch (error) {
            const shown = JSON.stringify(output.stdout.slice(this.seen));
            throw new Error(`${String(error)}; it shows ${shown}`, { cause: error });
        }
    }

    /** Leaves the shell and waits for its end. */
    async close(): Promise<void> {
        this.running.child.stdin.end("\nexit\n");
        await this.running.ended;
    }
}
