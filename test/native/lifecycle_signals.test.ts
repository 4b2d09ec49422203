/** container_executor: signals on their way in and as an end, exit codes, stop and kill. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { hasEnded, testContainer } from "./executor";
import { logged, startWaiting } from "./waiting";

const { SIGCHLD, SIGINT, SIGKILL, SIGSTOP, SIGUSR1 } = constants.signals;

// ------------------------------------------------------------------------------------------ ends

test("exit codes are recorded as they are", async (t) => {
    const container = await testContainer(t);
    for (const code of [0, 1, 2, 42, 64, 100, 125, 126, 127, 128, 129, 137, 143, 192, 254, 255]) {
        const { exit } = await container.run(["/bin/sh", "-c", `exit ${code}`]);
        assert.deepEqual([exit.exitCode, exit.signal], [code, null]);
    }
});

/** Signals whose default is not to end a process: CHLD, CONT, the stops, URG, WINCH (signal(7)). */
const HARMLESS = [17, 18, 19, 20, 21, 22, 23, 28];
/** busybox's shell ignores it; its way to another program is looked at below. */
const { SIGQUIT } = constants.signals;
/** Those of POSIX, the two that libc keeps for itself, and some of the real-time ones. */
const FATAL = [...numbersTo(31), 32, 33, 34, 35, 50, 64].filter(
    (signal) => ![...HARMLESS, SIGQUIT].includes(signal),
);

function numbersTo(last: number): number[] {
    return Array.from({ length: last }, (_, index) => index + 1);
}

test("each signal that ended the command is recorded, and told from an exit code", async (t) => {
    const container = await testContainer(t);
    for (const signal of FATAL) {
        const { exit } = await container.run(["/bin/sh", "-c", `kill -${signal} $$`]);
        assert.deepEqual([exit.exitCode, exit.signal], [null, signal]);
    }
});

test("a signal that the kernel sends by itself is recorded as well", async (t) => {
    const container = await testContainer(t);
    // A write to a pipe that nobody reads.
    const { exit } = await container.run([
        "/bin/sh",
        "-c",
        "mkfifo /f; exec 3<>/f 4>/f; exec 3<&-; echo x >&4",
    ]);
    assert.equal(exit.signal, constants.signals.SIGPIPE);
});

// -------------------------------------------------------------------------------------- on the way

/** Everything that may be handled but CHLD, which is init's own, and what libc keeps for itself. */
const HANDED_ON = numbersTo(64).filter(
    (signal) => ![SIGKILL, SIGSTOP, SIGCHLD, 32, 33].includes(signal),
);

test("every signal that a process can handle reaches the command, once", async (t) => {
    const container = await testContainer(t);
    const traps = `for s in ${HANDED_ON.join(" ")}; do trap "echo got $s." $s; done`;
    const running = await startWaiting(container, traps);
    for (const signal of HANDED_ON) {
        assert.deepEqual((await container.kill(running, signal)).event, { event: "signalled" });
        await logged(container, `got ${signal}.`);
    }
    const got = container.logLines().filter((line) => line.includes(" got "));
    assert.deepEqual(
        got.map((line) => Number(/got (\d+)\.$/.exec(line)?.[1])),
        HANDED_ON,
    );
    assert.equal(hasEnded(running.pid), false);
});

test("a signal that is not handled ends the command, and the record says so", async (t) => {
    const container = await testContainer(t);
    for (const name of ["SIGHUP", "SIGQUIT", "SIGABRT", "SIGSEGV", "SIGUSR2"] as const) {
        const running = await container.start(["/bin/sleep", "1000"]);
        await container.kill(running, constants.signals[name]);
        const exit = await container.ended(running);
        assert.deepEqual([exit.exitCode, exit.signal], [null, constants.signals[name]]);
    }
});

// ---------------------------------------------------------------------------------- stop and kill

test("without a command a container waits until it is stopped, and then ends with 0", async (t) => {
    const container = await testContainer(t);
    const running = await container.start();
    const { exitCode, events, stderr } = await container.stop(running);
    assert.deepEqual(
        { exitCode, events, stderr },
        { exitCode: 0, events: [{ event: "stopped", forced: false }], stderr: "" },
    );
    const exit = await container.ended(running);
    assert.deepEqual([exit.exitCode, exit.signal], [0, null]);
});

