import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { afterEach, beforeEach, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
    ErrorCode,
    INPUT_LIMIT_BYTES,
    KillRequest,
    RunRequest,
    SHELL,
    ListRequest,
    StopRequest,
    WINDOW_BYTES,
    type ContainerSummary,
} from "../../server/protocol";
import { busyboxRootfs, eventually } from "../support/fixtures";
import { connectLocally, greet, refusedWith } from "./client";
import { TestSession } from "./session";
import { useServer } from "./useServer";

let container: ContainerSummary;

const server = useServer("file", async () => {
    container = await runContainer();
});

const runContainer = () => server.run({ env: { FROM: "container" } });

function exec(
    command: string | string[],
    more: Parameters<typeof TestSession.exec>[3] = {},
): TestSession {
    const words = typeof command === "string" ? ["/bin/sh", "-c", command] : command;
    return TestSession.exec(server.connection, container.id, words, more);
}

const terminal = { rows: 24, columns: 80 };

/** Command lines of the processes in the container, without init and this look itself. */
async function processes(): Promise<string[]> {
    const look = exec(
        `for p in /proc/[0-9]*; do
            case $p in /proc/1 | /proc/$$) ;; *) tr '\\0' ' ' < $p/cmdline && echo ;; esac
        done 2> /dev/null`,
    );
    await look.ended;
    return look.text
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line !== "");
}

suite("a captured command", () => {
    test("gives its output, stream by stream, and its exit code", async () => {
        const session = exec("echo out; echo err >&2; exit 7");
        assert.deepEqual(await session.ended, { exitCode: 7, signal: null, containerEnded: false });
        assert.equal(session.text, "out\n");
        assert.equal(session.errorText, "err\n");
        assert.equal(session.started, true);
    });

    test("that is ended by a signal says by which", async () => {
        const session = exec("kill -USR1 $$");
        assert.deepEqual(await session.ended, {
            exitCode: null,
            signal: "SIGUSR1",
            containerEnded: false,
        });
        const killed = await exec("kill -KILL $$").ended;
        assert.deepEqual(killed, { exitCode: null, signal: "SIGKILL", containerEnded: false });
    });

    test("has the container's environment and what is added to it", async () => {
        const session = exec("echo $FROM $MORE", { env: { MORE: "a b\nc=d" } });
        await session.ended;
        assert.equal(session.text, "container a b c=d\n");
        const odd = JSON.parse('{"__proto__": "kept"}') as Record<string, string>;
        const other = exec("echo $__proto__", { env: odd });
        await other.ended;
        assert.equal(other.text, "kept\n");
    });

    test("runs as the user and in the directory it is told", async () => {
        const session = exec("id -u; id -g; pwd", { user: "1000:2000", workdir: "/tmp" });
        await session.ended;
        assert.equal(session.text, "1000\n2000\n/tmp\n");
    });

    test("that is absent is named, with what to do", async () => {
        await assert.rejects(
            exec(["/no/such/program"]).ended,
            refusedWith(ErrorCode.NativeFailed, /no\/such\/program/, {
                step: "exec",
                errno: "ENOENT",
            }),
        );
    });

    test("that cannot be executed is named", async () => {
        await assert.rejects(
            exec(["/etc/passwd"]).ended,
            refusedWith(ErrorCode.NativeFailed, /\/etc\/passwd/, {
                step: "exec",
                errno: "EACCES",
            }),
        );
    });

    test("gets its input, in order, up to its end", async () => {
        const session = exec(["/bin/sh", "-c", "cat; echo END"]);
        await session.input("one ");
        await session.input("two ");
        await session.inputEnd();
        await session.ended;
        assert.equal(session.text, "one two END\n");
        assert.equal(session.inputTaken, 8);
    });

    test("gets all of a large input, byte for byte", async () => {
        const data = Buffer.from(Array.from({ length: 5_000_000 }, (_, i) => (i * 7) % 251));
        const session = exec("cat");
        for (let at = 0; at < data.length; at += 100_000) {
            await session.input(data.subarray(at, at + 100_000));
            await eventually(
                () => at + 100_000 - session.inputTaken < WINDOW_BYTES,
                "input to be taken",
            );
        }
        await session.inputEnd();
        await session.ended;
        assert.ok(Buffer.concat(session.stdout).equals(data));
    });

    test("that reads nothing cannot be made to hold input without end", async () => {
        const session = exec(["/bin/sleep", "1000"]);
        await session.whenStarted();
        const piece = Buffer.alloc(4 * 1024 * 1024);
        for (let sent = 0; sent <= INPUT_LIMIT_BYTES + 4 * piece.length; sent += piece.length) {
            await session.input(piece);
        }
        await assert.rejects(session.ended, refusedWith(ErrorCode.Invalid, /too much input/));
        await eventually(async () => (await processes()).length === 0, "the command to end");
    });

    test("gives all of a large output, byte for byte", async () => {
        const session = exec("seq 1 500000");
        await session.ended;
        const expected = Array.from({ length: 500_000 }, (_, i) => `${i + 1}\n`).join("");
        assert.ok(session.text === expected, `${session.text.length} of ${expected.length}`);
    });

    test("leaves characters whole that its pipe cut in two", async () => {
        const session = exec("printf 'a\\303'; sleep 0.2; printf '\\251b'");
        await session.ended;
        assert.equal(session.text, "aéb");
        assert.ok(session.stdout.length >= 2, "it came in one piece, which proves nothing");
    });

    test("is not waited for longer when it leaves a process behind that holds its output", async () => {
        const began = performance.now();
        const session = exec("echo out; sleep 1000 & echo $! ");
        const end = await session.ended;
        assert.equal(end.exitCode, 0);
        assert.ok(performance.now() - began < 10_000);
        assert.match(session.text, /^out\n\d+\n$/);
        await exec(`kill ${session.text.split("\n")[1]}`).ended;
    });

    test("gets the signals of its client", async () => {
        const session = exec(
            "trap 'echo got; exit 3' USR2; echo ready; while :; do sleep 0.05; done",
        );
        await session.saw("ready");
        await session.signal("USR2");
        assert.equal((await session.ended).exitCode, 3);
        assert.equal(session.text, "ready\ngot\n");
    });

    test("is hung up when its request is cancelled", async () => {
        const session = exec("trap 'echo hup' HUP; echo ready; while :; do sleep 0.05; done");
        await session.saw("ready");
        session.cancel();
        await assert.rejects(session.ended, { code: -32800 });
        assert.deepEqual(await processes(), []);
    });

    test("is cancelled at whatever moment of a flood of requests that is asked for", async () => {
        for (let moment = 0; moment < 8; moment++) {
            const flood = Array.from({ length: 400 }, () =>
                server.connection.sendRequest(ListRequest),
            );
            const session = exec(["/bin/sleep", "1000"]);
            // With the request still on its way, in the queue, being handled, and under way.
            await Promise.race([session.ended, sleep(moment * moment * 5)]);
            session.cancel();
            await assert.rejects(session.ended, { code: -32800 });
            await Promise.all(flood);
        }
        assert.deepEqual(await processes(), []);
    });

    test("is refused for a container that is not there or does not run", async () => {
        await assert.rejects(
            TestSession.exec(server.connection, "nobody", ["id"]).ended,
            refusedWith(ErrorCode.NotFound, /nobody/),
        );
        const other = await runContainer();
        await server.connection.sendRequest(StopRequest, { container: other.id, graceSeconds: 0 });
        await assert.rejects(
            TestSession.exec(server.connection, other.id, ["id"]).ended,
            refusedWith(ErrorCode.NotRunning, new RegExp(other.name)),
        );
        await server.remove(other.id);
    });
});

