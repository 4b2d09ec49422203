/** On a kernel with cgroup v2 alone: what a container has, file by file, and what is left of it. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../support/fixtures";
import { outputOf, startContainer } from "../native/entered";
import { testContainer, type Container } from "../native/executor";

const ROOT = "/sys/fs/cgroup";
const MIB = 1024 * 1024;

function read(container: Container, file: string): string {
    return readFileSync(join(ROOT, "my-container-manager", container.id, file), "utf8");
}

/** Every line of a file of names and values. */
function values(text: string): Record<string, string> {
    const lines = text.trim().split("\n");
    return Object.fromEntries(lines.map((line) => line.split(" ", 2) as [string, string]));
}

test("this machine has the unified hierarchy and no other", () => {
    const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
    const groups = mounts.filter((line) => / cgroup2? /.test(line)).map((line) => line.split(" "));
    assert.deepEqual(
        groups.map(([, directory, type]) => [directory, type]),
        [[ROOT, "cgroup2"]],
    );
    const controllers = readFileSync(join(ROOT, "cgroup.controllers"), "utf8").trim().split(" ");
    for (const needed of ["cpu", "io", "memory", "pids"]) {
        assert.ok(controllers.includes(needed), needed);
    }
});

test("each limit is in its file, with no swap and with the container as one for the OOM killer", async (t) => {
    const container = await testContainer(t);
    await container.start([], {
        flags: [
            ...["--memory", String(64 * MIB), "--cpu-quota", "50000", "--pids", "20"],
            ...["--io-read", String(10 * MIB), "--io-write", String(5 * MIB)],
        ],
    });
    assert.equal(read(container, "memory.max"), `${64 * MIB}\n`);
    assert.equal(read(container, "memory.oom.group"), "1\n");
    assert.equal(read(container, "cpu.max"), "50000 100000\n");
    assert.equal(read(container, "pids.max"), "20\n");
    // The whole disk that the state directory lies on, user-mode block device 0 (devices.txt).
    const io = `rbps=${10 * MIB} wbps=${5 * MIB} riops=max wiops=max`;
    assert.equal(read(container, "io.max"), `98:0 ${io}\n`);
    // A kernel without swap has no file for it.
    const swap = join(ROOT, "my-container-manager", container.id, "memory.swap.max");
    assert.equal(existsSync(swap) ? readFileSync(swap, "utf8") : "0\n", "0\n");
});

test("inside, the container is at the root of the hierarchy, and cannot write there", async () => {
    const container = await startContainer();
    try {
        const script = `cat /proc/self/cgroup /proc/1/cgroup /sys/fs/cgroup/pids.max
            echo 5 > /sys/fs/cgroup/pids.max
            echo 1 > /sys/fs/cgroup/cgroup.freeze; mkdir /sys/fs/cgroup/new; true`;
        const output = await outputOf(container, `{ ${script}; } 2>&1`);
        const lines = output.split("\n");
        assert.deepEqual(lines.slice(0, 3), ["0::/", "0::/", "max"]);
        const refusals = lines.slice(3, -1);
        assert.equal(refusals.length, 3, output);
        refusals.forEach((line) => assert.match(line, /Read-only file system/));
    } finally {
        await container.dispose();
    }
});

test("a pause freezes the group, and its end thaws it", async (t) => {
    const container = await testContainer(t);
    const running = await container.start(["/bin/sleep", "1000"]);
    const frozen = (): string | undefined => values(read(container, "cgroup.events")).frozen;
    assert.deepEqual([frozen(), read(container, "cgroup.freeze")], ["0", "0\n"]);
    assert.equal((await container.pause(running)).exitCode, 0);
    assert.deepEqual([frozen(), read(container, "cgroup.freeze")], ["1", "1\n"]);
    assert.equal((await container.resume(running)).exitCode, 0);
    await eventually(() => frozen() === "0", "the group has thawed");
});

test("the OOM killer takes the container as a whole, and the kernel counts it so", async (t) => {
    const container = await testContainer(t);
    const hog = "sleep 1000 & tail -c 200000000 /dev/zero; sleep 1001";
    const running = await container.start(["/bin/sh", "-c", hog], {
        flags: ["--memory", String(32 * MIB)],
    });
    const exit = await container.ended(running);
    assert.deepEqual([exit.exitCode, exit.signal, exit.oomKilled], [null, 9, true]);
});

test("a stop kills the whole group at once, sessions of their own or not, and nothing is left", async (t) => {
    const container = await testContainer(t);
    const script = "for i in $(seq 50); do (trap '' TERM; setsid sleep 1000 &); done; sleep 1001";
    const running = await container.start(["/bin/sh", "-c", script]);
    const count = (): number => Number(read(container, "pids.current"));
    await eventually(() => count() === 52, "all of them, the command and init run", 60_000);
    const { event } = await container.stop(running, "--grace-ms", "0");
    assert.deepEqual(event, { event: "stopped", forced: true });
    assert.deepEqual(container.cgroups(), []);
    assert.equal((await container.remove()).event.event, "removed");
    assert.ok(!readdirSync(ROOT).includes("my-container-manager"), "our parent group is left");
});
