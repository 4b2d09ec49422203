/**
 * What a test run could leave behind on this computer. A run has a temporary directory of its own,
 * named by TMPDIR: what mentions it is of this run, whoever else works here at the same time.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { mkdtemp, chmod, rm } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "../../test/support/eventually";

/** Files and directories that tests work near, whose names must be the same afterwards. */
const WATCHED_DIRECTORIES = [
    "/etc/polkit-1/rules.d",
    "/etc/sudoers.d",
    "/home",
    "/run/my-container-manager",
    "/run/my-container-manager/containers",
    "/var/lib/my-container-manager",
    "/var/lib/my-container-manager/containers",
    "/var/lib/my-container-manager/rootfs",
];

/** Files whose content must be the same afterwards. */
const WATCHED_FILES = ["/etc/passwd", "/etc/group", "/etc/subuid", "/etc/subgid"];

/** tsx keeps what it has compiled in the temporary directory, and that goes with the directory. */
const COMPILED = `tsx-${process.getuid?.() ?? 0}`;

export interface LeakCheck {
    /** The run's own temporary directory, for TMPDIR. */
    directory: string;
    /** One line for everything that is there and was not before. */
    left(): Promise<string[]>;
    /** Removes the temporary directory; call when nothing is left in it. */
    dispose(): Promise<void>;
}

/**
 * Remembers how things are now.
 *
 * @param patienceMs how long what is ending may take to be gone, in milliseconds
 */
export async function startLeakCheck(patienceMs = 10_000): Promise<LeakCheck> {
    const directory = await mkdtemp("/tmp/mcm-run-");
    // Tests that act as another user pass through it.
    await chmod(directory, 0o711);
    const before = new Set(facts());
    const look = (): string[] => [
        ...facts().filter((fact) => !before.has(fact)),
        ...ofThisRun(directory),
    ];
    return {
        directory,
        left: async () => {
            await eventually(() => look().length === 0, "clean", patienceMs).catch(() => undefined);
            return look();
        },
        dispose: () => rm(directory, { recursive: true, force: true }),
    };
}

/** State of the whole computer, one line each. */
function facts(): string[] {
    return [
        ...WATCHED_DIRECTORIES.flatMap((dir) => list(dir).map((name) => join(dir, name))),
        ...WATCHED_FILES.flatMap((file) => lines(file).map((line) => `${file}: ${line}`)),
        ...abandonedCgroups(),
    ];
}

/**
 * Containers' cgroups that nobody looks after. One with a monitor is in use: if it is of this run,
 * the monitor is found among the processes.
 */
function abandonedCgroups(): string[] {
    const hierarchies = ["", ...list("/sys/fs/cgroup")];
    return hierarchies
        .map((name) => join("/sys/fs/cgroup", name, "my-container-manager"))
        .flatMap((parent) => list(parent).map((name) => join(parent, name)))
        .filter((cgroup) => /\/[0-9a-f]{12}$/.test(cgroup))
        .filter((cgroup) => !lines(join(cgroup, "cgroup.procs")).some(hasMonitor));
}

function hasMonitor(pid: string): boolean {
    const parent = /^PPid:\s+(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? "";
    return read(`/proc/${parent}/comm`).startsWith("container_exec");
}

/** Processes, mounts and files that have to do with the run's temporary directory. */
function ofThisRun(directory: string): string[] {
    const ourselves = new Set([process.pid, process.ppid]);
    const processes = list("/proc")
        .filter((name) => /^\d+$/.test(name) && !ourselves.has(Number(name)))
        .filter((pid) => mentions(pid) || openFiles(pid).some((file) => file.includes(directory)))
        .map((pid) => `process ${pid}: ${read(`/proc/${pid}/cmdline`).split("\0").join(" ")}`);
    const mounts = lines("/proc/self/mountinfo")
        .filter((line) => line.includes(directory))
        .map((line) => `mount ${line}`);
    const files = list(directory).filter((name) => name !== COMPILED);
    return [...processes, ...mounts, ...files.map((name) => join(directory, name))];

    function mentions(pid: string): boolean {
        const files = [`/proc/${pid}/environ`, `/proc/${pid}/cmdline`];
        return files.some((file) => read(file).includes(directory));
    }
}

/** What the descriptors of a process are of. */
function openFiles(pid: string): string[] {
    return list(`/proc/${pid}/fd`).flatMap((fd) => {
        try {
            return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
        } catch {
            return []; // closed meanwhile
        }
    });
}

function list(directory: string): string[] {
    try {
        return readdirSync(directory);
    } catch {
        return []; // no such directory, or not ours to see
    }
}

function lines(file: string): string[] {
    return read(file)
        .split("\n")
        .filter((line) => line !== "");
}

function read(file: string): string {
    try {
        return readFileSync(file, "utf8");
    } catch {
        return ""; // a process that has ended
    }
}