test("a stop lets the command end by itself and returns when that is written down", async (t) => {
    const container = await testContainer(t);
    const running = await startWaiting(container, "trap 'exit 7' TERM");
    assert.equal((await container.stop(running)).event.forced, false);
    const record = readFileSync(join(container.stateDir, "exit.json"), "utf8");
    assert.match(record, /^\{"exitCode":7,"signal":null,/);
});

/** How late a kill may be on a busy computer, in milliseconds. */
const SLACK_MS = 1500;

test("a command that does not want to end is killed when the grace is over, not before and not long after", async (t) => {
    const container = await testContainer(t);
    const running = await startWaiting(container, "trap 'echo asked' TERM");
    const began = Date.now();
    const { event } = await container.stop(running, "--grace-ms", "1000");
    assert.deepEqual(event, { event: "stopped", forced: true });
    const exit = await container.ended(running);
    assert.deepEqual([exit.exitCode, exit.signal], [null, SIGKILL]);
    const asked = container.logLines().find((line) => line.endsWith(" asked"));
    const killed = Date.parse(exit.finishedAt);
    assert.ok(killed - began >= 1000, `killed after ${killed - began} ms`);
    const late = killed - Date.parse(asked?.split(" ")[0] ?? "") - 1000;
    assert.ok(late < SLACK_MS, `killed ${late} ms late`);
});

test("a command that takes its time within the grace ends with its own code", async (t) => {
    const container = await testContainer(t);
    const running = await startWaiting(container, "trap 'sleep 0.5; exit 6' TERM");
    const began = Date.now();
    const { event } = await container.stop(running, "--grace-ms", "60000");
    assert.deepEqual(event, { event: "stopped", forced: false });
    assert.ok(Date.now() - began < 30_000, "the grace was waited for");
    const exit = await container.ended(running);
    assert.deepEqual([exit.exitCode, exit.signal], [6, null]);
});

test("a grace of 0 kills at once", async (t) => {
    const container = await testContainer(t);
    const running = await startWaiting(container, "trap '' TERM");
    const { event } = await container.stop(running, "--grace-ms", "0");
    assert.deepEqual(event, { event: "stopped", forced: true });
    assert.equal((await container.ended(running)).signal, SIGKILL);
});

test("a stop sends the signal it is told to", async (t) => {
    const container = await testContainer(t);
    const running = await startWaiting(container, "trap 'exit 9' INT; trap '' TERM");
    const { event } = await container.stop(running, "--signal", String(SIGINT));
    assert.equal(event.forced, false);
    assert.equal((await container.ended(running)).exitCode, 9);
});

test("a container without a command is not ended by a signal that means nothing to it", async (t) => {
    const container = await testContainer(t);
    const running = await container.start();
    await container.kill(running, SIGUSR1);
    const { event } = await container.stop(running);
    assert.equal(event.forced, false);
});

test("KILL ends the container at once, and is recorded", async (t) => {
    const container = await testContainer(t);
    const running = await startWaiting(container, "trap '' TERM");
    await container.kill(running, SIGKILL);
    const exit = await container.ended(running);
    assert.deepEqual([exit.exitCode, exit.signal], [null, SIGKILL]);
});

test("a process inside cannot end its init", async (t) => {
    const container = await testContainer(t);
    assert.equal(await container.outputOf("kill -KILL 1; kill -STOP 1; echo alive"), "alive\n");
});

test("what has ended, was another process or of another boot is not signalled", async (t) => {
    const container = await testContainer(t);
    const running = await container.start();
    for (const wrong of [
        { ...running, startTime: running.startTime + 1 },
        { ...running, bootId: "00000000-0000-0000-0000-000000000000" },
    ]) {
        for (const executed of [
            await container.stop(wrong),
            await container.kill(wrong, SIGKILL),
        ]) {
            assert.deepEqual(
                [executed.event.step, executed.event.code, executed.exitCode],
                ["identify", "ESRCH", 125],
            );
        }
    }
    assert.equal(hasEnded(running.pid), false);
    await container.stop(running);
    assert.equal((await container.stop(running)).event.code, "ESRCH");
});
