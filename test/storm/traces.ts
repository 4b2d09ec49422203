/**
 * Traces that containers could leave on this computer, for a comparison of before and after.
 *
 * Where others may run containers at the same time only what is known to be ours is looked at: what
 * mentions our directory, our ids or a process of ours, and counts that grow with each run. On a
 * computer of our own (MCM_TEST_ALONE) everything has to be as it was.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { lstatSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/fixtures";

const ALONE = process.env.MCM_TEST_ALONE === "1";

/** How long what has ended may take to be gone: the kernel frees much of it behind our back. */
const PATIENCE_MS = 30_000;

export interface Watched {
    /** State and runtime directories lie in it. */
    directory: string;
    /** Containers that have been; may grow. */
    ids: Set<string>;
    /** Processes that stay, whose descriptors must stay as they are. */
    pids: number[];
}

/** Each kind of trace with one line for everything of it that is there. */
type Traces = Record<string, string[]>;

/** Objects of the kernel that a leak of any kind would keep, by their name in /proc/slabinfo. */
const KERNEL_OBJECTS = /^(?:pid|user|net|uts|mnt)_namespace$|^ovl_inode$/;

/** Fails when there is more than before; `runs` is how many containers have been since. */
export type Compare = (runs: number) => Promise<void>;

/** Remembers what is there. */
export function remember(watched: Watched): Compare {
    const before = traces(watched);
    dropCaches();
    const counts = kernelCounts();
    return async (runs) => {
        const more = (): Traces => newLines(before, traces(watched));
        await eventually(() => Object.keys(more()).length === 0, "gone", PATIENCE_MS).catch(
            () => undefined,
        );
        assert.deepEqual(more(), {});
        const grown = (): string[] => grownCounts(counts, runs);
        // The kernel frees a control group some time after its last page.
        const deadline = Date.now() + PATIENCE_MS;
        dropCaches();
        while (grown().length > 0 && Date.now() < deadline) {
            await sleep(500);
            dropCaches();
        }
        assert.deepEqual(grown(), []);
    };
}

/** Lines that were not there, or not so often. */
function newLines(before: Traces, after: Traces): Traces {
    const added: Traces = {};
    for (const [kind, lines] of Object.entries(after)) {
        const known = [...(before[kind] ?? [])];
        const fresh = lines.filter((line) => {
            const index = known.indexOf(line);
            if (index >= 0) {
                known.splice(index, 1);
            }
            return index < 0;
        });
        if (fresh.length > 0) {
            added[kind] = fresh;
        }
    }
    return added;
}

function traces({ directory, ids, pids }: Watched): Traces {
    const ours = (line: string): boolean =>
        ALONE || line.includes(directory) || [...ids].some((id) => line.includes(id));
    const everybody = processes();
    return {
        mounts: mountTables(everybody).filter(ours),
        cgroups: cgroups().filter(ours),
        files: tree(directory),
        loops: loopFiles().filter(ours),
        processes: everybody.map(describe).filter(ours),
        ended: everybody.filter((pid) => isZombieOf(pid, pids)).map((pid) => `zombie ${pid}`),
        descriptors: pids.flatMap((pid) => descriptors(pid).map((what) => `${pid}: ${what}`)),
        watches: pids.flatMap(watches),
        namespaces: ALONE ? namespaces(everybody) : pinnedNamespaces(pids),
        keyrings: lines("/proc/key-users")
            .map(keyOwner)
            .filter((owner) => ALONE || isMapped(owner)),
    };
}

// ------------------------------------------------------------------------------- mounts and files

/** Of every mount namespace that a process is in. */
function mountTables(pids: number[]): string[] {
    const tables = new Map<string, string[]>();
    for (const pid of pids) {
        const namespace = link(`/proc/${pid}/ns/mnt`);
        if (namespace !== undefined && !tables.has(namespace)) {
            // The first two fields are numbers of the table's own.
            const table = lines(`/proc/${pid}/mountinfo`).map((line) => line.split(" ").slice(2));
            tables.set(
                namespace,
                table.map((fields) => `${namespace} ${fields.join(" ")}`),
            );
        }
    }
    return [...tables.values()].flat();
}

/** Ours, in every hierarchy. */
function cgroups(): string[] {
    const parents = ["", ...list("/sys/fs/cgroup")];
    return parents
        .map((name) => join("/sys/fs/cgroup", name, "my-container-manager"))
        .flatMap((parent) => tree(parent).filter(isDirectory));
}

function loopFiles(): string[] {
    return list("/sys/block").flatMap((name) => lines(`/sys/block/${name}/loop/backing_file`));
}

/** Paths of everything below a directory. */
function tree(directory: string): string[] {
    return list(directory).flatMap((name) => {
        const path = join(directory, name);
        return isDirectory(path) ? [path, ...tree(path)] : [path];
    });
}

// -------------------------------------------------------------------------------------- processes

/** Pids of everything but the kernel's own threads and the processes that look. */
function processes(): number[] {
    return list("/proc")
        .map(Number)
        .filter((pid) => pid > 0 && pid !== 2 && statusOf(pid, "PPid") !== "2");
}

/** A process with what tells whose it is. */
function describe(pid: number): string {
    const [command, environment, cgroup] = ["cmdline", "environ", "cgroup"].map((file) =>
        read(`/proc/${pid}/${file}`).replaceAll(/[\0\n]/g, " "),
    );
    return `${pid} ${command} (${environment}, ${cgroup})`;
}

function isZombieOf(pid: number, parents: number[]): boolean {
    return (
        (statusOf(pid, "State") ?? "").startsWith("Z") &&
        parents.includes(Number(statusOf(pid, "PPid")))
    );
}

