/** ns_enter: commands in a running container, their terminals, input and output, and their ends. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { after, before, test } from "node:test";
import { eventually } from "../support/fixtures";
import {
    enter,
    outputOf,
    runEntered,
    spawnNsEnter,
    startContainer,
    type Entered,
    type TestContainer,
} from "./entered";

const { SIGHUP, SIGINT, SIGKILL, SIGPIPE, SIGTERM, SIGUSR1 } = constants.signals;

const TERMINAL = { rows: 24, columns: 80 };

let container: TestContainer;

before(async () => {
    container = await startContainer();
});

after(async () => {
    await container.dispose();
});

function exited(exitCode: number): object {
    return { event: { event: "exited", exitCode, signal: null }, exitCode };
}

function killed(signal: number): object {
    return { event: { event: "exited", exitCode: null, signal }, exitCode: 128 + signal };
}

/** Reads until `wanted` came, and returns what came so far. */
async function readUntil(entered: Entered, wanted: string | RegExp): Promise<string> {
    let text = "";
    for await (const chunk of entered.stdout.iterator({ destroyOnReturn: false })) {
        text += String(chunk);
        if (typeof wanted === "string" ? text.includes(wanted) : wanted.test(text)) {
            return text;
        }
    }
    assert.fail(`the output ended without ${String(wanted)}: ${text}`);
}

async function assertFailed(
    changes: Parameters<typeof enter>[2],
    expected: { step: string; code?: string; message?: RegExp },
    command = ["true"],
): Promise<number | null> {
    const { event, exitCode } = await enter(container, command, changes).ended;
    assert.equal(event?.event, "failed");
    assert.deepEqual(
        { step: event.step, code: event.code },
        { step: expected.step, code: expected.code },
    );
    assert.match(event.message, expected.message ?? /./);
    return exitCode;
}

/** Processes of the container whose command line is `words`, as the container sees them. */
async function running(words: string): Promise<string> {
    return outputOf(container, `ps -o args | grep -cx '${words}' || true`);
}

// ------------------------------------------------------------------------------------- the inside

test("a command is inside: names, ids, processes, files, its own control group", async () => {
    const script = "hostname; id -u; id -g; cat /proc/1/comm; cat /proc/self/cgroup; ls -d /work";
    const { stdout, stderr, exitCode } = await runEntered(container, ["sh", "-c", script]);
    assert.notEqual(exitCode, 0);
    assert.match(stdout, /^entered\n0\n0\n/);
    assert.match(stdout, /^0::\/$/m);
    assert.match(stderr, /work.*No such file/);
});

test("a command is in the pid namespace, and not only among its files", async () => {
    const [status, listed] = (
        await outputOf(
            container,
            "grep ^NSpid: /proc/self/status; ps -o pid,args | grep '[N]Spid\\|ps -o'",
        )
    ).split("\n");
    assert.match(status ?? "", /^NSpid:\t\d+$/);
    assert.ok(listed);
    assert.equal(
        await outputOf(container, "kill -0 $$ && test -d /proc/$$ && echo here"),
        "here\n",
    );
});

test("the started event has the pid that the host sees", async () => {
    const entered = enter(container, ["sleep", "1000"]);
    const pid = await entered.started;
    assert.equal(readFileSync(`/proc/${pid}/comm`, "utf8"), "sleep\n");
    assert.match(
        readFileSync(`/proc/${pid}/status`, "utf8"),
        new RegExp(`^NSpid:\t${pid}\t\\d+$`, "m"),
    );
    entered.control.end();
    assert.deepEqual(await entered.ended, killed(SIGHUP));
});

