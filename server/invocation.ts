/**
 * What to run, as data: the arguments of `container_executor` and `ns_enter` for everything that is
 * asked of them (native/README.md is the contract). native.ts runs them.
 */
import type { ContainerId, LimitChanges, Limits, TerminalSize, Volume } from "./protocol";
import type { ContainerProcess } from "./status";

/** Descriptors of the children, the same for every command. */
export const STATUS_FD = 3;
export const ENV_FD = 4;
export const CONTROL_FD = 5;

/** The period of cpu.max and cpu.cfs_period_us that quotas are given for, in microseconds. */
const CPU_PERIOD_USEC = 100_000;

/** What `container_executor start` is told. */
export interface StartOptions {
    id: ContainerId;
    stateDirectory: string;
    runDirectory: string;
    rootfs: string;
    idBase: number;
    hostname: string;
    limits?: Limits;
    workdir?: string;
    user?: string;
    mounts: Volume[];
    interactive: boolean;
    /** Give the command a terminal of this size. */
    terminal?: TerminalSize;
    autoRemove: boolean;
    /** Have each step told. */
    trace?: boolean;
    env: Record<string, string>;
    /** Init only waits when it is empty. */
    command: string[];
}

/** What `container_executor update` is told. */
export interface LimitOptions {
    id: ContainerId;
    stateDirectory: string;
    /** With the mounts, when a limit of io changes: what the container was started with. */
    rootfs?: string;
    mounts: Volume[];
    limits: LimitChanges;
}

/** What `ns_enter` is told. */
export interface EnterOptions {
    id: ContainerId;
    process: ContainerProcess;
    terminal?: TerminalSize;
    workdir?: string;
    user?: string;
    /** Have each step told. */
    trace?: boolean;
    env: Record<string, string>;
    command: string[];
}

/** What to run: the program, its arguments, and the environment it is handed on a descriptor. */
export interface Invocation {
    program: "container_executor" | "ns_enter";
    args: string[];
    env?: Record<string, string>;
}

function option(flag: string, value: string | number | undefined): string[] {
    return value === undefined ? [] : [flag, String(value)];
}

/** The limits that are given; null is none. */
function limitArgs({ memory, cpu, cpuset, pids, ioRead, ioWrite }: LimitChanges): string[] {
    const limit = (flag: string, value: string | number | null | undefined) =>
        option(flag, value === null ? "max" : value);
    const quota = typeof cpu === "number" ? Math.round(cpu * CPU_PERIOD_USEC) : cpu;
    return [
        ...limit("--memory", memory),
        ...limit("--cpu-quota", quota),
        ...limit("--cpuset", cpuset),
        ...limit("--pids", pids),
        ...limit("--io-read", ioRead),
        ...limit("--io-write", ioWrite),
    ];
}

function mountArgs(mounts: Volume[]): string[] {
    return mounts.flatMap(({ mode, source, target }) => ["--mount", mode, source, target]);
}

function terminalArgs(size: TerminalSize | undefined): string[] {
    return size === undefined
        ? []
        : ["--tty", "--rows", String(size.rows), "--cols", String(size.columns)];
}

function targetArgs(target: ContainerProcess): string[] {
    return [
        ...option("--pid", target.pid),
        ...option("--start-time", target.startTime),
        ...option("--boot-id", target.bootId),
    ];
}

function monitorArgs(target: ContainerProcess): string[] {
    return [
        ...option("--monitor-pid", target.monitorPid),
        ...option("--monitor-start-time", target.monitorStartTime),
    ];
}

/** Creates a container's processes. */
export function startInvocation(options: StartOptions): Invocation {
    const args = [
        "start",
        ...option("--status-fd", STATUS_FD),
        ...option("--id", options.id),
        ...option("--state-dir", options.stateDirectory),
        ...option("--run-dir", options.runDirectory),
        ...option("--rootfs", options.rootfs),
        ...option("--id-base", options.idBase),
        ...option("--env-fd", ENV_FD),
        ...option("--hostname", options.hostname),
        ...limitArgs(options.limits ?? {}),
        ...option("--workdir", options.workdir),
        ...option("--user", options.user),
        ...mountArgs(options.mounts),
        ...(options.interactive ? ["--interactive"] : []),
        ...terminalArgs(options.terminal),
        ...(options.autoRemove ? ["--auto-remove"] : []),
        ...(options.trace ? ["--trace"] : []),
        ...(options.command.length > 0 ? ["--", ...options.command] : []),
    ];
    return { program: "container_executor", args, env: options.env };
}

