/** The step trace of the native programs, and that native/README.md explains all of it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { isDeepStrictEqual } from "node:util";
import { ENV_FD, STATUS_FD, enterInvocation } from "../../server/invocation";
import type { TerminalSize, TraceStep } from "../../server/protocol";
import { eventually, nativeProgram, root } from "../support/fixtures";
import { nativeSource } from "./compile";
import { startContainer, type TestContainer } from "./entered";
import { testContainer, type StatusEvent } from "./executor";
import { hasController } from "./limits";

const SIZE = ["--tty", "--rows", "24", "--cols", "80"];

function stepsOf(events: readonly object[]): TraceStep[] {
    return events.filter((event) => (event as StatusEvent).event === "step") as TraceStep[];
}

/** Starts a container with a volume of each mode and all limits but those of a disk. */
async function tracedStart(t: TestContext, ...flags: string[]): Promise<StatusEvent[]> {
    const container = await testContainer(t);
    const source = join(container.stateDir, "../../source"); // removed with the test's directories
    await mkdir(source);
    const limits = [
        ...(hasController("memory") ? ["--memory", "100000000"] : []),
        ...(hasController("cpu") ? ["--cpu-quota", "50000"] : []),
        ...(hasController("cpuset") ? ["--cpuset", "0"] : []),
        ...(hasController("pids") ? ["--pids", "100"] : []),
    ];
    const mounts = ["ro", "rw", "cow"].flatMap((mode) => ["--mount", mode, source, `/${mode}`]);
    const { events } = await container.tryStart(["sleep", "1000"], {
        flags: ["--trace", ...limits, ...mounts, ...flags],
    });
    return events;
}

/** Enters a command with --trace: all that ns_enter says. */
async function tracedEnter(
    container: TestContainer,
    command: string[],
    terminal?: TerminalSize,
): Promise<StatusEvent[]> {
    const { id, process } = container;
    const options = { id, process, env: {}, command, trace: true, terminal };
    const child = spawn(nativeProgram("ns_enter"), enterInvocation(options).args, {
        stdio: ["ignore", "ignore", "ignore", "pipe", "pipe", "pipe"],
    });
    const pipes: readonly unknown[] = child.stdio;
    (pipes[ENV_FD] as Writable).end();
    const lines = (await text(pipes[STATUS_FD] as Readable)).trim().split("\n");
    return lines.map((line) => JSON.parse(line) as StatusEvent);
}

/** "step call" of each. */
function pairsOf(steps: readonly { step: string; call: string }[]): Set<string> {
    return new Set(steps.map(({ step, call }) => `${step} ${call}`));
}

interface Row {
    who: string[];
    step: string;
    call: string;
}

/** The rows of the table below a heading of native/README.md. */
function rowsBelow(heading: string): Row[] {
    const readme = readFileSync(nativeSource("README.md"), "utf8");
    const [, section = ""] = readme.split(`\n### ${heading}\n`);
    const [table = ""] = section.split("\n#");
    return [...table.matchAll(/^\| ([\w, ]+) \| `(\S+)` \| `(\S+)` \| (.+) \| (.+) \|$/gm)].map(
        ([line, who = "", step = "", call = "", what = "", reference = ""]) => {
            assert.match(what, /^[A-Z].+\.$/, line);
            assert.match(reference, /\(\w+\)|\.rst/, line);
            return { who: who.split(", "), step, call };
        },
    );
}

const START = "The steps of a start";
const ENTER = "The steps of an entering";

/** What the host decides about: absent where it has no such hierarchy or may not load programs. */
const HOST_DEPENDENT = ["cgroup bpf", "cgroup write"];

function assertExplained(steps: readonly TraceStep[], rows: readonly Row[]): void {
    for (const { who, step, call } of steps) {
        assert(
            rows.some((row) => row.who.includes(who) && row.step === step && row.call === call),
            `${who} ${step} ${call} is in no row`,
        );
    }
}

test("without --trace nothing is said but that it is done", async (t) => {
    const container = await testContainer(t);
    const { events } = await container.tryStart(["/bin/true"]);
    assert.deepEqual(
        events.map(({ event }) => event),
        ["started"],
    );
});