test("nothing of the host is open or set in a command", async () => {
    const listed = await outputOf(container, "ls /proc/self/fd; exec env", {
        env: { SECRET: "from the env fd", EMPTY: "" },
    });
    assert.match(listed, /^0\n1\n2\n3\n/); // 3 is the directory that ls reads
    assert.deepEqual(
        new Set(listed.trim().split("\n").slice(4)),
        new Set([
            "SECRET=from the env fd",
            "EMPTY=",
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME=/root",
            "HOSTNAME=entered",
            "SHLVL=1",
            "PWD=/",
        ]),
    );
});

test("given variables win over the defaults", async () => {
    const env = { PATH: "/bin", HOME: "/tmp", HOSTNAME: "other", TERM: "dumb" };
    const changes = { env, terminal: TERMINAL };
    const listed = await outputOf(container, 'echo "$PATH $HOME $HOSTNAME $TERM"', changes);
    assert.equal(listed, "/bin /tmp other dumb\r\n");
    assert.match(await outputOf(container, "echo $TERM", { terminal: TERMINAL }), /^xterm/);
});

test("a user by name or number has its ids and home, and unknown ones are refused", async () => {
    const script = 'id -u; id -g; echo "$HOME"';
    assert.equal(await outputOf(container, script, { user: "app" }), "1000\n1000\n/home/app\n");
    assert.equal(await outputOf(container, script, { user: "4242:7" }), "4242\n7\n/\n");
    for (const user of ["nobody-here", "+1", "4294967296", "1:", "65536"]) {
        assert.equal(await assertFailed({ user }, { step: "user", code: codeOf(user) }), 125);
    }
});

function codeOf(user: string): string {
    return user === "nobody-here" ? "ENOENT" : "EINVAL";
}

test("the working directory is entered with the user's own rights, or refused", async () => {
    assert.equal(await outputOf(container, "pwd", { workdir: "/proc/sys" }), "/proc/sys\n");
    assert.equal(await outputOf(container, "pwd"), "/\n");
    await assertFailed({ workdir: "/missing" }, { step: "workdir", code: "ENOENT" });
    await assertFailed({ workdir: "/etc/passwd" }, { step: "workdir", code: "ENOTDIR" });
    await assertFailed({ workdir: "etc" }, { step: "workdir", code: "EINVAL" });
    await outputOf(container, "mkdir -p -m 0700 /tmp/private");
    await assertFailed(
        { workdir: "/tmp/private", user: "app" },
        { step: "workdir", code: "EACCES" },
    );
});

// ------------------------------------------------------------------------------- what is executed

test("what is not found ends with 127", async () => {
    const notFound = { step: "exec", code: "ENOENT" };
    assert.equal(await assertFailed({}, notFound, ["not-there"]), 127);
    assert.equal(await assertFailed({}, notFound, ["/not/there"]), 127);
    assert.equal(await assertFailed({ env: { PATH: "" } }, notFound, ["sh"]), 127);
});

test("what cannot be executed ends with 126", async () => {
    await outputOf(container, "echo text > /tmp/garbage; chmod 755 /tmp/garbage");
    const denied = { step: "exec", code: "EACCES" };
    assert.equal(await assertFailed({}, { ...denied, message: /directory/ }, ["/etc"]), 126);
    assert.equal(await assertFailed({}, denied, ["/etc/passwd"]), 126);
    assert.equal(await assertFailed({}, { step: "exec", code: "ENOEXEC" }, ["/tmp/garbage"]), 126);
    // Found in PATH, but not executable, and nothing executable of the name further on.
    await outputOf(container, "echo text > /tmp/plain");
    assert.equal(await assertFailed({ env: { PATH: "/tmp:/bin" } }, denied, ["plain"]), 126);
});

test("a script without its interpreter is told from one that is not there", async () => {
    await outputOf(container, "echo '#!/no/such/shell' > /tmp/script; chmod 755 /tmp/script");
    const expected = { step: "exec", code: "ENOENT", message: /interpreter/ };
    assert.equal(await assertFailed({}, expected, ["/tmp/script"]), 127);
});