suite("a flood", () => {
    test("stops at the window when it is not acknowledged, and goes on when it is", async () => {
        const session = exec("yes");
        session.acknowledges = false;
        session.keeps = false;
        await eventually(() => session.received >= WINDOW_BYTES, "a window of output");
        await sleep(200);
        assert.equal(session.received, WINDOW_BYTES);
        await session.acknowledge(1000);
        await eventually(() => session.received === WINDOW_BYTES + 1000, "the rest to come");
        session.acknowledges = true;
        await session.acknowledge(session.unacknowledged);
        await eventually(() => session.received > 20 * WINDOW_BYTES, "the flood to go on");
        session.cancel();
        await assert.rejects(session.ended);
    });

    test("fills no memory while nobody reads it", async () => {
        const session = exec("yes");
        session.acknowledges = false;
        session.keeps = false;
        await eventually(() => session.received >= WINDOW_BYTES, "a window of output");
        const before = process.memoryUsage.rss();
        await sleep(1000);
        const grown = process.memoryUsage.rss() - before;
        assert.ok(grown < 16 * 1024 * 1024, `${grown} bytes more`);
        session.cancel();
        await assert.rejects(session.ended);
    });

    test("in a terminal that is not read answers Ctrl-C at once", async () => {
        const session = exec(["/bin/sh"], { terminal });
        await session.saw("#");
        session.keeps = false;
        session.acknowledges = false;
        // Long lines: each is a write of its own.
        await session.input(`yes ${"y".repeat(70)}\n`);
        await eventually(() => session.unacknowledged >= WINDOW_BYTES, "a window of output");
        await session.input("\x03");
        await session.input("exit 5\n");
        const began = performance.now();
        session.acknowledges = true;
        await session.acknowledge(session.unacknowledged);
        assert.equal((await session.ended).exitCode, 5);
        assert.ok(performance.now() - began < 10_000, "the flood was read on");
    });
});

