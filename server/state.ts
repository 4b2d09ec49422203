/** What a container is doing: decided from its files and the kernel each time, never remembered. */
import { readFile, stat } from "node:fs/promises";
import { readFileSync } from "node:fs";
import * as z from "zod/mini";
import { exists, unless } from "./files";
import type { ContainerPaths } from "./paths";
import type { ExitRecord } from "./protocol";
import { signalName } from "./sessions/signals";
import { containerProcessSchema, type ContainerProcess } from "./status";

/** A {@link import("./protocol").ContainerState} with the processes that may be signalled. */
export type LiveState =
    | { kind: "created" }
    | { kind: "running"; process: ContainerProcess }
    | { kind: "exited"; exit: ExitRecord }
    | { kind: "lost" };

const exitSchema = z.pipe(
    z.object({
        exitCode: z.nullable(z.int()),
        signal: z.nullable(z.int()),
        oomKilled: z.boolean(),
        startedAt: z.string(),
        finishedAt: z.string(),
        memoryPeak: z.optional(z.number()),
        cpuUsageUsec: z.optional(z.number()),
    }),
    z.transform((exit): ExitRecord => ({
        ...exit,
        signal: exit.signal === null ? null : signalName(exit.signal),
    })),
);

let bootId: string | undefined;

/** The kernel's boot id: a pid and its start time mean something within one boot only. */
export function currentBootId(): string {
    bootId ??= readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    return bootId;
}

/** Field 22 of /proc/PID/stat, in clock ticks since boot; undefined when it is gone or a zombie. */
export async function processStartTime(pid: number): Promise<number | undefined> {
    const text = await readFile(`/proc/${pid}/stat`, "latin1").catch(unless("ENOENT", "ESRCH"));
    if (text === undefined) {
        return undefined;
    }
    // The name in parentheses may hold anything, so fields are counted from its end.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : Number(fields[19]);
}

/** True when the process is the one that had this pid at this start time in this boot. */
export async function isAlive(process: {
    pid: number;
    startTime: number;
    bootId: string;
}): Promise<boolean> {
    return (
        process.bootId === currentBootId() &&
        (await processStartTime(process.pid)) === process.startTime
    );
}

/**
 * The state of a container whose config.json is sound.
 *
 * 1. The process of state.json lives: running.
 * 2. exit.json.partial is there: it is being started or its end is being recorded, which the lock on
 *    its directory tells, or nobody will ever record how it ended: lost.
 * 3. exit.json is there: exited. Nothing is: created.
 */
export async function readState(paths: ContainerPaths): Promise<LiveState> {
    const process = await readJson(paths.stateFile, containerProcessSchema);
    if (process !== undefined && (await isAlive(process))) {
        return { kind: "running", process };
    }
    if (await exists(paths.exitPartial)) {
        if (!(await isLocked(paths.state))) {
            // It may have been renamed to exit.json, and the lock given up, between the two looks.
            return (await exists(paths.exitPartial)) ? { kind: "lost" } : readEnd(paths);
        }
        if (process?.bootId === currentBootId()) {
            return { kind: "running", process };
        }
    }
    return readEnd(paths);
}

async function readEnd(paths: ContainerPaths): Promise<LiveState> {
    const exit = await readJson(paths.exit, exitSchema);
    if (exit !== undefined) {
        return { kind: "exited", exit };
    }
    return (await exists(paths.exit)) ? { kind: "lost" } : { kind: "created" };
}

/** A file's JSON in that form; undefined when it is absent or damaged. */
async function readJson<T>(file: string, schema: z.ZodMiniType<T>): Promise<T | undefined> {
    const text = await readFile(file, "utf8").catch(unless("ENOENT", "ENOTDIR", "EISDIR"));
    if (text === undefined) {
        return undefined;
    }
    return parseJson(text, schema);
}

/** How it ended, from the text of exit.json; undefined when that is not there yet or damaged. */
export function parseExit(text: string): ExitRecord | undefined {
    return parseJson(text, exitSchema);
}

/** Text that may be damaged, in that form. */
function parseJson<T>(text: string, schema: z.ZodMiniType<T>): T | undefined {
    try {
        return schema.safeParse(JSON.parse(text)).data;
    } catch {
        return undefined;
    }
}

/**
 * True while a start or a monitor has its flock(2) on the directory. Node cannot try the lock, but
 * the kernel lists it by inode (proc_locks(5)); the device is not compared, since what is listed
 * there is not what stat(2) gives on btrfs and overlay.
 */
async function isLocked(directory: string): Promise<boolean> {
    const found = await stat(directory, { bigint: true }).catch(unless("ENOENT"));
    if (found === undefined) {
        return false;
    }
    const held = new RegExp(`^\\d+: FLOCK .* [0-9a-f]+:[0-9a-f]+:${found.ino} `, "m");
    return held.test(await readFile("/proc/locks", "latin1"));
}
