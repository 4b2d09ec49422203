/** State and runtime directories of a test's own, and proof that nothing is left in them. */
import { lstatSync, readdirSync, readFileSync, readlinkSync, rmdirSync } from "node:fs";
import { mkdtemp, mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../scripts/lib/run";
import { readRecord } from "../../server/records";
import { eventually } from "./eventually";

export interface TemporaryRoots {
    /** For MCM_STATE_DIR. */
    stateDir: string;
    /** For MCM_RUN_DIR. */
    runDir: string;
    /** Both, to be added to a program's environment. */
    env: Record<string, string>;
    /**
     * Ends backends that use these directories, and removes everything.
     *
     * @throws after cleaning up, when a container still ran, or a mount or a cgroup was left
     */
    dispose(): Promise<void>;
}

/** Makes empty state and runtime directories in a fresh directory whose name has a space. */
export async function temporaryRoots(): Promise<TemporaryRoots> {
    const directory = await mkdtemp(join(tmpdir(), "mcm test "));
    const stateDir = join(directory, "state");
    const runDir = join(directory, "run");
    await mkdir(stateDir);
    await mkdir(runDir);
    return {
        stateDir,
        runDir,
        env: { MCM_STATE_DIR: stateDir, MCM_RUN_DIR: runDir },
        dispose: () => dispose(directory, stateDir, runDir),
    };
}

async function dispose(directory: string, stateDir: string, runDir: string): Promise<void> {
    const ids = [stateDir, runDir].flatMap((dir) => containerIds(dir));
    const left = await endProcesses(directory, runDir);
    left.push(...(await unmountAll(directory)));
    left.push(...(await removeCgroups(new Set(ids))));
    await rm(directory, { recursive: true, force: true });
    if (left.length > 0) {
        throw new Error(`left behind in ${directory}: ${left.join("; ")}`);
    }
}

function containerIds(dir: string): string[] {
    return list(join(dir, "containers")).filter((name) => /^[0-9a-f]{12}$/.test(name));
}

// ------------------------------------------------------------------------------------- processes

/** Ends containers and whatever else uses the directory; returns what containers still ran. */
async function endProcesses(directory: string, runDir: string): Promise<string[]> {
    const left: string[] = [];
    for (const id of containerIds(runDir)) {
        const state = readState(join(runDir, "containers", id, "state.json"));
        if (state !== undefined && startTime(state.pid) === state.startTime) {
            left.push(`container ${id} was running (pid ${state.pid})`);
            process.kill(state.pid, "SIGKILL");
        }
    }
    // Containers first: their monitors then end by themselves and record it.
    await eventually(() => monitorsOf(directory).length === 0, "monitors ended", 3000).catch(
        () => undefined,
    );
    for (const pid of users(directory)) {
        killIfThere(pid);
    }
    await eventually(() => users(directory).length === 0, `no process uses ${directory}`);
    return left;
}

function readState(path: string): { pid: number; startTime: number } | undefined {
    try {
        return JSON.parse(readRecord(path) ?? "") as { pid: number; startTime: number };
    } catch {
        return undefined; // not running, or just now ending
    }
}

/** Field 22 of /proc/PID/stat (proc(5)), counted after the command's closing parenthesis. */
function startTime(pid: number): number | undefined {
    const stat = read(`/proc/${pid}/stat`);
    return stat === "" ? undefined : Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
}

/** Pids of the processes that were started with the directory, and of monitors of containers in it. */
function users(directory: string): number[] {
    const named = processes().filter((pid) =>
        ["cmdline", "environ"].some((file) => read(`/proc/${pid}/${file}`).includes(directory)),
    );
    return [...named, ...monitorsOf(directory)];
}

/** A monitor says only its container's id of itself, but it holds the container's directory open. */
function monitorsOf(directory: string): number[] {
    return processes().filter(
        (pid) =>
            read(`/proc/${pid}/comm`).startsWith("container_exec") &&
            openFiles(pid).some((file) => file.startsWith(`${directory}/`)),
    );
}

function processes(): number[] {
    return list("/proc")
        .filter((name) => /^\d+$/.test(name))
        .map(Number)
        .filter((pid) => pid !== process.pid);
}

/** What a process has open; nothing when it is gone. */
function openFiles(pid: number): string[] {
    try {
        const links = `/proc/${pid}/fd`;
        return readdirSync(links).map((fd) => readlinkSync(join(links, fd)));
    } catch {
        return [];
    }
}

function killIfThere(pid: number): void {
    try {
        process.kill(pid, "SIGKILL");
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") {
            throw error;
        }
    }
}

// -------------------------------------------------------------------------------- mounts, cgroups

async function unmountAll(directory: string): Promise<string[]> {
    const left: string[] = [];
    // The latest mount first: it may lie on an earlier one.
    for (const line of read("/proc/self/mountinfo").trim().split("\n").reverse()) {
        const point = unescapeOctal(line.split(" ")[4] ?? "");
        if (point.startsWith(`${directory}/`)) {
            left.push(`mount ${point}`);
            await run("umount", ["--lazy", point]);
        }
    }
    return left;
}

/** mountinfo writes space, tab, newline and backslash as three octal digits. */
function unescapeOctal(text: string): string {
    return text.replace(/\\(\d{3})/g, (_, digits: string) =>
        String.fromCharCode(Number.parseInt(digits, 8)),
    );
}

async function removeCgroups(ids: Set<string>): Promise<string[]> {
    const ours = "my-container-manager";
    const mounted = ["", ...list("/sys/fs/cgroup")].map((dir) => join("/sys/fs/cgroup", dir, ours));
    const present = () =>
        mounted.flatMap((parent) =>
            list(parent)
                .filter((name) => ids.has(name))
                .map((id) => join(parent, id)),
        );
    // Those of a container that was killed above are being removed by its monitor.
    await eventually(() => present().length === 0, "removed", 1000).catch(() => undefined);
    const left = present();
    left.forEach((cgroup) => rmdirSync(cgroup));
    return left.map((cgroup) => `cgroup ${cgroup}`);
}

// -------------------------------------------------------------------------------------- file system

function isDirectory(path: string): boolean {
    try {
        return lstatSync(path).isDirectory();
    } catch {
        return false; // absent, or below something that is no directory
    }
}

/** Names in a directory; none when it is not there. */
function list(directory: string): string[] {
    return isDirectory(directory) ? readdirSync(directory) : [];
}

/** Content of a file of /proc; empty when its process is gone. */
function read(path: string): string {
    try {
        return readFileSync(path, "utf8");
    } catch {
        return "";
    }
}