test("every step of a start is a row of the document, and every row a step", async (t) => {
    const rows = rowsBelow(START);
    const io = ["--io-read", "1000000000", "--io-write", "1000000000"];
    const runs = [await tracedStart(t), await tracedStart(t, ...SIZE), await tracedStart(t, ...io)];
    const steps = stepsOf(runs.flat());
    assertExplained(steps, rows);
    const missing = new Set(HOST_DEPENDENT);
    const limited = runs[2]?.at(-1)?.event === "started"; // its files are on a disk
    for (const name of ["memory", "cpu", "cpuset", "pids"]) {
        if (!hasController(name)) {
            missing.add(`limit-${name} write`);
        }
    }
    const done = pairsOf(steps);
    for (const pair of pairsOf(rows)) {
        const expected = !missing.has(pair) && (limited || !pair.startsWith("limit-io-"));
        assert(done.has(pair) || !expected, `${pair} was not done`);
    }
    assert.deepEqual(
        runs.slice(0, 2).map((events) => events.at(-1)?.event),
        ["started", "started"],
    );
});

test("the document has the steps of each process in the order in which it does them", async (t) => {
    const steps = stepsOf(await tracedStart(t, ...SIZE));
    const rows = rowsBelow(START);
    for (const who of ["launcher", "monitor", "child", "command"]) {
        const done = [...pairsOf(steps.filter((step) => step.who === who))];
        const documented = [...pairsOf(rows.filter((row) => row.who.includes(who)))];
        const both = (pair: string): boolean => !HOST_DEPENDENT.includes(pair);
        assert.deepEqual(
            done.filter(both),
            documented.filter((pair) => both(pair) && done.includes(pair)),
            who,
        );
    }
});

test("every step of an entering is a row of the document, and every row a step", async () => {
    const container = await startContainer();
    try {
        const rows = rowsBelow(ENTER);
        const size = { rows: 24, columns: 80 };
        const runs = [
            await tracedEnter(container, ["true"]),
            await tracedEnter(container, ["true"], size),
        ];
        const steps = stepsOf(runs.flat());
        assertExplained(steps, [...rowsBelow(START), ...rows]);
        const done = pairsOf(steps);
        for (const pair of pairsOf(rows)) {
            assert(done.has(pair) || HOST_DEPENDENT.includes(pair), `${pair} was not done`);
        }
        assert.deepEqual(
            runs.map((events) => events.at(-1)?.event),
            ["exited", "exited"],
        );
    } finally {
        await container.dispose();
    }
});