function statusOf(pid: number, field: string): string | undefined {
    return new RegExp(`^${field}:\\t(.*)$`, "m").exec(read(`/proc/${pid}/status`))?.[1];
}

/** What a process has open; numbers of sockets and pipes are left out, they differ each time. */
function descriptors(pid: number): string[] {
    return list(`/proc/${pid}/fd`)
        .map((fd) => link(`/proc/${pid}/fd/${fd}`))
        .filter((target) => target !== undefined && target !== `/proc/${pid}/fd`)
        .map((target) => target!.replace(/\[\d+\]$/, ""));
}

/** Directories that a process is told of by inotify(7). */
function watches(pid: number): string[] {
    return list(`/proc/${pid}/fdinfo`)
        .flatMap((fd) => lines(`/proc/${pid}/fdinfo/${fd}`))
        .filter((line) => line.startsWith("inotify "))
        .map((line) => `${pid}: ${/sdev:\S+/.exec(line)?.[0]}`);
}

// --------------------------------------------------------------------------- namespaces, keyrings

/** Every one that a process is in or has open. */
function namespaces(pids: number[]): string[] {
    const of = (pid: number): (string | undefined)[] =>
        ["ns", "fd"].flatMap((kind) => {
            const directory = join("/proc", String(pid), kind);
            return list(directory).map((name) => link(join(directory, name)));
        });
    const found = pids.flatMap(of).filter((target) => target !== undefined);
    return [...new Set(found.filter((target) => /^\w+:\[\d+\]$/.test(target)))].filter(
        (target) => !/^(?:socket|pipe|anon_inode):/.test(target),
    );
}

/** Those that our processes have open, and those that are kept by a mount. */
function pinnedNamespaces(pids: number[]): string[] {
    const mounted = lines("/proc/self/mountinfo").filter((line) => line.includes(" - nsfs "));
    const open = pids.flatMap((pid) =>
        list(`/proc/${pid}/fd`).map((fd) => link(`/proc/${pid}/fd/${fd}`)),
    );
    return [
        ...mounted,
        ...open.filter((target) =>
            /^(?:mnt|net|pid|user|uts|ipc|cgroup|time):\[/.test(target ?? ""),
        ),
    ] as string[];
}

/** Who has keys: keyrings(7) of a container's processes belong to ids of its range. */
function keyOwner(line: string): string {
    return line.trim().split(":")[0]!;
}

/** Ids that this test gives to its containers. */
const isMapped = (owner: string): boolean =>
    Number(owner) >= FIRST_ID && Number(owner) < FIRST_ID + 0x10000 * CONTAINERS_MAX;

/** Host ids of the native storm's containers: no other test has them. */
export const FIRST_ID = 0x70000000;
export const CONTAINERS_MAX = 0x400;

// ----------------------------------------------------------------------------------------- counts

const OBJECTS = " objects";

/** How many there are of what the kernel does not list one by one. */
function kernelCounts(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const [name, , active] of lines("/proc/slabinfo").map((line) => line.split(/\s+/, 3))) {
        if (KERNEL_OBJECTS.test(name ?? "")) {
            counts.set(`${name}${OBJECTS}`, Number(active));
        }
    }
    // Control groups of v1 and v2 that are removed and not yet freed are in these figures, too.
    for (const [name, , groups] of lines("/proc/cgroups").map((line) => line.split("\t"))) {
        if (!name!.startsWith("#")) {
            counts.set(`${name} cgroups`, Number(groups));
        }
    }
    for (const line of lines("/sys/fs/cgroup/cgroup.stat")) {
        const [, name, dying] = /^(nr_dying_\w+) (\d+)$/.exec(line) ?? [];
        if (name !== undefined) {
            counts.set(name, Number(dying));
        }
    }
    return counts;
}

/**
 * Counts that are up by so much that every other container must have left something. The kernel's
 * caches of objects keep what was freed, as much as there was at one time: only many containers one
 * after the other tell a leak of those, and so it is with control groups where no cache is dropped.
 */
function grownCounts(before: Map<string, number>, runs: number): string[] {
    const now = kernelCounts();
    return [...before]
        .map(([name, count]) => ({ name, more: (now.get(name) ?? 0) - count }))
        .filter(({ name, more }) => {
            const cached = name.endsWith(OBJECTS) || !ALONE;
            return more > Math.max(runs / 2, cached ? CACHED_MAX : 0);
        })
        .map(({ name, more }) => `${more} more ${name} after ${runs} containers`);
}

/** Containers of the storms at one time, and as many of others. */
const CACHED_MAX = 200;

/** So that no page of a file keeps a control group; nobody else's caches are dropped. */
function dropCaches(): void {
    if (ALONE) {
        execFileSync("sync");
        writeFileSync("/proc/sys/vm/drop_caches", "3");
    }
}

// ------------------------------------------------------------------------------------ reading /proc

function list(directory: string): string[] {
    try {
        return readdirSync(directory);
    } catch {
        return []; // gone, or not there on this computer
    }
}

function isDirectory(path: string): boolean {
    try {
        return lstatSync(path).isDirectory();
    } catch {
        return false;
    }
}

function link(path: string): string | undefined {
    try {
        return readlinkSync(path);
    } catch {
        return undefined;
    }
}

function read(path: string): string {
    try {
        return readFileSync(path, "utf8");
    } catch {
        return "";
    }
}

function lines(path: string): string[] {
    return read(path)
        .split("\n")
        .filter((line) => line !== "");
}
