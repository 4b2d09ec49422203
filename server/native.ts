/**
 * The one door down: starts `container_executor` and `ns_enter`, and nothing else does. What to run
 * comes from invocation.ts; what comes back are the events of native/README.md.
 */
import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import { McmError, errnoOf, nativeError, systemError } from "./errors";
import {
    CONTROL_FD,
    ENV_FD,
    STATUS_FD,
    changesInvocation,
    doctorInvocation,
    enterInvocation,
    killInvocation,
    pauseInvocation,
    removeInvocation,
    removeTreeInvocation,
    startInvocation,
    stopInvocation,
    updateInvocation,
    type EnterOptions,
    type Invocation,
    type Layers,
    type LimitOptions,
    type StartOptions,
} from "./invocation";
import {
    ErrorCode,
    type ContainerChanges,
    type ContainerId,
    type FileChange,
    type HostFinding,
    type TerminalSize,
    type TraceStep,
} from "./protocol";
import {
    containerProcessSchema,
    enterEventSchema,
    executorEventSchema,
    hostFindingSchema,
    readEvents,
    type ContainerProcess,
    type ExecutorEvent,
} from "./status";
import { Trace } from "./trace";

/** A started container, and what the host could not do exactly as asked. */
export interface Started {
    process: ContainerProcess;
    warnings: string[];
    /** Each step, where that was asked for. */
    trace?: TraceStep[];
}

/** How an entered command ended. */
export interface EnteredEnd {
    exitCode: number | null;
    /** Its number, or null. */
    signal: number | null;
}

/** A running `ns_enter`. */
export interface EnteredProcess {
    /** The command's input. */
    readonly stdin: Writable;
    /** Its output; with a terminal everything comes here and stderr stays empty. */
    readonly stdout: Readable;
    readonly stderr: Readable;
    /** Resolves once the exec succeeded, with each step where that was asked for; rejects with an
     * McmError when it did not. */
    readonly started: Promise<TraceStep[] | undefined>;
    /** Resolves when the command has ended; rejects with an McmError when it never started. */
    readonly ended: Promise<EnteredEnd>;
    resize(size: TerminalSize): void;
    /** To the command's process group; with a terminal to the foreground one. */
    signal(number: number): void;
    /** The client went: HUP for the session, KILL one second later. */
    hangUp(): void;
}

type ExecutorEventOf<Name extends ExecutorEvent["event"]> = Extract<ExecutorEvent, { event: Name }>;

/** What the native programs can do. Every method rejects with an McmError. */
export interface Native {
    /** Starts a container; resolves once its command runs. */
    start(options: StartOptions): Promise<Started>;
    /** TERM, the grace, KILL; resolves when the end is recorded. */
    stop(id: ContainerId, target: ContainerProcess, graceMs: number): Promise<{ forced: boolean }>;
    kill(id: ContainerId, target: ContainerProcess, signal: number): Promise<void>;
    /** Resolves when every process of it stands still. */
    pause(id: ContainerId, target: ContainerProcess): Promise<void>;
    resume(id: ContainerId, target: ContainerProcess): Promise<void>;
    /**
     * Changes the limits of a container that runs, all or none; of one that does not, tries them.
     * Resolves with what this host cannot hold exactly.
     */
    update(options: LimitOptions): Promise<{ warnings: string[] }>;
    /** Takes everything of a container away; done also when nothing is left. */
    remove(id: ContainerId, stateDirectory: string, runDirectory: string): Promise<void>;
    /** Removes a tree that a container may have left hostile. */
    removeTree(directory: string): Promise<void>;
    /** What the upper layer changes of the lower one, in no order. */
    changes(layers: Layers): Promise<ContainerChanges>;
    /**
     * Tries what containers need of this computer, and leaves nothing. Also for who is not root.
     *
     * @param stateDirectory of all containers; it need not be there yet
     * @param rootfs a directory that is examined, too
     */
    examine(stateDirectory: string, rootfs?: string): Promise<HostFinding[]>;
    /** Runs one more command inside a running container. Throws when no process can be made. */
    enter(options: EnterOptions): EnteredProcess;
}