test("PATH is searched in its order, and what cannot be executed is passed over", async () => {
    await outputOf(
        container,
        `mkdir -p /tmp/p1/tool /tmp/p2 /tmp/p3
        echo no > /tmp/p2/tool
        printf '#!/bin/sh\\necho third' > /tmp/p3/tool; chmod 755 /tmp/p3/tool`,
    );
    const env = { PATH: "/none:/etc/passwd:/tmp/p1:/tmp/p2:/tmp/p3:/bin" };
    const { stdout } = await runEntered(container, ["tool"], { env });
    assert.equal(stdout, "third\n");
});

// ------------------------------------------------------------------------------ input and output

test("exit codes and signals come as they are", async () => {
    for (const code of [0, 1, 7, 125, 126, 127, 255]) {
        const { event, exitCode } = await runEntered(container, ["sh", "-c", `exit ${code}`]);
        assert.deepEqual({ event, exitCode }, exited(code));
    }
    for (const signal of [SIGTERM, SIGKILL, SIGUSR1]) {
        const { event, exitCode } = await runEntered(container, ["sh", "-c", `kill -${signal} $$`]);
        assert.deepEqual({ event, exitCode }, killed(signal));
    }
});

test("input goes through to its end, unchanged, and so does output", async () => {
    const input = Buffer.alloc(5_000_000, "0123456789abcdef\0\n\r\x04\x03\xff", "latin1");
    const entered = enter(container, ["cat"]);
    entered.stdin.end(input);
    const chunks: Buffer[] = [];
    for await (const chunk of entered.stdout) {
        chunks.push(chunk as Buffer);
    }
    assert.ok(Buffer.concat(chunks).equals(input));
    assert.deepEqual(await entered.ended, exited(0));
});

test("stdout and stderr stay apart, and can be opened anew by any user", async () => {
    const script = "echo out > /proc/self/fd/1; echo err > /proc/self/fd/2";
    for (const user of ["0", "app"]) {
        const { stdout, stderr } = await runEntered(container, ["sh", "-c", script], { user });
        assert.deepEqual([stdout, stderr], ["out\n", "err\n"]);
    }
});

test("the last output before the end is never lost", async () => {
    for (let round = 0; round < 20; round++) {
        assert.equal(await outputOf(container, `echo ${round}`), `${round}\n`);
        const terminal = await outputOf(container, `echo ${round}`, { terminal: TERMINAL });
        assert.equal(terminal, `${round}\r\n`);
    }
});

test("a background process that holds the output does not keep anybody waiting", async () => {
    for (const terminal of [undefined, TERMINAL]) {
        const script = "trap '' HUP; sleep 1001 & echo $!";
        const pid = (await outputOf(container, script, { terminal })).trim();
        await outputOf(container, `kill -9 ${pid}`);
    }
});

test("a command whose reader goes gets PIPE", async () => {
    const entered = enter(container, ["yes"]);
    await readUntil(entered, "y\n");
    entered.stdout.destroy();
    assert.deepEqual(await entered.ended, killed(SIGPIPE));
});

test("a command that does not want its input is not disturbed by it", async () => {
    const entered = enter(container, ["sh", "-c", "exec <&-; sleep 0.2; echo fine; exit 3"]);
    entered.stdin.write(Buffer.alloc(1_000_000));
    await readUntil(entered, "fine\n");
    assert.deepEqual(await entered.ended, exited(3));
});

// -------------------------------------------------------------------------------------- terminals

test("a terminal is of the container's own devpts, controlling, sized and the user's", async () => {
    const script = "tty; stty size; stat -c %u $(tty); echo anew > /dev/tty; ls /dev/pts";
    const output = await outputOf(container, script, {
        terminal: { rows: 33, columns: 101 },
        user: "app",
    });
    assert.match(
        output,
        /^\/dev\/pts\/(\d+)\r\n33 101\r\n1000\r\nanew\r\n(\d+ +)*\1 +(\d+ +)*ptmx\r\n$/,
    );
});

