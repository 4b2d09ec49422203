/** container_executor: how containers end, are signalled, stopped, started again, and lost. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../support/fixtures";
import { execute, hasEnded, testContainer, type Container, type Running } from "./executor";

const { SIGKILL, SIGSEGV, SIGTERM, SIGUSR1, SIGINT } = constants.signals;

/** Waits until the container's log has a line that ends with `text`. */
async function logged(container: Container, text: string): Promise<void> {
    await eventually(
        () => container.logLines().some((line) => line.endsWith(` ${text}`)),
        `logged: ${text}`,
    );
}

/** A script that says when it is ready to be signalled. */
function waiting(traps: string): string[] {
    return ["/bin/sh", "-c", `${traps}; echo ready; while :; do sleep 0.05; done`];
}

async function startWaiting(container: Container, traps: string): Promise<Running> {
    const running = await container.start(waiting(traps));
    await logged(container, "ready");
    return running;
}

// ------------------------------------------------------------------------------------------ ends

test("exit codes are recorded as they are", async (t) => {
    const container = await testContainer(t);
    for (const code of [0, 1, 42, 127, 128, 137, 255]) {
        const { exit } = await container.run(["/bin/sh", "-c", `exit ${code}`]);
        assert.deepEqual([exit.exitCode, exit.signal], [code, null]);
    }
});

test("a signal that ended the command is told from an exit code", async (t) => {
    const container = await testContainer(t);
    for (const signal of [SIGTERM, SIGKILL, SIGSEGV]) {
        const { exit } = await container.run(["/bin/sh", "-c", `kill -${signal} $$`]);
        assert.deepEqual([exit.exitCode, exit.signal], [null, signal]);
    }
});

test("the record of the end has times, peak and processor time", async (t) => {
    const container = await testContainer(t);
    const { exit } = await container.run([
        "/bin/sh",
        "-c",
        "x=0; while [ $x -lt 20000 ]; do x=$((x+1)); done",
    ]);
    assert.ok(Date.parse(exit.startedAt) < Date.parse(exit.finishedAt));
    assert.equal(exit.oomKilled, false);
    assert.ok((exit.memoryPeak ?? 0) > 10_000, String(exit.memoryPeak));
    assert.ok((exit.cpuUsageUsec ?? 0) > 1000, String(exit.cpuUsageUsec));
});

test("after the end only the state directory's files are left", async (t) => {
    const container = await testContainer(t);
    await container.run(["/bin/true"]);
    assert.deepEqual(readdirSync(container.stateDir).sort(), ["exit.json", "log", "upper", "work"]);
    assert.ok(!existsSync(join(container.runDir, "state.json")));
    assert.ok(!existsSync(join(container.runDir, "attach.sock")));
    assert.deepEqual(container.cgroups(), []);
});

test("processes that the command left behind end with it", async (t) => {
    const container = await testContainer(t);
    const { exit } = await container.run([
        "/bin/sh",
        "-c",
        "sleep 1000 & setsid sleep 1001 & exit 3",
    ]);
    assert.equal(exit.exitCode, 3);
    assert.deepEqual(container.cgroups(), []);
});

test("init reaps what is orphaned", async (t) => {
    const container = await testContainer(t);
    const script =
        "for i in 1 2 3 4 5; do (setsid true &) ; done; sleep 0.2; " +
        "ps -o stat | grep -c Z || true";
    assert.equal(await container.outputOf(script), "0\n");
});