export function stopInvocation(
    id: ContainerId,
    target: ContainerProcess,
    graceMs: number,
): Invocation {
    return {
        program: "container_executor",
        args: [
            "stop",
            ...option("--status-fd", STATUS_FD),
            ...option("--id", id),
            ...targetArgs(target),
            ...monitorArgs(target),
            ...option("--grace-ms", graceMs),
        ],
    };
}

export function killInvocation(
    id: ContainerId,
    target: ContainerProcess,
    signal: number,
): Invocation {
    return {
        program: "container_executor",
        args: [
            "kill",
            ...option("--status-fd", STATUS_FD),
            ...option("--id", id),
            ...targetArgs(target),
            ...option("--signal", signal),
        ],
    };
}

/** Makes every process of a container stand still, or go on. */
export function pauseInvocation(
    verb: "pause" | "resume",
    id: ContainerId,
    target: ContainerProcess,
): Invocation {
    return {
        program: "container_executor",
        args: [
            verb,
            ...option("--status-fd", STATUS_FD),
            ...option("--id", id),
            ...targetArgs(target),
        ],
    };
}

/** Changes limits of a container, or tries whether it could be started with them. */
export function updateInvocation(options: LimitOptions): Invocation {
    return {
        program: "container_executor",
        args: [
            "update",
            ...option("--status-fd", STATUS_FD),
            ...option("--id", options.id),
            ...option("--state-dir", options.stateDirectory),
            ...option("--rootfs", options.rootfs),
            ...mountArgs(options.mounts),
            ...limitArgs(options.limits),
        ],
    };
}

export function removeInvocation(
    id: ContainerId,
    stateDirectory: string,
    runDirectory: string,
): Invocation {
    return {
        program: "container_executor",
        args: [
            "remove",
            ...option("--status-fd", STATUS_FD),
            ...option("--id", id),
            ...option("--state-dir", stateDirectory),
            ...option("--run-dir", runDirectory),
        ],
    };
}

export function removeTreeInvocation(directory: string): Invocation {
    return {
        program: "container_executor",
        args: ["remove-tree", ...option("--status-fd", STATUS_FD), ...option("--path", directory)],
    };
}

/** An overlay as it lies on disk. */
export interface Layers {
    upper: string;
    lower: string;
    /** The upper layer's ids are so much above the lower one's. */
    idBase: number;
}

export function changesInvocation({ upper, lower, idBase }: Layers): Invocation {
    return {
        program: "container_executor",
        args: [
            "changes",
            ...option("--status-fd", STATUS_FD),
            ...option("--upper", upper),
            ...option("--lower", lower),
            ...option("--id-base", idBase),
        ],
    };
}

/** @param rootfs one that is examined, too */
export function doctorInvocation(stateDirectory: string, rootfs?: string): Invocation {
    return {
        program: "container_executor",
        args: [
            "doctor",
            ...option("--status-fd", STATUS_FD),
            ...option("--state-dir", stateDirectory),
            ...option("--rootfs", rootfs),
        ],
    };
}

export function enterInvocation(options: EnterOptions): Invocation {
    return {
        program: "ns_enter",
        args: [
            ...option("--status-fd", STATUS_FD),
            ...option("--control-fd", CONTROL_FD),
            ...option("--id", options.id),
            ...targetArgs(options.process),
            ...option("--env-fd", ENV_FD),
            ...terminalArgs(options.terminal),
            ...option("--workdir", options.workdir),
            ...option("--user", options.user),
            ...(options.trace ? ["--trace"] : []),
            "--",
            ...options.command,
        ],
        env: options.env,
    };
}
