import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";
import { CGROUP_PARENT, cgroupDirectories, layoutOf, type CgroupLayout } from "../../server/cgroup";
import { UsageReader, readUsage } from "../../server/usage";

const ID = "0123456789ab";

/** Lines of mountinfo as a host in hybrid mode has them. */
const LEGACY_MOUNTS = `25 20 0:22 / /sys/fs/cgroup rw shared:9 - tmpfs tmpfs rw,mode=755
26 25 0:23 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct
27 25 0:24 / /sys/fs/cgroup/memory rw,nosuid shared:11 master:2 - cgroup cgroup rw,memory
28 25 0:25 / /sys/fs/cgroup/with\\040space rw - cgroup cgroup rw,blkio
29 25 0:26 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
`;
const UNIFIED_MOUNT = "30 25 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n";

suite("controllers", () => {
    test("of a v2 host are all in the unified hierarchy", () => {
        const layout = layoutOf(UNIFIED_MOUNT, (mountPoint) => {
            assert.equal(mountPoint, "/sys/fs/cgroup/unified");
            return "cpuset cpu io memory hugetlb pids\n";
        });
        assert.equal(layout.mode, "v2");
        assert.deepEqual(new Set(Object.values(layout.controllers)), new Set(["v2"]));
    });

    test("of a hybrid host are found one by one", () => {
        const layout = layoutOf(LEGACY_MOUNTS + UNIFIED_MOUNT, () => "pids\n");
        assert.equal(layout.mode, "hybrid");
        assert.deepEqual(layout.controllers, {
            cpu: "v1",
            cpuset: "absent",
            memory: "v1",
            pids: "v2",
            io: "v1",
        });
        assert.equal(layout.legacy.cpu, "/sys/fs/cgroup/cpu,cpuacct");
        assert.equal(layout.legacy.blkio, "/sys/fs/cgroup/with space");
    });

    test("of a v1 host are found without a unified hierarchy", () => {
        const layout = layoutOf(LEGACY_MOUNTS, () => assert.fail("there is nothing to read"));
        assert.equal(layout.mode, "v1");
        assert.equal(layout.controllers.memory, "v1");
        assert.equal(layout.controllers.pids, "absent");
    });
});

