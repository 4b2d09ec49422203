/** Pausing and resuming: by the unified hierarchy, and by v1's freezer where there is nothing else. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/fixtures";
import { hasEnded, testContainer, type Container } from "./executor";
import { assertEvent, cpuTime } from "./limits";

const SPIN = ["/bin/sh", "-c", "while :; do :; done"];
const QUOTA = { flags: ["--cpu-quota", "20000"] };

/** Executes in a mount namespace in which the unified hierarchy is out of sight. */
const WITHOUT_UNIFIED = [
    ...["unshare", "-m", "sh", "-c"],
    ...['mount -t tmpfs none /sys/fs/cgroup/unified && exec "$@"', "sh"],
];

async function plain(t: TestContext): Promise<Container> {
    return testContainer(t);
}

async function legacy(t: TestContext): Promise<Container> {
    const container = await testContainer(t);
    container.wrapper = WITHOUT_UNIFIED;
    return container;
}

const kinds = [{ name: "", make: plain }];
if (existsSync("/sys/fs/cgroup/freezer") && existsSync("/sys/fs/cgroup/unified")) {
    kinds.push({ name: " (freezer of v1)", make: legacy });
}

for (const { name, make } of kinds) {
    test(`a paused container stands still until it is resumed${name}`, async (t) => {
        const container = await make(t);
        const running = await container.start(SPIN, QUOTA);
        assertEvent(await container.pause(running), { event: "paused" });
        const before = cpuTime(container);
        await sleep(300);
        assert.equal(cpuTime(container), before);
        assertEvent(await container.resume(running), { event: "resumed" });
        await eventually(() => cpuTime(container) > before, "it runs on");
    });

    test(`a paused container is not paused again, nor a running one resumed${name}`, async (t) => {
        const container = await make(t);
        const running = await container.start();
        const refused = { event: "failed", step: "freeze", code: "EALREADY" };
        assertEvent(await container.resume(running), refused, /is not paused/);
        await container.pause(running);
        assertEvent(await container.pause(running), refused, /is paused already/);
    });

    test(`a paused container that is stopped gets its signal and its grace${name}`, async (t) => {
        const container = await make(t);
        const script = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done";
        const running = await container.start(["/bin/sh", "-c", script]);
        await eventually(() => container.logLines().length > 0, "ready");
        await container.pause(running);
        assertEvent(await container.stop(running), { event: "stopped", forced: false });
        assert.equal((await container.ended(running)).exitCode, 7);
    });

    test(`KILL ends a paused container at once, another signal waits${name}`, async (t) => {
        const container = await make(t);
        const script = "trap 'echo hup' HUP; echo ready; while :; do sleep 0.1; done";
        const running = await container.start(["/bin/sh", "-c", script]);
        await eventually(() => container.logLines().length > 0, "ready");
        await container.pause(running);
        assertEvent(await container.kill(running, 1), { event: "signalled" });
        await container.resume(running);
        await eventually(() => container.logLines().some((line) => line.endsWith("hup")), "hup");
        await container.pause(running);
        assertEvent(await container.kill(running, 9), { event: "signalled" });
        assert.equal((await container.ended(running)).signal, 9);
    });

    test(`a paused container whose monitor was killed is stopped and removed${name}`, async (t) => {
        const container = await make(t);
        const running = await container.start(SPIN, QUOTA);
        await container.pause(running);
        process.kill(running.monitorPid, "SIGKILL");
        await eventually(() => hasEnded(running.monitorPid), "monitor gone");
        const { event } = await container.stop(running, "--grace-ms", "0");
        assert.equal(event.event, "stopped", event.message);
        await eventually(() => hasEnded(running.pid), "init gone");
    });
}

test("a container that has ended is neither paused nor resumed", async (t) => {
    const container = await testContainer(t);
    const running = await container.start(["/bin/true"]);
    await container.ended(running);
    const gone = { event: "failed", step: "identify", code: "ESRCH" };
    assertEvent(await container.pause(running), gone);
    assertEvent(await container.resume(running), gone);
});
