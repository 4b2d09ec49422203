/** What a container costs that does nothing. */
import { existsSync } from "node:fs";
import { readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { run } from "../../scripts/lib/run";
import { CGROUP_PARENT } from "../../server/cgroup";
import { eventually } from "../support/fixtures";
import { makeBundle } from "./bundle";
import { ociProgram, ociRoot, oursIdle, prefix } from "./contenders";
import type { Workshop } from "./workshop";

/** Proportional set sizes in KiB: memory that several processes share counts in parts for each. */
export interface Sizes {
    monitor: number;
    /** Our init. The peers have none: the payload is the first process. */
    first: number;
}

export interface Memory {
    name: string;
    /** While there is one such container. */
    alone: Sizes;
    /** A container's, while there are {@link CONTAINERS}. */
    among: Sizes;
}

export const CONTAINERS = 8;

/** A process whose memory stays the same for so long is at rest. */
const REST_MS = 500;

const CGROUPS = "/sys/fs/cgroup";

/** Process ids of a container's own processes. */
interface Pair {
    monitor: number;
    first?: number;
    end(): Promise<void>;
}

/** Field Pss of /proc/PID/smaps_rollup (proc_pid_smaps(5)). */
async function proportionalSize(pid: number): Promise<number> {
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
    return Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1]);
}

/** The mean over the containers at this moment. */
async function sizesNow(pairs: readonly Pair[]): Promise<Sizes> {
    const sizes = { monitor: 0, first: 0 };
    for (const { monitor, first } of pairs) {
        sizes.monitor += (await proportionalSize(monitor)) / pairs.length;
        sizes.first += first === undefined ? 0 : (await proportionalSize(first)) / pairs.length;
    }
    return sizes;
}

/** The same once all of them have come to rest: who is asked for it has not always been idle yet. */
async function sizesOf(pairs: readonly Pair[]): Promise<Sizes> {
    let seen = await sizesNow(pairs);
    return eventually(async () => {
        await sleep(REST_MS);
        const before = seen;
        seen = await sizesNow(pairs);
        return isDeepStrictEqual(before, seen) && seen;
    }, "idle containers at rest");
}

async function measure(name: string, make: (index: number) => Promise<Pair>): Promise<Memory> {
    const pairs: Pair[] = [];
    try {
        pairs.push(await make(0));
        const alone = await sizesOf(pairs);
        while (pairs.length < CONTAINERS) {
            pairs.push(await make(pairs.length));
        }
        return { name, alone, among: await sizesOf(pairs) };
    } finally {
        for (const pair of pairs) {
            await pair.end();
        }
    }
}

export function oursMemory(workshop: Workshop): Promise<Memory> {
    return measure("ours", async (index) => {
        const idle = await oursIdle(workshop, index);
        return { monitor: idle.monitor, first: idle.first, end: () => idle.end() };
    });
}

/** conmon as podman and CRI-O start it: it starts crun, stays, and writes the log. */
export function conmonMemory(workshop: Workshop): Promise<Memory> {
    const inside = [`--mount=${workshop.unifiedless}`];
    return measure("conmon + crun", async (index) => {
        const id = `bench-${prefix}-conmon-${index}`;
        const bundle = join(workshop.state, id);
        const at = (file: string): string => join(bundle, file);
        await makeBundle(bundle, workshop.rootfs, "/bin/pause", id);
        const runtime = ["--runtime", ociProgram("crun")];
        const root = ["--runtime-arg", "--root", "--runtime-arg", ociRoot(workshop, "crun")];
        const files = ["--container-pidfile", at("pid"), "--conmon-pidfile", at("conmon.pid")];
        const log = ["--log-path", `k8s-file:${at("log")}`];
        const places = ["--bundle", bundle, "--socket-dir-path", bundle];
        const names = ["--cid", id, "--cuuid", id, "--name", id, ...places];
        await run("nsenter", [
            ...inside,
            "conmon",
            ...names,
            ...runtime,
            ...root,
            ...files,
            ...log,
        ]);
        const crun = [ociProgram("crun"), "--root", ociRoot(workshop, "crun")];
        await pidFrom(at("pid"));
        await run("nsenter", [...inside, ...crun, "start", id]);
        return {
            monitor: await pidFrom(at("conmon.pid")),
            end: async () => {
                await run("nsenter", [...inside, ...crun, "delete", "--force", id]);
            },
        };
    });
}

/** No limit that root on this host may not raise, and no lock outside of our directory. */
const PODMAN_CONFIGURATION = `[containers]
default_ulimits = []
[engine]
lock_type = "file"
`;

/** podman's way to the same: its own configuration of conmon, crun and the container. */
export async function podmanMemory(workshop: Workshop): Promise<Memory> {
    const at = (name: string): string => join(workshop.state, name);
    await writeFile(at("containers.conf"), PODMAN_CONFIGURATION);
    const storage = [
        "--root",
        at("podman"),
        "--runroot",
        at("podman-run"),
        "--tmpdir",
        at("podman-tmp"),
    ];
    const podman = (...args: string[]): Promise<string> =>
        run(
            "nsenter",
            [
                ...[`--mount=${workshop.unifiedless}`, "podman", ...storage],
                ...["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"],
                ...["--events-backend", "none", ...args],
            ],
            { env: { CONTAINERS_CONF: at("containers.conf") } },
        );
    const make = async (): Promise<Pair> => {
        const options = ["--detach", "--network", "none", "--cgroup-parent", CGROUP_PARENT];
        const limits = ["--ulimit", "host", "--pids-limit", "64"];
        const command = ["--rootfs", workshop.rootfs, "/bin/pause"];
        const id = (await podman("run", ...options, ...limits, ...command)).trim();
        const format = "{{.State.ConmonPid}}";
        const pid = await podman("container", "inspect", "--format", format, id);
        return {
            monitor: Number(pid),
            end: async () => {
                await podman("rm", "--force", "--time", "0", id);
            },
        };
    };
    try {
        return await measure("podman", make);
    } finally {
        await removeMonitorGroups();
    }
}

/** podman leaves the control groups that it made for conmon. */
async function removeMonitorGroups(): Promise<void> {
    for (const hierarchy of await readdir(CGROUPS)) {
        const group = join(CGROUPS, hierarchy, CGROUP_PARENT, "conmon");
        if (existsSync(group)) {
            const left = (): Promise<true> => rmdir(group).then(() => true);
            await eventually(left, `${group} to be removed, its conmon having ended`);
        }
    }
}

function pidFrom(file: string): Promise<number> {
    return eventually(async () => Number(await readFile(file, "utf8")) || undefined, file);
}