test("a resize reaches the program in the terminal", async () => {
    const script = "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done";
    const entered = enter(container, ["sh", "-c", script], { terminal: TERMINAL });
    await readUntil(entered, "ready");
    entered.control.write("resize 50 132\n");
    await readUntil(entered, "50 132\r\n");
    assert.deepEqual(await entered.ended, exited(0));
});

test("an interactive shell works, and the end of input ends it", async () => {
    const entered = enter(container, ["sh"], { terminal: TERMINAL });
    await readUntil(entered, "# ");
    entered.stdin.end("echo $((6*7)); exit_later=5; exit $exit_later\n");
    await readUntil(entered, "42\r\n");
    assert.deepEqual(await entered.ended, exited(5));

    const other = enter(container, ["sh"], { terminal: TERMINAL });
    await readUntil(other, "# ");
    other.stdin.end();
    other.stdout.resume();
    assert.deepEqual(await other.ended, exited(0));
});

test("Ctrl-C and job control work in a terminal", async () => {
    const entered = enter(container, ["sh"], { terminal: TERMINAL });
    await readUntil(entered, "# ");
    entered.stdin.write("sleep 1002\n");
    await eventually(async () => (await running("sleep 1002")) === "1\n", "sleep runs");
    entered.stdin.write("\x03");
    await readUntil(entered, "# ");
    entered.stdin.write("echo $?\n");
    await readUntil(entered, "130\r\n");
    entered.stdin.write("exit\n");
    entered.stdout.resume();
    assert.deepEqual(await entered.ended, exited(0));
});

test("a flood that nobody reads fills no memory, and Ctrl-C still ends it at once", async () => {
    const entered = enter(container, ["yes"], { terminal: TERMINAL });
    await entered.started;
    const before = residentKib(entered.pid);
    await relayWaits(entered);
    const grown = residentKib(entered.pid) - before;
    assert.ok(grown < 512, `${grown} KiB`);
    entered.stdin.write("\x03");
    await eventually(async () => (await running("yes")) === "0\n", "yes has ended");
    entered.stdout.resume();
    assert.deepEqual(await entered.ended, killed(SIGINT));
});

/** Waits until all there is to fill is full: then ns_enter is not woken up any more. */
async function relayWaits(entered: Entered): Promise<void> {
    let last = 0;
    await eventually(() => {
        const seen = contextSwitches(entered.pid);
        const same = seen === last;
        last = seen;
        return same && seen > 0;
    }, "the relay waits");
}

function contextSwitches(pid: number): number {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/^voluntary_ctxt_switches:\t(\d+)$/m.exec(status)?.[1]);
}