suite("usage", () => {
    let root: string;

    beforeEach(async () => {
        root = await mkdtemp(path.join(tmpdir(), "mcm-streams cgroup-"));
    });

    afterEach(async () => {
        await rm(root, { recursive: true });
    });

    /** Makes the files of one hierarchy's directory of the container. */
    async function files(hierarchy: string, contents: Record<string, string>): Promise<void> {
        const directory = path.join(root, hierarchy, CGROUP_PARENT, ID);
        await mkdir(directory, { recursive: true });
        for (const [name, content] of Object.entries(contents)) {
            await writeFile(path.join(directory, name), content);
        }
    }

    function layout(place: "v1" | "v2"): CgroupLayout {
        const names = ["cpu", "cpuset", "memory", "pids", "io"];
        const legacy = ["cpu", "cpuacct", "memory", "pids", "blkio"];
        return {
            mode: place,
            controllers: Object.fromEntries(names.map((name) => [name, place])),
            unified: path.join(root, "unified"),
            legacy:
                place === "v1"
                    ? Object.fromEntries(legacy.map((name) => [name, path.join(root, name)]))
                    : {},
        };
    }

    /** What was read, without the time and what is not there. */
    function read(of: CgroupLayout): unknown {
        const reading = readUsage(of, ID);
        if (reading === undefined) {
            return undefined;
        }
        const { time, ...figures } = reading;
        assert.ok(Math.abs(Date.now() - time) < 10_000);
        return JSON.parse(JSON.stringify(figures));
    }

    const memoryStatV1 = `cache 999
inactive_file 7
hierarchical_memory_limit 104857600
total_cache 5000
total_inactive_file 4000
total_active_file 1000
`;

    test("is read from the files of v1", async () => {
        await files("cpuacct", { "cpuacct.usage": "1234567890\n" });
        await files("cpu", {
            "cpu.stat": "nr_periods 3\nnr_throttled 2\nthrottled_time 5000000\n",
        });
        await files("memory", {
            "memory.usage_in_bytes": "10000\n",
            "memory.stat": memoryStatV1,
            "memory.limit_in_bytes": "104857600\n",
            "memory.max_usage_in_bytes": "20000\n",
            "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
        });
        await files("pids", { "pids.current": "4\n", "pids.max": "max\n" });
        await files("blkio", {
            "blkio.throttle.io_service_bytes_recursive":
                "8:0 Read 100\n8:0 Write 20\n8:0 Total 120\n8:16 Read 5\n8:16 Write 0\nTotal 125\n",
        });
        assert.deepEqual(read(layout("v1")), {
            cpuUsageUsec: 1_234_568,
            throttledUsec: 5000,
            cpuPeriods: 3,
            throttledPeriods: 2,
            memory: 6000,
            memoryLimit: 104_857_600,
            memoryPeak: 20_000,
            oomKills: 2,
            pids: 4,
            ioReadBytes: 105,
            ioWriteBytes: 20,
        });
    });

    test("is read from the files of v2", async () => {
        await files("unified", {
            "cpu.stat":
                "usage_usec 77\nuser_usec 70\nnr_periods 5\nnr_throttled 1\nthrottled_usec 9\n",
            "memory.current": "10000\n",
            "memory.stat": "anon 1\nfile 2\ninactive_file 4000\n",
            "memory.max": "max\n",
            "memory.peak": "20000\n",
            "memory.events": "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\noom_group_kill 0\n",
            "pids.current": "4\n",
            "pids.max": "256\n",
            "io.stat":
                "8:0 rbytes=100 wbytes=20 rios=1 wios=2 dbytes=3 dios=4\n8:16 rbytes=5 wbytes=0\n",
            "cpu.pressure":
                "some avg10=12.50 avg60=3.00 avg300=1.00 total=77\n" +
                "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
            "memory.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
        });
        assert.deepEqual(read(layout("v2")), {
            cpuUsageUsec: 77,
            throttledUsec: 9,
            cpuPeriods: 5,
            throttledPeriods: 1,
            pressure: { cpu: { some: 12.5, full: 0 }, memory: { some: 0 } },
            memory: 6000,
            memoryPeak: 20_000,
            oomKills: 1,
            pids: 4,
            pidsLimit: 256,
            ioReadBytes: 105,
            ioWriteBytes: 20,
        });
    });

    test("has the pressure that the unified hierarchy tells beside controllers of v1", async () => {
        await files("pids", { "pids.current": "4\n" });
        await files("unified", { "io.pressure": "some avg10=1.00 avg60=0 avg300=0 total=5\n" });
        const hybrid = { ...layout("v1"), unified: layout("v2").unified };
        assert.deepEqual(read(hybrid), { pids: 4, pressure: { io: { some: 1 } } });
    });

    test("leaves out what the host cannot give, and no limit is no figure", async () => {
        await files("memory", {
            "memory.usage_in_bytes": "10000\n",
            "memory.limit_in_bytes": "9223372036854771712\n",
        });
        assert.deepEqual(read(layout("v1")), { memory: 10_000 });
    });

    test("has no io of v1 that nobody counts, and 0 of v2, where all is counted", async () => {
        await files("blkio", { "blkio.throttle.io_service_bytes_recursive": "Total 0\n" });
        assert.deepEqual(read(layout("v1")), {});
        await files("unified", { "io.stat": "" });
        assert.deepEqual(read(layout("v2")), { ioReadBytes: 0, ioWriteBytes: 0 });
    });

    test("of a container without a cgroup is nothing", () => {
        assert.equal(read(layout("v1")), undefined);
        assert.equal(read(layout("v2")), undefined);
    });

    test("is never below 0 when the cache moved between two reads", async () => {
        await files("unified", { "memory.current": "10\n", "memory.stat": "inactive_file 4096\n" });
        assert.deepEqual(read(layout("v2")), { memory: 0 });
    });

    test("is read anew each time by a reader that keeps its files open", async () => {
        await files("pids", { "pids.current": "4\n" });
        const reader = new UsageReader(layout("v1"), ID);
        assert.equal(reader.read()?.pids, 4);
        await files("pids", { "pids.current": "5\n" });
        assert.equal(reader.read()?.pids, 5);
        reader.close();
        assert.equal(reader.read(), undefined);
    });

    test("comes from directories that are named by controller", async () => {
        await files("pids", { "pids.current": "4\n" });
        await files("unified", { "cgroup.procs": "" });
        assert.deepEqual(await cgroupDirectories(layout("v1"), ID), {
            cgroup2: path.join(root, "unified", CGROUP_PARENT, ID),
            pids: path.join(root, "pids", CGROUP_PARENT, ID),
        });
    });
});
