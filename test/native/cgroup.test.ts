/** Limits, in whichever version of control groups this host has them. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../support/fixtures";
import { assertRefused, testContainer, type Container } from "./executor";

const MIB = 1024 * 1024;

/** Whether the host has a v1 hierarchy of this controller. */
function isLegacy(controller: string): boolean {
    return existsSync(join("/sys/fs/cgroup", controller, "cgroup.procs"));
}

/** Whether the host has this controller at all, in either version. */
function hasController(controller: string): boolean {
    const unified = "/sys/fs/cgroup/cgroup.controllers";
    return (
        isLegacy(controller) ||
        (existsSync(unified) &&
            readFileSync(unified, "utf8").trim().split(" ").includes(controller))
    );
}

/** Content of a file of the container's control group, by its name in either version. */
function read(container: Container, controller: string, legacy: string, unified: string): string {
    const path = isLegacy(controller)
        ? join("/sys/fs/cgroup", controller, "my-container-manager", container.id, legacy)
        : join("/sys/fs/cgroup/my-container-manager", container.id, unified);
    return readFileSync(path, "utf8").trim();
}

test("each limit stands in the kernel's own files", async (t) => {
    const container = await testContainer(t);
    await container.start([], {
        flags: [
            ...["--memory", String(64 * MIB), "--cpu-quota", "50000", "--pids", "20"],
            ...(hasController("cpuset") ? ["--cpuset", "0"] : []),
        ],
    });
    assert.equal(
        read(container, "memory", "memory.limit_in_bytes", "memory.max"),
        String(64 * MIB),
    );
    assert.match(read(container, "cpu", "cpu.cfs_quota_us", "cpu.max"), /^50000( 100000)?$/);
    if (hasController("cpuset")) {
        assert.equal(read(container, "cpuset", "cpuset.cpus", "cpuset.cpus"), "0");
    }
    assert.equal(read(container, "pids", "pids.max", "pids.max"), "20");
});

test("swap does not widen the memory limit", async (t) => {
    const container = await testContainer(t);
    await container.start([], { flags: ["--memory", String(64 * MIB)] });
    const legacy = "memory.memsw.limit_in_bytes";
    const directory = container.cgroups().find((path) => path.includes("/memory/"));
    if (directory !== undefined && !existsSync(join(directory, legacy))) {
        // This kernel accounts no swap: then there must be none to be used.
        assert.equal(readFileSync("/proc/swaps", "utf8").trim().split("\n").length, 1);
        return;
    }
    assert.match(
        read(container, "memory", legacy, "memory.swap.max"),
        directory === undefined ? /^0$/ : new RegExp(`^${64 * MIB}$`),
    );
});

test("without limits the container's control group has none", async (t) => {
    const container = await testContainer(t);
    await container.start();
    assert.match(read(container, "pids", "pids.max", "pids.max"), /^max$/);
    assert.match(read(container, "cpu", "cpu.cfs_quota_us", "cpu.max"), /^(-1|max 100000)$/);
});

test("every process of the container is in its control groups from the start", async (t) => {
    const container = await testContainer(t);
    const { pid } = await container.start(["/bin/sleep", "1000"]);
    const groups = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n");
    const ours = groups.filter((line) => line.endsWith(`:/my-container-manager/${container.id}`));
    assert.equal(ours.length, container.cgroups().length);
    for (const directory of container.cgroups()) {
        assert.equal(
            readFileSync(join(directory, "cgroup.procs"), "utf8").trim().split("\n").length,
            2,
            directory,
        );
    }
});

test("what takes more memory than allowed is killed, and the end says why", async (t) => {
    const container = await testContainer(t);
    const hog = "tail -c 200000000 /dev/zero";
    const { exit } = await container.run(["/bin/sh", "-c", `exec ${hog}`], {
        flags: ["--memory", String(16 * MIB)],
    });
    assert.deepEqual([exit.exitCode, exit.signal, exit.oomKilled], [null, 9, true]);
    assert.ok((exit.memoryPeak ?? 0) <= 16 * MIB, String(exit.memoryPeak));
    assert.ok((exit.memoryPeak ?? 0) > 8 * MIB, String(exit.memoryPeak));
});

test("no more processes can be made than allowed", async (t) => {
    const container = await testContainer(t);
    const { stderr } = await container.run(
        ["/bin/sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do sleep 0.5 & done; wait"],
        { flags: ["--pids", "6"] },
    );
    assert.match(stderr, /fork/);
});

test("the processor is limited to its share", async (t) => {
    const container = await testContainer(t);
    const running = await container.start(["/bin/sh", "-c", "while :; do :; done"], {
        flags: ["--cpu-quota", "10000"],
    });
    const throttled = (): number =>
        Number(/^nr_throttled (\d+)$/m.exec(read(container, "cpu", "cpu.stat", "cpu.stat"))?.[1]);
    await eventually(() => throttled() >= 3, "throttled in three periods");
    await container.stop(running, "--grace-ms", "0");
});

test("a limit that cannot be set, or whose controller is nowhere, is refused by its step", async (t) => {
    const container = await testContainer(t);
    const refused = await container.tryStart([], { flags: ["--cpuset", "4095"] });
    assertRefused(
        container,
        refused,
        hasController("cpuset")
            ? { step: "limit-cpuset", code: refused.event.code ?? "", message: /processors 4095/ }
            : { step: "limit-cpuset", code: "ENOENT", message: /no cpuset controller/ },
    );
});

test("a memory limit that leaves no room for a container is a failure, and not a start", async (t) => {
    const container = await testContainer(t);
    assertRefused(container, await container.tryStart([], { flags: ["--memory", "4096"] }), {
        step: "sync",
        message: /killed by signal 9 .*memory limit/,
    });
});

test("a process limit that leaves no room for the command is refused", async (t) => {
    const container = await testContainer(t);
    assertRefused(container, await container.tryStart(["/bin/true"], { flags: ["--pids", "1"] }), {
        step: "exec",
        code: "EAGAIN",
        exitCode: 126,
    });
});
