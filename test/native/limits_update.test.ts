/** Changing the limits of a container, while it runs and while it does not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../support/fixtures";
import { testContainer, type Container } from "./executor";
import { assertEvent, hasController, isLegacy, memoryLimit, MIB, read } from "./limits";

const UPDATED = { event: "updated", running: true };

function quota(container: Container): string {
    return read(container, "cpu", "cpu.cfs_quota_us", "cpu.max").replace(" 100000", "");
}

test("each limit of a running container is changed, and cleared by max", async (t) => {
    const container = await testContainer(t);
    await container.start();
    const memory = ["--memory", String(64 * MIB)];
    assertEvent(await container.update(...memory, "--cpu-quota", "20000", "--pids", "9"), UPDATED);
    assert.equal(memoryLimit(container), 64 * MIB);
    assert.equal(quota(container), "20000");
    assert.equal(read(container, "pids", "pids.max", "pids.max"), "9");

    assertEvent(await container.update("--memory", "max", "--pids", "max"), UPDATED);
    assert.equal(memoryLimit(container), undefined);
    assert.equal(quota(container), "20000", "what is not named stays");
    assertEvent(await container.update("--cpu-quota", "max"), UPDATED);
    assert.match(quota(container), /^(-1|max)$/);
    assert.equal(read(container, "pids", "pids.max", "pids.max"), "max");
});

test("memory together with swap follows the memory limit up and down", async (t) => {
    const container = await testContainer(t);
    await container.start();
    for (const bytes of [32 * MIB, 64 * MIB, 16 * MIB, 128 * MIB]) {
        assertEvent(await container.update("--memory", String(bytes)), UPDATED);
        assert.equal(memoryLimit(container), bytes);
        const swap = read(container, "memory", "memory.memsw.limit_in_bytes", "memory.swap.max");
        assert.equal(swap, isLegacy("memory") ? String(bytes) : "0");
    }
    assertEvent(await container.update("--memory", "max"), UPDATED);
    const swap = read(container, "memory", "memory.memsw.limit_in_bytes", "memory.swap.max");
    assert.ok(swap === "max" || Number(swap) > 2 ** 62, swap);
});

test("a cpuset is changed and cleared while processes run", async (t) => {
    if (!hasController("cpuset")) {
        return; // that this is refused then, the rollback below has
    }
    const container = await testContainer(t);
    await container.start(["/bin/sleep", "1000"]);
    assertEvent(await container.update("--cpuset", "0"), UPDATED);
    assert.equal(read(container, "cpuset", "cpuset.cpus", "cpuset.cpus.effective"), "0");
    assertEvent(await container.update("--cpuset", "max"), UPDATED);
    assert.equal(
        read(container, "cpuset", "cpuset.cpus", "cpuset.cpus.effective"),
        read(container, "cpuset", "../cpuset.cpus", "../cpuset.cpus.effective"),
    );
});

test("where one limit fails, those that were changed before it are put back", async (t) => {
    const container = await testContainer(t);
    await container.start([], { flags: ["--memory", String(64 * MIB), "--cpu-quota", "30000"] });
    // More than any kernel takes; on a host without the cpuset controller there is one more way.
    const tooMuch = ["--cpu-quota", String(2n ** 62n)];
    const failed = await container.update("--memory", String(32 * MIB), ...tooMuch);
    assertEvent(failed, { event: "failed", step: "limit-cpu", code: "EINVAL" }, /cpu/);
    assert.equal(memoryLimit(container), 64 * MIB);
    assert.equal(quota(container), "30000");
    if (!hasController("cpuset")) {
        const absent = await container.update("--cpu-quota", "50000", "--cpuset", "0");
        assertEvent(absent, { event: "failed", step: "limit-cpuset", code: "ENOENT" });
        assert.equal(quota(container), "30000");
    }
});

test("a memory limit below what is used is refused, and nobody is killed", async (t) => {
    const container = await testContainer(t);
    const script = "dd if=/dev/zero of=/dev/shm/kept bs=1M count=24 && echo full; exec sleep 1000";
    const running = await container.start(["/bin/sh", "-c", script], {
        flags: ["--memory", String(64 * MIB)],
    });
    await eventually(() => container.logLines().some((line) => line.endsWith(" full")), "full");
    const refused = await container.update("--memory", String(16 * MIB));
    const busy = { event: "failed", step: "limit-memory", code: "EBUSY" };
    assertEvent(refused, busy, /uses more than 16777216 bytes/);
    assert.equal(memoryLimit(container), 64 * MIB);
    assertEvent(await container.update("--memory", String(40 * MIB)), UPDATED);
    await container.stop(running, "--grace-ms", "0");
    assert.equal((await container.ended(running)).oomKilled, false);
});

test("of a container that does not run the limits are tried, and nothing is left of that", async (t) => {
    const container = await testContainer(t);
    const tried = await container.update("--memory", String(64 * MIB), "--pids", "max");
    assertEvent(tried, { event: "updated", running: false });
    const refused = await container.update("--cpu-quota", String(2n ** 62n));
    assertEvent(refused, { event: "failed", step: "limit-cpu", code: "EINVAL" });
    const absent = await container.update("--cpuset", "4095");
    assertEvent(absent, { event: "failed", step: "limit-cpuset", code: "EINVAL" });
    assert.deepEqual(container.cgroups(), []);
});

test("a paused container's limits can be changed", async (t) => {
    const container = await testContainer(t);
    const running = await container.start();
    await container.pause(running);
    assertEvent(await container.update("--pids", "11"), UPDATED);
    assert.equal(read(container, "pids", "pids.max", "pids.max"), "11");
});