/** The programs in `directory`. */
export function createNative(directory: string): Native {
    const execute = (invocation: Invocation) => launch(directory, invocation, "ignore");
    return {
        async start(options) {
            return await start(execute(startInvocation(options)), new Trace(options.trace));
        },
        async stop(id, target, graceMs) {
            return await finish(execute(stopInvocation(id, target, graceMs)), "stopped");
        },
        async kill(id, target, signal) {
            await finish(execute(killInvocation(id, target, signal)), "signalled");
        },
        async pause(id, target) {
            await finish(execute(pauseInvocation("pause", id, target)), "paused");
        },
        async resume(id, target) {
            await finish(execute(pauseInvocation("resume", id, target)), "resumed");
        },
        async update(options) {
            const warnings: string[] = [];
            await finish(execute(updateInvocation(options)), "updated", (event) => {
                if (event.event === "warning") {
                    warnings.push(event.message);
                }
            });
            return { warnings };
        },
        async remove(id, stateDirectory, runDirectory) {
            await finish(execute(removeInvocation(id, stateDirectory, runDirectory)), "removed");
        },
        async removeTree(tree) {
            await finish(execute(removeTreeInvocation(tree)), "removed");
        },
        changes: async (layers) => await changes(execute(changesInvocation(layers))),
        async examine(stateDirectory, rootfs) {
            const findings: HostFinding[] = [];
            await finish(execute(doctorInvocation(stateDirectory, rootfs)), "examined", (said) => {
                if (said.event === "finding") {
                    findings.push(hostFindingSchema.parse(said));
                }
            });
            return findings;
        },
        enter: (options) =>
            enter(launch(directory, enterInvocation(options), "pipe"), new Trace(options.trace)),
    };
}

/** A native program on its way. */
interface Launched {
    program: string;
    child: ChildProcess;
    status: Readable;
    /** Resolves when it exited, with how in words; rejects when it could not be started. */
    exited: Promise<string>;
    /** What it wrote to stderr; our programs print there only what they cannot report. */
    complaint: () => string;
}

/**
 * Starts a program: in a session of its own, so that a Ctrl-C in mcm's terminal does not end it
 * half way, with the root as working directory and no environment. `stdio` is what fds 0 and 1 are.
 */