function residentKib(pid: number): number {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

// ---------------------------------------------------------------------------------------- control

test("a signal goes to the process group of the command", async () => {
    const script = "sleep 1003 & trap 'wait; exit 9' USR1; echo ready; wait";
    const entered = enter(container, ["sh", "-c", script]);
    await readUntil(entered, "ready");
    entered.control.write(`signal ${SIGUSR1}\n`);
    entered.stdout.resume();
    assert.deepEqual(await entered.ended, exited(9));
    assert.equal(await running("sleep 1003"), "0\n");
});

test("a signal goes to the foreground process group of a terminal", async () => {
    const entered = enter(container, ["sh"], { terminal: TERMINAL });
    await readUntil(entered, "# ");
    entered.stdin.write("sleep 1004; echo code $?\n");
    await eventually(async () => (await running("sleep 1004")) === "1\n", "sleep runs");
    entered.control.write(`signal ${SIGTERM}\n`);
    await readUntil(entered, "code 143");
    entered.stdin.write("exit\n");
    entered.stdout.resume();
    assert.deepEqual(await entered.ended, exited(0));
});

test("a line that means nothing is warned of and changes nothing", async () => {
    for (const line of [
        "resize 1",
        "signal 0",
        "signal 65",
        "signal -9",
        "resize 1 65536",
        "x".repeat(999),
    ]) {
        const entered = enter(container, ["sleep", "1005"]);
        await entered.started;
        entered.control.write(`${line}\nsignal ${SIGKILL}\n`);
        assert.deepEqual(await entered.ended, killed(SIGKILL), line);
        assert.match(entered.warnings.join(), /^a line of the control fd is neither/);
    }
});

test("a client that goes hangs the session up, also one in pieces", async () => {
    for (const terminal of [undefined, TERMINAL]) {
        const script =
            "trap 'echo hup > /tmp/hup; exit 4' HUP; echo ready; while :; do sleep 0.05; done";
        const entered = enter(container, ["sh", "-c", script], { terminal });
        await readUntil(entered, "ready");
        entered.control.end();
        assert.deepEqual(await entered.ended, exited(4));
        assert.equal(await outputOf(container, "cat /tmp/hup; rm /tmp/hup"), "hup\n");
    }
});

test("who ignores the hang-up is killed a second later, with all of the session", async () => {
    const script = "trap '' HUP; sleep 1006 & setsid sleep 1007 & echo $!; sleep 1006";
    const entered = enter(container, ["sh", "-c", script]);
    const outsider = (await readUntil(entered, "\n")).trim();
    const begin = Date.now();
    entered.control.end();
    assert.deepEqual(await entered.ended, killed(SIGKILL));
    const took = Date.now() - begin;
    assert.ok(took >= 950 && took < 10_000, `${took} ms`);
    await eventually(async () => (await running("sleep 1006")) === "0\n", "the session has ended");
    assert.equal(await running("sleep 1007"), "1\n"); // it left the session
    await outputOf(container, `kill -9 ${outsider}`);
});

test("a flood that nobody reads does not keep a hang-up waiting", async () => {
    const entered = enter(container, ["yes"]);
    await entered.started;
    await relayWaits(entered);
    entered.control.end();
    assert.deepEqual(await entered.ended, killed(SIGHUP));
});

test("TERM to ns_enter hangs the session up, too", async () => {
    const entered = enter(container, ["sleep", "1008"]);
    await entered.started;
    process.kill(entered.pid, "SIGTERM");
    assert.deepEqual(await entered.ended, killed(SIGHUP));
});

test("a client can go, or end us, before the command has begun", async () => {
    const freezer = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]
        .map((top) => `${top}/my-container-manager/${container.id}/cgroup.freeze`)
        .find((path) => existsSync(path));
    assert.ok(freezer);
    for (const go of ["control", "TERM"]) {
        // Who is born into a frozen control group comes no further.
        writeFileSync(freezer, "1");
        try {
            const entered = enter(container, ["true"]);
            const children = `/proc/${entered.pid}/task/${entered.pid}/children`;
            await eventually(() => readFileSync(children, "utf8") !== "", "a process on its way");
            if (go === "control") {
                entered.control.end();
            } else {
                process.kill(entered.pid, "SIGTERM");
            }
            await assert.rejects(entered.started);
            const { event, exitCode } = await entered.ended;
            assert.ok(event?.event === "failed");
            assert.deepEqual([event.step, event.code, exitCode], ["sync", "ECANCELED", 125]);
        } finally {
            writeFileSync(freezer, "0");
        }
    }
});

test("a container's death ends a command at once with signal 9, read or not", async (t) => {
    const dying = await startContainer();
    t.after(() => dying.dispose());
    const all = [
        enter(dying, ["sleep", "1009"]),
        enter(dying, ["yes"]),
        enter(dying, ["yes"], { terminal: TERMINAL }),
    ];
    await Promise.all(all.map(({ started }) => started));
    await Promise.all(all.map(relayWaits));
    const begin = Date.now();
    process.kill(dying.process.pid, "SIGKILL");
    for (const { ended } of all) {
        assert.deepEqual(await ended, killed(SIGKILL));
    }
    assert.ok(Date.now() - begin < 10_000);
});