test("every step that stands in a source is in the document", () => {
    const directory = join(root, "native");
    const vocabulary = readFileSync(join(directory, "error.h"), "utf8");
    const names = new Map(
        [...vocabulary.matchAll(/X\((\w+), "(\S+)"\)/g)].map(([, name, text]) => [name, text]),
    );
    const explained = pairsOf([...rowsBelow(START), ...rowsBelow(ENTER)]);
    const calls = new Set([...explained].map((pair) => pair.split(" ")[1]));
    let count = 0;
    for (const file of readdirSync(directory).filter((name) => name.endsWith(".c"))) {
        const source = readFileSync(join(directory, file), "utf8");
        for (const [, step, call] of source.matchAll(
            /\btrace_(?:step|exec)\(([^,]+),\s*"(\w+)"/g,
        )) {
            count++;
            const constant = /^STEP_(\w+)$/.exec(step ?? "")?.[1];
            // One that is a variable there has the steps of its callers.
            const known =
                constant === undefined
                    ? calls.has(call)
                    : explained.has(`${names.get(constant)} ${call}`);
            assert(known, `${file}: ${step} ${call}`);
        }
    }
    assert(count > 60, `${count} found`);
});

test("the values are the real ones", async (t) => {
    const container = await testContainer(t);
    const name = "traced-host";
    const { events } = await container.tryStart(["/bin/sleep", "1000"], {
        flags: ["--trace", "--hostname", name],
    });
    const steps = stepsOf(events);
    const running = events.at(-1) as unknown as { pid: number; monitorPid: number };
    const detailOf = (step: string, call: string): TraceStep["detail"] | undefined =>
        steps.find((each) => each.step === step && each.call === call)?.detail;
    const clone = detailOf("clone", "clone3");
    assert.equal(clone?.pid, running.pid);
    assert.equal(clone.flags, "CLONE_NEWUSER|CLONE_NEWPID|CLONE_NEWNS|CLONE_NEWUTS|CLONE_NEWIPC");
    assert.equal(detailOf("monitor", "clone3")?.pid, running.monitorPid);
    assert.equal(detailOf("hostname", "sethostname")?.name, name);
    assert.deepEqual(detailOf("exec", "execve"), {
        path: "/bin/sleep",
        arguments: "/bin/sleep 1000",
    });
    assert.deepEqual(detailOf("id-map", "write")?.value, `0 ${container.idBase} 65536`);
    const groups = steps
        .filter(({ step, call }) => step === "cgroup" && call === "mkdir")
        .map(({ detail }) => String(detail.path))
        .filter((path) => path.endsWith(container.id)); // of the monitors' it may be the first
    assert.deepEqual(groups.sort(), container.cgroups().sort());
});

test("each process tells its steps in order, and their times fit together", async (t) => {
    const steps = stepsOf(await tracedStart(t));
    for (const who of ["launcher", "monitor", "child", "command"]) {
        const own = steps.filter((step) => step.who === who);
        let before = 0;
        for (const { at, us, call } of own) {
            // Both are rounded down.
            assert(at - us + 1 >= before, `${who} ${call}: began at ${at - us}, before ${before}`);
            before = at;
        }
    }
});

test("a failure is told after the steps that led to it, and its step is the next", async (t) => {
    const container = await testContainer(t);
    const { events, exitCode } = await container.tryStart(["/bin/true"], {
        flags: ["--trace", "--workdir", "/nowhere"],
    });
    assert.equal(exitCode, 125);
    assert.deepEqual([events.at(-1)?.event, events.at(-1)?.step], ["failed", "workdir"]);
    const steps = stepsOf(events);
    assert(!pairsOf(steps).has("workdir chdir"));
    // Of a program that could not be executed nothing says that it was.
    const absent = await container.tryStart(["/nowhere"], { flags: ["--trace"] });
    assert.equal(absent.events.at(-1)?.step, "exec");
    assert(!pairsOf(stepsOf(absent.events)).has("exec execve"));
});

test("a value that is too long is cut, and stays text", async (t) => {
    const container = await testContainer(t);
    const argument = "ä€😀".repeat(200);
    const { events } = await container.tryStart(["/bin/true", argument], { flags: ["--trace"] });
    const exec = stepsOf(events).find(({ call }) => call === "execve");
    const told = String(exec?.detail.arguments);
    assert.match(told, /^\/bin\/true (ä€😀)+(ä€|ä)?…$/u);
    assert(Buffer.byteLength(told) < 300);
});

/** What the fds of a process lead to, without the numbers of pipes and the like. */
function fdsOf(pid: number): string[] {
    const directory = `/proc/${pid}/fd`;
    return readdirSync(directory)
        .map((fd) =>
            readlinkSync(join(directory, fd)).replaceAll(/\[\d+\]|\/mcm test .*|[0-9a-f]{12}/g, ""),
        )
        .sort();
}

test("once it runs, no process of a traced container has an fd more than others", async (t) => {
    const start = async (...flags: string[]): Promise<() => string[][]> => {
        const container = await testContainer(t);
        const { pid, monitorPid } = await container.start(["sleep", "1000"], { flags });
        const command = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8"));
        return () => [monitorPid, pid, command].map(fdsOf);
    };
    const [plain, traced] = [await start(), await start("--trace")];
    // The last of a start's fds are closed a moment after its end was told.
    await eventually(() => isDeepStrictEqual(plain(), traced()), "the same fds");
    await eventually(() => isDeepStrictEqual(plain(), traced()), "the same fds");
    assert(traced().every((fds) => fds.length > 0));
});
