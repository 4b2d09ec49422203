/**
 * What becomes of a start, an entering and a removal when a system call of theirs fails: one after the
 * other, each of those that matter. None may be passed over in silence, and nothing may be left.
 */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { temporaryRoots, type TemporaryRoots } from "../support/fixtures";
import { Container, assertRefused, testContainer, type Running } from "./executor";
import {
    controlFlags,
    prepareFaults,
    statusFlags,
    type FaultInjector,
    type FaultyRun,
} from "./faults";

const CODE = "EIO"; // nothing answers it by itself on purpose

/** Runs at the same time. */
const WORKERS = 3;

/** Of calls that are made more often than this, this many are tried, spread evenly. */
const TRIED_MOST = 6;

/** What a start of that kind cannot do without, with how many of its calls it may do without after
 * all, and why. */
const NEEDED_BY_START: [call: string, without?: number, why?: string][] = [
    ["bind"],
    ["capset"],
    ["chdir"],
    ["clone3"],
    ["fallocate"],
    ["fchdir"],
    ["fchmod"],
    ["fchown"],
    ["fsconfig"],
    ["fsmount"],
    ["fsopen"],
    ["ioctl"],
    ["listen"],
    ["mkdirat"],
    ["mount"],
    ["mount_setattr", 1, "the program also protects itself by a copy in memory"],
    ["move_mount"],
    ["open_tree", 1, "the program also protects itself by a copy in memory"],
    ["openat2", 1, "what is not there needs no mask"],
    ["pipe2"],
    ["pivot_root"],
    ["seccomp"],
    ["setgroups"],
    ["sethostname"],
    ["setresgid"],
    ["setresuid"],
    ["setsid"],
    ["socket"],
    ["socketpair"],
    ["symlinkat"],
    ["umount2"],
    ["unshare"],
];

/** Where failing may be of no account, such as for a figure or for tidying up. */
const USED_BY_START = [
    "bpf",
    "close_range",
    "dup2",
    "fcntl",
    "flock",
    "fstatfs",
    "fsync",
    "ftruncate",
    "getdents64",
    "keyctl",
    "newfstatat",
    "openat",
    "poll",
    "prctl",
    "prlimit64",
    "recvfrom",
    "recvmsg",
    "renameat",
    "sendmsg",
    "sendto",
    "unlinkat",
];

const NEEDED_BY_ENTER = [
    "capset",
    "chdir",
    "clone3",
    "pidfd_send_signal",
    "pipe2",
    "seccomp",
    "setgroups",
    "setns",
    "setresgid",
    "setresuid",
    "setsid",
];

const USED_BY_ENTER = ["close_range", "fcntl", "openat", "prctl", "prlimit64", "read", "write"];

let directory: string;
let injector: FaultInjector;
let roots: TemporaryRoots;

before(async () => {
    directory = await mkdtemp(join(tmpdir(), "mcm faults "));
    injector = await prepareFaults(directory);
    roots = await temporaryRoots();
    await mkdir(join(roots.runDir, "containers"), { recursive: true });
});

after(async () => {
    await roots.dispose();
    await rm(directory, { recursive: true });
});

/** Everything that a start can be asked for. */
const FLAGS = [
    ...["--tty", "--rows", "24", "--cols", "80", "--hostname", "faulty", "--user", "1000:1000"],
    ...["--memory", "67108864", "--cpu-quota", "50000", "--pids", "50", "--cpuset", "0"],
    ...["--mount", "ro", "/usr/share", "/mnt/ro", "--mount", "rw", "/usr/share", "/mnt/rw"],
    ...["--mount", "cow", "/usr/share", "/mnt/cow", "--workdir", "/tmp"],
];

async function freshContainer(): Promise<Container> {
    const container = new Container(roots);
    await mkdir(container.stateDir, { recursive: true, mode: 0o700 });
    return container;
}

/** A start of `true`, which is over with everything that came of it. */
async function faultyStart(
    call: string,
    nth: number,
): Promise<{ container: Container; result: FaultyRun }> {
    const container = await freshContainer();
    const args = await container.startArgs(["true"], { flags: FLAGS });
    const fault = { call, nth, code: CODE } as const;
    const result = await injector.run(
        "container_executor",
        ["start", ...statusFlags, ...args],
        fault,
    );
    return { container, result };
}

/** Takes away what a start left, and proves that this is possible and complete. */
async function removeRest(container: Container, what: string): Promise<void> {
    const { event } = await container.remove();
    assert.deepEqual(event, { event: "removed" }, what);
    assert.deepEqual(container.cgroups(), [], what);
}

/** Which of `count` calls are tried: all, or some of them from the first to the last. */
function chosen(count: number): number[] {
    const tried = Math.min(count, TRIED_MOST);
    return Array.from({ length: tried }, (_, index) =>
        tried === count ? index + 1 : 1 + Math.round((index * (count - 1)) / (tried - 1)),
    );
}

/** Runs `action` for every item, some at a time. */
async function forEach<Item>(items: Item[], action: (item: Item) => Promise<void>): Promise<void> {
    const left = items.values();
    const work = async (): Promise<void> => {
        for (const item of left) {
            await action(item);
        }
    };
    await Promise.all(Array.from({ length: WORKERS }, work));
}