// ------------------------------------------------------------------------------------- wrong targets

test("a process that is another by now, or gone, is never joined", async () => {
    const { process: target } = container;
    const gone = { step: "identify", code: "ESRCH" };
    await assertFailed({ process: { ...target, startTime: target.startTime + 1 } }, gone);
    await assertFailed({ process: { ...target, bootId: target.bootId.replace(/^./, "x") } }, gone);
    await assertFailed({ id: "000000000000" }, { ...gone, message: /no cgroup of container/ });
    const ended = await startContainer();
    await ended.dispose();
    await assertFailed({ process: ended.process, id: ended.id }, gone);
});

test("a command line that is not the contract's is refused with the option's name", async () => {
    const { id, process: target } = container;
    const sound = [
        ...["--status-fd", "3", "--control-fd", "5", "--id", id, "--pid", String(target.pid)],
        ...["--start-time", String(target.startTime), "--boot-id", target.bootId],
    ];
    const without = (flag: string): string[] =>
        sound.filter((_, index) => sound[index - (index % 2)] !== flag);
    const cases: [string[], RegExp][] = [
        [[...sound, "--", ""], /--: needs a command/],
        [sound, /--: needs a command/],
        [[...sound, "--frobnicate", "--", "true"], /--frobnicate: not an option/],
        [[...sound, "--tty", "--tty", "--", "true"], /--tty: given twice/],
        [[...sound, "--rows", "65536", "--", "true"], /--rows: '65536' is not a number/],
        [[...sound, "--rows", "+1", "--", "true"], /--rows: '\+1' is not a number/],
        [[...sound, "--user", "", "--", "true"], /--user: is empty/],
        [[...sound, "--user"], /--user: needs a value/],
        [[...sound, "--env-fd", "99", "--", "true"], /--env-fd: '99' is not an open/],
        [[...without("--pid"), "--pid", "0", "--", "true"], /--pid: '0' is not a number/],
        [[...without("--pid"), "--", "true"], /--pid: missing/],
        [[...without("--id"), "--id", "../../etc", "--", "true"], /--id: '..\/..\/etc' is not 12/],
        [[...without("--control-fd"), "--", "true"], /--control-fd: missing/],
    ];
    for (const [args, message] of cases) {
        const { event, exitCode } = await spawnNsEnter(args).ended;
        assert.equal(event?.event, "failed", args.join(" "));
        assert.equal(event.step, "options");
        assert.match(event.message, message);
        assert.equal(exitCode, 125);
    }
});

test("an environment that is none is refused", async () => {
    for (const [bytes, message] of [
        ["NOVALUE\0", /no KEY=VALUE/],
        ["A=1", /not ended by a NUL/],
        [`A=${"x".repeat(1024 * 1024)}\0`, /larger than 1 MiB/],
    ] as const) {
        const { id, process: target } = container;
        const entered = spawnNsEnter([
            ...["--status-fd", "3", "--control-fd", "5", "--env-fd", "4", "--id", id],
            ...["--pid", String(target.pid), "--start-time", String(target.startTime)],
            ...["--boot-id", target.bootId, "--", "true"],
        ]);
        entered.environment.end(bytes);
        const { event } = await entered.ended;
        assert.equal(event?.event, "failed");
        assert.match(event.message, message);
    }
});

test("control groups are found wherever they are mounted", async () => {
    const script =
        'mount --rbind /sys/fs/cgroup /mnt && umount --lazy --recursive /sys/fs/cgroup && exec "$@"';
    const isolated = ["unshare", "--mount", "--propagation", "private"];
    const wrapper = [...isolated, "sh", "-c", script, "sh"];
    const usual = await outputOf(container, "cat /proc/self/cgroup");
    assert.equal(await outputOf(container, "cat /proc/self/cgroup", { wrapper }), usual);
});
