/** Limits, in whichever version of control groups this host has them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/fixtures";
import { compile } from "./compile";
import { assertRefused, testContainer } from "./executor";
import { cpuTime, hasController, isLegacy, MIB, oomKills, read } from "./limits";

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

test("swap does not widen the memory limit, or the start says so", async (t) => {
    const container = await testContainer(t);
    const started = await container.tryStart([], { flags: ["--memory", String(64 * MIB)] });
    const [directory] = container.cgroups().filter((path) => path.includes("/memory/"));
    if (directory === undefined) {
        const file = join("/sys/fs/cgroup/my-container-manager", container.id, "memory.swap.max");
        assert.equal(existsSync(file), existsSync("/proc/swaps"));
        assert.ok(!existsSync(file) || readFileSync(file, "utf8") === "0\n");
    } else if (existsSync(join(directory, "memory.memsw.limit_in_bytes"))) {
        const both = readFileSync(join(directory, "memory.memsw.limit_in_bytes"), "utf8");
        assert.equal(Number(both), 64 * MIB);
        assert.equal(started.events.length, 1);
    } else if (existsSync("/proc/swaps")) {
        assert.match(started.events[0]?.message ?? "", /does not account swap/);
    }
});

test("without limits the container's control group has none", async (t) => {
    const container = await testContainer(t);
    await container.start();
    assert.match(read(container, "pids", "pids.max", "pids.max"), /^max$/);
    assert.match(read(container, "cpu", "cpu.cfs_quota_us", "cpu.max"), /^(-1|max 100000)$/);
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

test("a hog beside the command takes all of the container with it on v2, on v1 itself alone", async (t) => {
    const container = await testContainer(t);
    // Ended by nothing but KILL, whoever sends it.
    const script = "trap '' TERM; tail -c 200000000 /dev/zero; echo survived; exec sleep 1000";
    const running = await container.start(["/bin/sh", "-c", script], {
        flags: ["--memory", String(16 * MIB)],
    });
    if (isLegacy("memory")) {
        await eventually(() => container.logLines().join().includes("survived"), "survived");
        assert.equal(oomKills(container), 1);
        await container.stop(running, "--grace-ms", "0");
    }
    const exit = await container.ended(running);
    assert.deepEqual([exit.signal, exit.oomKilled], [9, true]);
    assert.equal(container.logLines().join().includes("survived"), isLegacy("memory"));
});

test("0.2 cores are 0.2 cores, within a tenth, for eight processes that want all", async (t) => {
    const container = await testContainer(t);
    const spin = "i=1; while [ $i -lt 8 ]; do (while :; do :; done) & i=$((i+1)); done";
    const running = await container.start(["/bin/sh", "-c", `${spin}; while :; do :; done`], {
        flags: ["--cpu-quota", "20000"],
    });
    const throttled = (): number =>
        Number(/^nr_throttled (\d+)$/m.exec(read(container, "cpu", "cpu.stat", "cpu.stat"))?.[1]);
    await eventually(() => throttled() >= 3, "throttled in three periods");
    // More is never got. That it is not less shows where it was kept from running at all: in a period
    // that ends so it has had its 20 ms, while other work on this computer may leave it none.
    const shares: { used: number; due: number }[] = [];
    do {
        const [used, periods, clock] = [cpuTime(container), throttled(), performance.now()];
        await sleep(2500);
        const milliseconds = performance.now() - clock;
        shares.push({
            used: (cpuTime(container) - used) / 1000 / milliseconds,
            due: ((throttled() - periods) * 20) / milliseconds,
        });
    } while (!shares.some(({ used, due }) => used >= 0.9 * due) && shares.length < 6);
    const told = JSON.stringify(shares);
    assert.ok(
        shares.every(({ used }) => used <= 0.22),
        told,
    );
    assert.ok(
        shares.some(({ used, due }) => used >= 0.9 * due),
        told,
    );
    await container.stop(running, "--grace-ms", "0");
});

/** The processors that this process may use, as the kernel writes them, "0-1". */
function allowedCpus(text = readFileSync("/proc/self/status", "utf8")): string | undefined {
    return /^Cpus_allowed_list:\t(.+)$/m.exec(text)?.[1];
}

test("the processors of --cpuset are the ones that processes inside may run on", async (t) => {
    const last = String(/\d+$/.exec(allowedCpus() ?? "")?.[0]);
    const container = await testContainer(t);
    if (!hasController("cpuset")) {
        assertRefused(container, await container.tryStart([], { flags: ["--cpuset", last] }), {
            step: "limit-cpuset",
            code: "ENOENT",
            message: /no cpuset controller/,
        });
        return;
    }
    const flags = ["--cpuset", last];
    const inside = await container.outputOf("cat /proc/self/status", { flags });
    assert.equal(allowedCpus(inside), last);
    const again = await container.outputOf("cat /proc/self/status");
    assert.equal(allowedCpus(again), allowedCpus());
});

test("a fork bomb gets EAGAIN, the host forks on, and it is stopped within its grace", async (t) => {
    const directory = await mkdtemp(join(tmpdir(), "mcm bomb "));
    t.after(() => rm(directory, { recursive: true }));
    await compile(join(directory, "bomb"), ["fork_bomb.c"], ["-static"]);
    const container = await testContainer(t);
    const running = await container.start(["/mnt/bomb"], {
        // Little of the processor, for the sake of everything else here.
        flags: ["--pids", "40", "--cpu-quota", "20000", "--mount", "ro", directory, "/mnt"],
    });
    await eventually(() => container.logLines().some((line) => line.endsWith(" EAGAIN")), "EAGAIN");
    assert.equal(read(container, "pids", "pids.current", "pids.current"), "40");
    assert.equal(spawnSync("true").status, 0);
    const { event } = await container.stop(running, "--grace-ms", "500");
    assert.equal(event.event, "stopped");
    await container.ended(running);
});

for (const list of [",", "0,", "1-0", "a", "0--1", "-1", "0,,0"]) {
    test(`--cpuset ${list} is refused before anything is made`, async (t) => {
        const container = await testContainer(t);
        assertRefused(container, await container.tryStart([], { flags: ["--cpuset", list] }), {
            step: "options",
            message: /^--cpuset: '.+' is not a list of cpus/,
        });
    });
}

test("a cpuset with a processor that this computer has not is refused by name", async (t) => {
    const container = await testContainer(t);
    assertRefused(container, await container.tryStart([], { flags: ["--cpuset", "0,4095"] }), {
        step: "limit-cpuset",
        code: "EINVAL",
        message: /has no processor 4095/,
    });
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