function isRefused({ event }: FaultyRun): boolean {
    return event?.event === "failed";
}

describe("a start in which a call fails", () => {
    for (const [call, without = 0] of NEEDED_BY_START) {
        test(`needs ${call}, tells its step and error, and takes all back`, async () => {
            const whole = await faultyStart(call, 0);
            assert.equal(whole.result.event?.event, "started", whole.result.event?.message);
            await removeRest(whole.container, call);
            const { calls } = whole.result;
            assert.ok(calls > 0, `no call of ${call}`);
            const accepted: number[] = [];
            await forEach(chosen(calls), async (nth) => {
                const { container, result } = await faultyStart(call, nth);
                const { event, exitCode, stderr } = result;
                if (isRefused(result)) {
                    assert.ok(event);
                    const executed = { event, events: [event], exitCode, stderr };
                    assertRefused(container, executed, { step: event.step ?? "", code: CODE });
                } else if (result.calls >= nth) {
                    // Beside another container the parent group is there: there are fewer calls.
                    accepted.push(nth);
                }
                await removeRest(container, `${call} ${nth}`);
            });
            assert.ok(accepted.length <= without, `the start did without call ${accepted.join()}`);
        });
    }

    test("is either refused and takes all back, or runs and can be removed", async () => {
        const counts = new Map<string, number>();
        await forEach(USED_BY_START, async (call) => {
            const { container, result } = await faultyStart(call, 0);
            counts.set(call, result.calls);
            await removeRest(container, call);
        });
        const faults = [...counts].flatMap(([call, count]) =>
            chosen(count).map((nth) => ({ call, nth })),
        );
        await forEach(faults, async ({ call, nth }) => {
            const what = `${call} ${nth}`;
            const { container, result } = await faultyStart(call, nth);
            const { event, exitCode, signal, stderr } = result;
            assert.ok(event, `${what}: no word, but ${exitCode ?? signal}: ${stderr}`);
            if (isRefused(result)) {
                const { step = "", code } = event;
                const executed = { event, events: [event], exitCode, stderr };
                // A command that cannot be executed is said by the exit code, too.
                const own = step === "exec" ? 126 : 125;
                assertRefused(container, executed, { step, code, exitCode: own });
            } else {
                assert.deepEqual([event.event, exitCode], ["started", 0], what);
            }
            await removeRest(container, what);
        });
    });
});

describe("an entering in which a call fails", () => {
    const enterArgs = (container: Container, running: Running): string[] => [
        ...[...statusFlags, ...controlFlags, "--id", container.id, "--pid", String(running.pid)],
        ...["--start-time", String(running.startTime), "--boot-id", running.bootId],
        ...["--user", "1000:1000", "--", "true"],
    ];

    test("tells its error, and runs nothing with more rights", async (t) => {
        const container = await testContainer(t);
        const args = enterArgs(container, await container.start());
        const enter = (call: string, nth: number): Promise<FaultyRun> =>
            injector.run("ns_enter", args, { call, nth, code: CODE });
        await forEach(NEEDED_BY_ENTER, async (call) => {
            const { calls, event } = await enter(call, 0);
            assert.equal(event?.event, "exited", call);
            assert.ok(calls > 0, `no call of ${call}`);
            for (const nth of chosen(calls)) {
                const result = await enter(call, nth);
                assert.deepEqual(
                    [result.event?.event, result.event?.code, result.exitCode],
                    ["failed", CODE, 125],
                    `${call} ${nth}: ${JSON.stringify(result.event)}`,
                );
            }
        });
    });

    test("is refused or done", async (t) => {
        const container = await testContainer(t);
        const args = enterArgs(container, await container.start());
        await forEach(USED_BY_ENTER, async (call) => {
            const { calls } = await injector.run("ns_enter", args, { call, nth: 0, code: CODE });
            for (const nth of chosen(calls)) {
                const result = await injector.run("ns_enter", args, { call, nth, code: CODE });
                const { event, exitCode, stderr } = result;
                // Without a word where the status fd itself could not be written.
                assert.ok(
                    exitCode === 0 || isRefused(result) || stderr !== "",
                    `${call} ${nth}: ${exitCode} ${JSON.stringify(event)}`,
                );
            }
        });
    });
});

test("a removal in which a call fails says so, and the next one finishes it", async () => {
    for (const call of ["flock", "openat", "renameat", "unlinkat", "getdents64"]) {
        const count = { value: 1 };
        for (let nth = 0; nth <= Math.min(count.value, TRIED_MOST); nth++) {
            const container = await freshContainer();
            await container.run(["/bin/sh", "-c", "mkdir -p /a/b && echo x >/a/b/c"]);
            const args = ["--state-dir", container.stateDir, "--run-dir", container.runDir];
            const result = await injector.run(
                "container_executor",
                ["remove", ...statusFlags, "--id", container.id, ...args],
                { call, nth, code: CODE },
            );
            count.value = nth === 0 ? result.calls : count.value;
            const { event, exitCode } = result;
            assert.ok(
                isRefused(result) ? exitCode === 125 : event?.event === "removed",
                `${call} ${nth}`,
            );
            await removeRest(container, `${call} ${nth}`);
        }
    }
});
