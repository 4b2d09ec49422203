/** container_executor: what the end of a container leaves, starting again, and what was lost. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../support/fixtures";
import { execute, hasEnded, testContainer, type Container } from "./executor";

const { SIGKILL } = constants.signals;

// ------------------------------------------------------------------------------------------ ends

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

test("an auto-removed container is gone once it has ended", async (t) => {
    const container = await testContainer(t);
    const running = await container.start(["/bin/true"], { flags: ["--auto-remove"] });
    await eventually(() => hasEnded(running.monitorPid), "monitor gone");
    assert.ok(!existsSync(container.stateDir));
    assert.ok(!existsSync(container.runDir));
    assert.deepEqual(container.cgroups(), []);
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
