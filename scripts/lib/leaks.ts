/**
 * What a test run could leave behind on this computer. A run has a temporary directory of its own,
 * named by TMPDIR: what mentions it is of this run, whoever else works here at the same time.
 */
import { readdirSync, readFileSync } from "node:fs";
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
    "/sys/fs/cgroup/my-container-manager",
];

/** Files whose content must be the same afterwards. */
const WATCHED_FILES = ["/etc/passwd", "/etc/group", "/etc/subuid", "/etc/subgid"];

/** tsx keeps what it has compiled in the temporary directory, and that goes with the directory. */
const COMPILED = `tsx-${process.getuid?.() ?? 0}`;

/** How long what is ending may take to be gone, in milliseconds. */
const PATIENCE_MS = 10_000;

export interface LeakCheck {
    /** The run's own temporary directory, for TMPDIR. */
    directory: string;
    /** One line for everything that is there and was not before. */
    left(): Promise<string[]>;
    /** Removes the temporary directory; call when nothing is left in it. */
    dispose(): Promise<void>;
}

/** Remembers how things are now. */
export async function startLeakCheck(): Promise<LeakCheck> {
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
            await eventually(() => look().length === 0, "clean", PATIENCE_MS).catch(
                () => undefined,
            );
            return look();
        },
        dispose: () => rm(directory, { recursive: true, force: true }),
    };
}

/** State of the whole computer, one line each. */
function facts(): string[] {
    const directories = [...WATCHED_DIRECTORIES, ...cgroupDirectories()];
    return [
        ...directories.flatMap((dir) => list(dir).map((name) => join(dir, name))),
        ...WATCHED_FILES.flatMap((file) =>
            read(file)
                .split("\n")
                .map((line) => `${file}: ${line}`),
        ),
    ];
}

/** Ours in every hierarchy of a host with several. */
function cgroupDirectories(): string[] {
    return list("/sys/fs/cgroup").map((name) =>
        join("/sys/fs/cgroup", name, "my-container-manager"),
    );
}

/** Processes, mounts and files that have to do with the run's temporary directory. */
function ofThisRun(directory: string): string[] {
    const ourselves = new Set([process.pid, process.ppid]);
    const processes = list("/proc")
        .filter((name) => /^\d+$/.test(name) && !ourselves.has(Number(name)))
        .filter((pid) => mentions(`/proc/${pid}/environ`) || mentions(`/proc/${pid}/cmdline`))
        .map((pid) => `process ${pid}: ${read(`/proc/${pid}/cmdline`).split("\0").join(" ")}`);
    const mounts = read("/proc/self/mountinfo")
        .split("\n")
        .filter((line) => line.includes(directory))
        .map((line) => `mount ${line}`);
    const files = list(directory).filter((name) => name !== COMPILED);
    return [...processes, ...mounts, ...files.map((name) => join(directory, name))];

    function mentions(file: string): boolean {
        return read(file).includes(directory);
    }
}

function list(directory: string): string[] {
    try {
        return readdirSync(directory);
    } catch {
        return []; // no such directory, or not ours to see
    }
}

function read(file: string): string {
    try {
        return readFileSync(file, "utf8");
    } catch {
        return ""; // a process that has ended
    }
}
