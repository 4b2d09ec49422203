/** What a container is doing: decided from its files and the kernel each time, never remembered. */
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import * as z from "zod/mini";
import { errnoOf } from "./errors";
import type { ContainerPaths } from "./paths";
import type { ExitRecord } from "./protocol";
import { RecordFile, UnfitRecord } from "./records";
import { signalName } from "./sessions/signals";
import { containerProcessSchema, type ContainerProcess } from "./status";

/** A {@link import("./protocol").ContainerState} with the processes that may be signalled. */
export type LiveState =
    | { kind: "created" }
    | { kind: "running"; process: ContainerProcess; paused: boolean }
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

/** Longer than any /proc/PID/stat. */
const statBuffer = Buffer.alloc(4096);

/** Field 22 of /proc/PID/stat, in clock ticks since boot; undefined when it is gone or a zombie. */
export function processStartTime(pid: number): number | undefined {
    const text = readStat(pid);
    if (text === undefined) {
        return undefined;
    }
    // The name in parentheses may hold anything, so fields are counted from its end.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ", 20);
    return fields[0] === "Z" || fields[0] === "X" ? undefined : Number(fields[19]);
}

/** By hand, as readFileSync asks for more than once what a list of 1,000 containers asks 1,000 times. */
function readStat(pid: number): string | undefined {
    let descriptor: number | undefined;
    try {
        descriptor = openSync(`/proc/${pid}/stat`, "r");
        return statBuffer.toString("latin1", 0, readSync(descriptor, statBuffer));
    } catch (error) {
        if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ESRCH") {
            return undefined;
        }
        throw error;
    } finally {
        if (descriptor !== undefined) {
            closeSync(descriptor);
        }
    }
}

/** True when the process is the one that had this pid at this start time in this boot. */
export function isAlive(process: { pid: number; startTime: number; bootId: string }): boolean {
    return (
        process.bootId === currentBootId() && processStartTime(process.pid) === process.startTime
    );
}

/** Reads what the container with these files is doing. */
export class StateReader {
    private readonly process: RecordFile<ContainerProcess | undefined>;
    private readonly exit: RecordFile<ExitRecord | undefined>;

    /** @param isPaused whether the running container's processes stand still */
    constructor(
        private readonly paths: ContainerPaths,
        private readonly isPaused: () => boolean,
    ) {
        const { stateFile, exit } = paths;
        this.process = new RecordFile(stateFile, (text) => parse(text, containerProcessSchema));
        this.exit = new RecordFile(exit, parseExit);
    }

    /**
     * The state now.
     *
     * 1. The process of state.json lives: running, paused or not.
     * 2. exit.json.partial is there: it is being started or its end is being recorded, which the lock
     *    on its directory tells, or nobody will ever record how it ended: lost.
     * 3. exit.json is there: exited. Nothing is: created.
     */
    read(): LiveState {
        const { state, exitPartial } = this.paths;
        const last = this.process.remembered;
        if (last !== undefined && isAlive(last)) {
            return { kind: "running", process: last, paused: this.isPaused() }; // while it lives no other one is recorded
        }
        const process = orDamaged(() => this.process.read());
        if (process !== undefined && isAlive(process)) {
            return { kind: "running", process, paused: this.isPaused() };
        }
        if (existsSync(exitPartial)) {
            if (!isLocked(state)) {
                // It may have been renamed to exit.json, and the lock given up, between the two looks.
                return existsSync(exitPartial) ? { kind: "lost" } : this.end();
            }
            if (process?.bootId === currentBootId()) {
                return { kind: "running", process, paused: this.isPaused() };
            }
        }
        return this.end();
    }

    private end(): LiveState {
        const exit = orDamaged(() => this.exit.read());
        if (exit !== undefined) {
            return { kind: "exited", exit };
        }
        return existsSync(this.paths.exit) ? { kind: "lost" } : { kind: "created" };
    }
}

/** Undefined, as for a damaged record, when something is in its place that cannot be one. */
function orDamaged<T>(read: () => T | undefined): T | undefined {
    try {
        return read();
    } catch (error) {
        if (error instanceof UnfitRecord) {
            return undefined;
        }
        throw error;
    }
}

/** How it ended, from the text of exit.json; undefined when that is not there yet or damaged. */
export function parseExit(text: string): ExitRecord | undefined {
    return parse(text, exitSchema);
}

/** Text that may be damaged, in that form. */
function parse<T>(text: string, schema: z.ZodMiniType<T>): T | undefined {
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
function isLocked(directory: string): boolean {
    const found = statSync(directory, { bigint: true, throwIfNoEntry: false });
    if (found === undefined) {
        return false;
    }
    const held = new RegExp(`^\\d+: FLOCK .* [0-9a-f]+:[0-9a-f]+:${found.ino} `, "m");
    return held.test(readFileSync("/proc/locks", "latin1"));
}