function launch(directory: string, invocation: Invocation, stdio: "ignore" | "pipe"): Launched {
    const { program, args, env } = invocation;
    const descriptors: StdioOptions = [stdio, stdio, "pipe"];
    descriptors[STATUS_FD] = "pipe";
    descriptors[ENV_FD] = "pipe";
    descriptors[CONTROL_FD] = stdio;
    let child: ChildProcess;
    try {
        child = spawn(path.join(directory, program), args, {
            cwd: "/",
            env: {},
            detached: true,
            stdio: descriptors,
        });
    } catch (error) {
        // E2BIG and the like are thrown; ENOENT and EACCES come as an event.
        throw notStarted(program, error);
    }
    const exited = new Promise<string>((resolve, reject) => {
        child.once("error", (error) => reject(notStarted(program, error)));
        child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code ?? "unknown"}`));
    });
    // Whoever waits for it hears of a failure; nobody has to.
    exited.catch(() => undefined);
    sendEnvironment(pipeOf(child, ENV_FD) as Writable, env ?? {});
    return {
        program,
        child,
        status: pipeOf(child, STATUS_FD) as Readable,
        exited,
        complaint: stdio === "ignore" ? collect(child.stderr) : () => "",
    };
}

function notStarted(program: string, error: unknown): McmError {
    const errno = errnoOf(error);
    if (errno !== "ENOENT" && errno !== "EACCES") {
        return systemError(`Starting ${program}`, error);
    }
    const hint = "Install My Container Manager again, or build it: make -C native.";
    return new McmError(
        ErrorCode.NativeFailed,
        `The program ${program} is missing or cannot be executed (${errno}). ${hint}`,
        { errno, hint },
    );
}

/** Our end of a child's descriptor; @types/node knows of five only. */
function pipeOf(child: ChildProcess, descriptor: number): Readable | Writable | null | undefined {
    const pipes: readonly (Readable | Writable | null | undefined)[] = child.stdio;
    return pipes[descriptor];
}

/** Writes `KEY=VALUE` entries, each ended by a NUL. */
function sendEnvironment(stream: Writable, env: Record<string, string>): void {
    // A program that ended early has said why on its status fd.
    stream.on("error", () => undefined);
    const entries = Object.entries(env).map(([key, value]) => `${key}=${value}\0`);
    stream.end(entries.join(""));
}

/** Characters of stderr that are kept. */
const COMPLAINT_LENGTH = 2048;

function collect(stream: Readable | null): () => string {
    let text = "";
    stream?.on("error", () => undefined);
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
        text = (text + chunk).slice(0, COMPLAINT_LENGTH);
    });
    return () => text.trim();
}

/** The error of a program that ended without telling how. */
async function unexplained(launched: Launched): Promise<McmError> {
    const end = await launched.exited;
    const complaint = launched.complaint();
    return new McmError(
        ErrorCode.NativeFailed,
        `${launched.program} ended without a result (${end})${complaint && `: ${complaint}`}.`,
    );
}

/** Reads up to `started`; the launching parent then has nothing more to say. */
async function start(launched: Launched, trace: Trace): Promise<Started> {
    const warnings: string[] = [];
    for await (const event of readEvents(launched.status, executorEventSchema)) {
        if (event.event === "warning") {
            warnings.push(event.message);
        } else if (event.event === "step") {
            trace.add(event);
        } else if (event.event === "failed") {
            await launched.exited;
            throw nativeError(event, trace.steps());
        } else if (event.event === "started") {
            launched.child.stderr?.destroy();
            const process = containerProcessSchema.parse(event);
            return { process, warnings, trace: trace.steps() };
        }
    }
    throw await unexplained(launched);
}

/** Reads to the end, which must have brought the event `wanted`; `heed` is told every other one. */
async function finish<Name extends ExecutorEvent["event"]>(
    launched: Launched,
    wanted: Name,
    heed?: (event: ExecutorEvent) => void,
): Promise<ExecutorEventOf<Name>> {
    let result: ExecutorEventOf<Name> | undefined;
    for await (const event of readEvents(launched.status, executorEventSchema)) {
        if (event.event === "failed") {
            await launched.exited;
            throw nativeError(event);
        } else if (event.event === wanted) {
            result = event as ExecutorEventOf<Name>;
        } else {
            heed?.(event);
        }
    }
    if (result === undefined) {
        throw await unexplained(launched);
    }
    return result;
}

/** Reads to the end, each change as it comes. */
async function changes(launched: Launched): Promise<ContainerChanges> {
    const found: FileChange[] = [];
    let leftOut: number | undefined;
    for await (const event of readEvents(launched.status, executorEventSchema)) {
        if (event.event === "failed") {
            await launched.exited;
            throw nativeError(event);
        } else if (event.event === "change") {
            const { path: file, change, type, size } = event;
            found.push({ path: file, change, type, ...(size !== undefined && { size }) });
        } else if (event.event === "changes") {
            ({ leftOut } = event);
        }
    }
    if (leftOut === undefined) {
        throw await unexplained(launched);
    }
    return { changes: found, leftOut };
}

function enter(launched: Launched, trace: Trace): EnteredProcess {
    const { stdin, stdout, stderr } = launched.child;
    const control = pipeOf(launched.child, CONTROL_FD) as Writable;
    // A session that has ended takes no more lines; that is no failure.
    control.on("error", () => undefined);
    let ended: Promise<EnteredEnd> | undefined;
    const started = new Promise<TraceStep[] | undefined>((resolve, reject) => {
        ended = follow(launched, trace, () => resolve(trace.steps()));
        ended.catch(reject);
    });
    started.catch(() => undefined);
    if (stdin === null || stdout === null || stderr === null || ended === undefined) {
        throw new Error("spawn gave no pipes");
    }
    return {
        stdin,
        stdout,
        stderr,
        started,
        ended,
        resize: ({ rows, columns }) => control.write(`resize ${rows} ${columns}\n`),
        signal: (number) => control.write(`signal ${number}\n`),
        hangUp: () => control.end(),
    };
}

/** Reads the events of an `ns_enter` to its end. */
async function follow(
    launched: Launched,
    trace: Trace,
    onStarted: () => void,
): Promise<EnteredEnd> {
    let end: EnteredEnd | undefined;
    for await (const event of readEvents(launched.status, enterEventSchema)) {
        if (event.event === "started") {
            onStarted();
        } else if (event.event === "step") {
            trace.add(event);
        } else if (event.event === "failed") {
            await launched.exited;
            throw nativeError(event, trace.steps());
        } else if (event.event === "exited") {
            end = { exitCode: event.exitCode, signal: event.signal };
        }
    }
    if (end === undefined) {
        throw await unexplained(launched);
    }
    return end;
}