test("an auto-removed container is gone once it has ended", async (t) => {
    const container = await testContainer(t);
    const running = await container.start(["/bin/true"], { flags: ["--auto-remove"] });
    await eventually(() => hasEnded(running.monitorPid), "monitor gone");
    assert.ok(!existsSync(container.stateDir));
    assert.ok(!existsSync(container.runDir));
    assert.deepEqual(container.cgroups(), []);
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

test("a command that does not want to end is killed after the grace", async (t) => {
    const container = await testContainer(t);
    const running = await startWaiting(container, "trap '' TERM");
    const began = Date.now();
    const { event } = await container.stop(running, "--grace-ms", "300");
    assert.deepEqual(event, { event: "stopped", forced: true });
    assert.ok(Date.now() - began >= 300);
    const exit = await container.ended(running);
    assert.deepEqual([exit.exitCode, exit.signal], [null, SIGKILL]);
});

test("a stop sends the signal it is told to", async (t) => {
    const container = await testContainer(t);
    const running = await startWaiting(container, "trap 'exit 9' INT; trap '' TERM");
    const { event } = await container.stop(running, "--signal", String(SIGINT));
    assert.equal(event.forced, false);
    assert.equal((await container.ended(running)).exitCode, 9);
});

test("a signal reaches the command through init", async (t) => {
    const container = await testContainer(t);
    const running = await startWaiting(container, "trap 'echo got it' USR1");
    assert.deepEqual((await container.kill(running, SIGUSR1)).event, { event: "signalled" });
    await logged(container, "got it");
    assert.equal(hasEnded(running.pid), false);
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

// --------------------------------------------------------------------------------- again and lost

test("what was written inside survives a stop and a start, and the log goes on", async (t) => {
    const container = await testContainer(t);
    await container.outputOf("echo kept > /root/file; echo first");
    assert.equal(await container.outputOf("cat /root/file; echo second"), "kept\nsecond\n");
    assert.deepEqual(
        container.logLines().map((line) => line.split(" ").at(-1)),
        ["first", "kept", "second"],
    );
});

test("a second start of a running container is refused and changes nothing", async (t) => {
    const container = await testContainer(t);
    const running = await container.start();
    const state = readFileSync(join(container.runDir, "state.json"), "utf8");
    const { event, exitCode } = await container.tryStart([]);
    assert.deepEqual([event.step, event.code, exitCode], ["lock", "EBUSY", 125]);
    assert.equal(readFileSync(join(container.runDir, "state.json"), "utf8"), state);
    assert.equal(hasEnded(running.pid), false);
    assert.equal((await container.remove()).event.code, "EBUSY");
});

test("of several starts at the same moment one wins", async (t) => {
    const container = await testContainer(t);
    const args = await container.startArgs([]);
    const events = await Promise.all(
        [1, 2, 3, 4].map(async () => (await execute("start", args)).event),
    );
    assert.deepEqual(events.map((event) => event.event).sort(), [
        "failed",
        "failed",
        "failed",
        "started",
    ]);
    for (const event of events.filter(({ event }) => event === "failed")) {
        assert.deepEqual([event.step, event.code], ["lock", "EBUSY"]);
    }
});

test("a container whose monitor was killed runs on, is lost, and can be stopped and removed", async (t) => {
    const container = await testContainer(t);
    const running = await container.start();
    process.kill(running.monitorPid, SIGKILL);
    await eventually(() => hasEnded(running.monitorPid), "monitor gone");
    assert.equal(hasEnded(running.pid), false);
    for (const refused of [await container.tryStart([]), await container.remove()]) {
        assert.deepEqual([refused.event.step, refused.event.code], ["lock", "EBUSY"]);
    }
    assert.ok(existsSync(join(container.runDir, "state.json"))); // or nobody could name it
    assert.equal((await container.stop(running)).event.event, "stopped");
    assert.ok(!existsSync(join(container.stateDir, "exit.json")));
    assert.ok(existsSync(join(container.stateDir, "exit.json.partial")));
    assert.equal(await container.outputOf("echo again"), "again\n");
});

/** Starts one whose monitor waits before it writes down who runs, with the command running. */
async function startHeldUp(container: Container): Promise<{
    started: ReturnType<Container["tryStart"]>;
    init: number;
    monitor: number;
    launcher: number;
}> {
    mkdirSync(container.runDir, { mode: 0o700 });
    // Opening it for writing waits for a reader, who never comes.
    execFileSync("mkfifo", [join(container.runDir, "state.json.partial")]);
    const started = container.tryStart(["/bin/sleep", "30"]);
    const pids = await eventually(() => {
        const group = container.cgroups()[0];
        const listed = group ? readFileSync(join(group, "cgroup.procs"), "utf8") : "";
        return (
            listed.includes("\n") && /\d\n\d/.test(listed) && listed.trim().split("\n").map(Number)
        );
    }, "the command runs");
    const init = Math.min(...pids);
    const monitor = parentOf(init);
    return { started, init, monitor, launcher: parentOf(monitor) };
}

function parentOf(pid: number): number {
    return Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

test("a start whose monitor is killed half-way fails and leaves nothing", async (t) => {
    const container = await testContainer(t);
    const { started, init, monitor } = await startHeldUp(container);
    process.kill(monitor, SIGKILL);
    const { event, exitCode } = await started;
    assert.deepEqual([event.event, event.step, exitCode], ["failed", "monitor", 125]);
    // A process leaves its control group a moment before it counts as ended.
    await eventually(() => hasEnded(init), "init has ended");
    assert.deepEqual(container.cgroups(), []);
    assert.deepEqual(readdirSync(container.stateDir), []);
});

test("what is left when all of a start is killed can be removed", async (t) => {
    const container = await testContainer(t);
    const { started, init, monitor, launcher } = await startHeldUp(container);
    process.kill(launcher, SIGKILL);
    process.kill(monitor, SIGKILL);
    await assert.rejects(started); // no status line
    assert.equal(hasEnded(init), false);
    assert.deepEqual((await container.remove()).event, { event: "removed" });
    await eventually(() => hasEnded(init), "init has ended");
});

test("the monitor is ended by KILL only", async (t) => {
    const container = await testContainer(t);
    const running = await container.start();
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGPIPE"] as const) {
        process.kill(running.monitorPid, signal);
    }
    await container.stop(running);
    assert.equal((await container.ended(running)).exitCode, 0);
});

test("the space for the exit record is there from the start", async (t) => {
    const container = await testContainer(t);
    await container.start();
    assert.ok(statSync(join(container.stateDir, "exit.json.partial")).blocks >= 8);
});

test("files that look like ours in the runtime directory do no harm", async (t) => {
    const container = await testContainer(t);
    await container.run(["/bin/true"]);
    writeFileSync(join(container.runDir, "attach.sock"), "");
    writeFileSync(join(container.runDir, "state.json"), "{");
    assert.equal(await container.outputOf("echo fine"), "fine\n");
});