suite("a command in a terminal", () => {
    test("has one of the size it was given, which follows the client's", async () => {
        const session = exec(["/bin/sh"], { terminal: { rows: 33, columns: 111 } });
        await session.input("stty size\n");
        await session.saw("33 111");
        await session.resize(44, 122);
        await session.input("stty size\n");
        await session.saw("44 122");
        await session.input("exit 4\n");
        assert.equal((await session.ended).exitCode, 4);
    });

    test("is interrupted by Ctrl-C, and the shell goes on", async () => {
        const session = exec(["/bin/sh"], { terminal });
        await session.input("sleep 1000\n");
        await eventually(async () => (await processes()).includes("sleep 1000"), "sleep to run");
        await session.input("\x03");
        await session.input("echo code $?\n");
        await session.saw("code 130");
        await session.input("exit\n");
        await session.ended;
    });

    test("ends with it when its client goes", async () => {
        const other = connectLocally(server.deps);
        await greet(other.connection);
        const session = TestSession.exec(other.connection, container.id, ["/bin/sh"], { terminal });
        await session.input("sleep 1234\n");
        await eventually(async () => (await processes()).includes("sleep 1234"), "sleep to run");
        other.close();
        await eventually(async () => (await processes()).length === 0, "the session to end");
    });

    test("gets input that was sent before it started", async () => {
        const session = exec(["/bin/cat"], { terminal });
        await session.input("early\n\x04");
        await session.saw("early\r\nearly");
        assert.equal((await session.ended).exitCode, 0);
    });

    test("is bash or else sh when the client wants a shell", async () => {
        const session = exec([SHELL], { terminal });
        await session.input("echo $0\n");
        await session.saw("/bin/sh");
        await session.input("exit 9\n");
        assert.equal((await session.ended).exitCode, 9);
    });
});

suite("a session whose container ends", () => {
    for (const [how, end] of [
        ["is stopped", StopRequest],
        ["is killed", KillRequest],
    ] as const) {
        test(`ends with it and says so when it ${how}`, async () => {
            const other = await runContainer();
            const sessions = [
                TestSession.exec(server.connection, other.id, ["/bin/sleep", "1000"]),
                TestSession.exec(server.connection, other.id, ["/bin/sh"], { terminal }),
            ];
            await Promise.all(sessions.map((session) => session.whenStarted()));
            await server.connection.sendRequest(end as typeof KillRequest, { container: other.id });
            for (const session of sessions) {
                const { containerEnded, signal } = await session.ended;
                assert.deepEqual(
                    { containerEnded, signal },
                    {
                        containerEnded: true,
                        signal: "SIGKILL",
                    },
                );
            }
            await server.remove(other.id);
        });
    }
});

suite("sessions", () => {
    let descriptors: number;

    beforeEach(async () => {
        descriptors = (await readdir("/proc/self/fd")).length;
    });

    afterEach(async () => {
        await eventually(
            async () => (await readdir("/proc/self/fd")).length <= descriptors,
            "all descriptors to be closed",
        );
        assert.deepEqual(await processes(), []);
    });

    test("leave no descriptor open and no process behind", async () => {
        const sessions = Array.from({ length: 8 }, (_, i) => exec(`echo ${i}`));
        await Promise.all(sessions.map((session) => session.ended));
        assert.deepEqual(
            sessions.map((session) => session.text),
            sessions.map((_, i) => `${i}\n`),
        );
        await assert.rejects(exec(["/none"]).ended);
        const cancelled = exec(["/bin/sleep", "1000"]);
        cancelled.cancel();
        await assert.rejects(cancelled.ended);
    });

    test("of one client do not hear of each other", async () => {
        const [one, two] = [exec("cat"), exec("cat")];
        await one.input("one");
        await two.input("two");
        await one.inputEnd();
        await two.inputEnd();
        await Promise.all([one.ended, two.ended]);
        assert.equal(one.text, "one");
        assert.equal(two.text, "two");
    });

    test("are confined as the container's command is", async () => {
        const rootfs = { kind: "directory", path: await busyboxRootfs() } as const;
        const command = ["/bin/sleep", "1000"];
        const other = await server.connection.sendRequest(RunRequest, { rootfs, command });
        const [theirs, mine] = ["$(pidof sleep)", "self"].map((which) =>
            TestSession.exec(server.connection, other.id, [
                "/bin/sh",
                "-c",
                `grep -E '^(Uid|Gid|Groups|Cap.*|NoNewPrivs|Seccomp):' /proc/${which}/status`,
            ]),
        );
        await Promise.all([theirs!.ended, mine!.ended]);
        await server.remove(other.id);
        assert.equal(mine!.text, theirs!.text);
        assert.match(mine!.text, /^NoNewPrivs:\t1$/m);
        assert.match(mine!.text, /^Seccomp:\t2$/m);
    });
});
