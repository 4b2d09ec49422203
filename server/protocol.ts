/**
 * The protocol between the backend and its clients (extension, command line, tests): JSON-RPC 2.0
 * with LSP's framing and lifecycle over a unix socket. Everything a client may know stands here.
 *
 * A connection begins with LSP's `initialize`, whose `initializationOptions` are a
 * {@link ClientHello}; the result carries a {@link ServerHello} in `capabilities.experimental`.
 */
import { NotificationType, ProgressType, RequestType, RequestType0 } from "vscode-jsonrpc";

/** Raised by one when an older peer could misunderstand a message. */
export const PROTOCOL_VERSION = 1;

export interface ClientHello {
    protocolVersion: number;
    /** Shown in the backend's log: "vscode", "mcm", … */
    client: string;
}

export interface ServerHello {
    protocolVersion: number;
    /** Version of the package. */
    version: string;
    pid: number;
}

// ---------------------------------------------------------------------------------------- errors

/** Error codes of our own, outside the ranges that JSON-RPC and LSP reserve. */
export enum ErrorCode {
    NotFound = 1,
    AlreadyExists = 2,
    NotRunning = 3,
    Running = 4,
    Invalid = 5,
    Denied = 6,
    Unsupported = 7,
    NativeFailed = 8,
    Broken = 9,
    /** The container is paused, and what was asked for needs one that goes on. */
    Paused = 10,
}

/** `data` of an error response. The message says what failed, on what, why, and what to do next. */
export interface ErrorData {
    /** Step of the native program that failed (native/error.h). */
    step?: string;
    /** Name of the errno, for example "EPERM". */
    errno?: string;
    /** The parameter that was refused, for example "limits.memory". */
    field?: string;
    /** What to do next, one sentence. */
    hint?: string;
    /** What was done before it failed, where a trace was asked for. */
    trace?: TraceStep[];
}

/**
 * One thing that the native programs did, with its real values. native/README.md explains every
 * pair of step and call.
 */
export interface TraceStep {
    /** "launcher", "monitor", "child" (the container's first process) or "command". */
    who: string;
    /** As in {@link ErrorData.step}. */
    step: string;
    /** The system call. */
    call: string;
    detail: Record<string, string | number>;
    /** Microseconds from the beginning to the end of this step. */
    at: number;
    /** Microseconds that it took. */
    us: number;
}

/** More steps than this are not told. */
export const TRACE_STEPS_MAX = 2000;

/** Parameters of what starts something. */
export interface TraceParams {
    /** Tell each step. */
    trace?: boolean;
}

/** Results of what starts something. */
export interface TraceResult {
    /** In the order in which the steps ended, where it was asked for. */
    trace?: TraceStep[];
}

// ------------------------------------------------------------------------------------- containers

/** 12 hex digits. */
export type ContainerId = string;

/** An id, a unique prefix of one, or a name. */
export interface ContainerRef {
    container: string;
}

export type Rootfs =
    /** This computer's own /usr over a small skeleton, copy-on-write. */
    | { kind: "host" }
    /** A directory of this computer, absolute. */
    | { kind: "directory"; path: string }
    /** One that was imported under this name. */
    | { kind: "imported"; name: string };

export interface Limits {
    /** Bytes. */
    memory?: number;
    /** Cores, at least 0.01. */
    cpu?: number;
    /** List of cpus as in cpuset(7), for example "0-1,3". */
    cpuset?: string;
    /** Processes and threads. */
    pids?: number;
    /** Bytes a second from, and to, each disk that the container's files lie on. */
    ioRead?: number;
    ioWrite?: number;
}

/** Limits to be changed: a value, or null for none. What is absent stays as it is. */
export type LimitChanges = { [Name in keyof Limits]: Limits[Name] | null };

export interface Volume {
    /** Absolute path on this computer. */
    source: string;
    /** Absolute path in the container. */
    target: string;
    /** Read-only, read-write, or copy-on-write (changes stay in the container). */
    mode: "ro" | "rw" | "cow";
}

export interface TerminalSize {
    rows: number;
    columns: number;
}

/** What a container is: kept in its config.json, given by whoever asks for it. */
export interface ContainerSpec {
    /** Made up ("brave-otter") when absent. `[a-z0-9][a-z0-9_.-]{0,62}`, either case. */
    name?: string;
    /** Host, when absent. */
    rootfs?: Rootfs;
    /** Program and arguments; init just waits when it is empty or absent. */
    command?: string[];
    limits?: Limits;
    /** The name, when absent. */
    hostname?: string;
    env?: Record<string, string>;
    /** Absolute; "/" when absent. */
    workdir?: string;
    /** USER[:GROUP], names of the container's passwd and group or numbers; root when absent. */
    user?: string;
    volumes?: Volume[];
    /** Keep recent output to replay to whoever attaches. */
    interactive?: boolean;
    /** Give the command a terminal. */
    tty?: boolean;
    /** Remove the container once it has ended. */
    autoRemove?: boolean;
}

/** How a container ended; written by its monitor. */
export interface ExitRecord {
    exitCode: number | null;
    /** Name of the signal that ended the command, "SIGKILL", or null. */
    signal: string | null;
    oomKilled: boolean;
    /** RFC 3339. */
    startedAt: string;
    finishedAt: string;
    /** Bytes. */
    memoryPeak?: number;
    cpuUsageUsec?: number;
}

export type ContainerState =
    | { kind: "created" }
    | { kind: "running"; pid: number; startedAt: string }
    /** Every process of it stands still until it is resumed. */
    | { kind: "paused"; pid: number; startedAt: string }
    | { kind: "exited"; exit: ExitRecord }
    /** It ended and nobody saw how. */
    | { kind: "lost" }
    /** Its files are damaged; it can only be removed. */
    | { kind: "broken"; reason: string };

/** One row of a list. */
export interface ContainerSummary {
    id: ContainerId;
    name: string;
    /** Absent when it is broken. */
    rootfs?: Rootfs;
    /** Empty when there is none, and when it is broken. */
    command: string[];
    limits: Limits;
    /** RFC 3339; empty when it is broken. */
    createdAt: string;
    tty: boolean;
    interactive: boolean;
    state: ContainerState;
}

/** Everything that is known of one container. */
export interface ContainerDetails extends ContainerSummary {
    rootfs: Rootfs;
    hostname: string;
    env: Record<string, string>;
    workdir: string;
    user: string;
    volumes: Volume[];
    autoRemove: boolean;
    /** Host id that is root inside; the range has 65,536 ids. */
    idBase: number;
    /** Directories on this computer. */
    paths: { state: string; upper: string; log: string };
    /** Directories of its cgroup, by controller; "cgroup2" is the unified one. */
    cgroups: Record<string, string>;
    /** What this host could not do exactly as asked, in words. */
    warnings: string[];
}

/** How much processes waited for a resource: Documentation/accounting/psi.rst of the kernel. */
export interface Pressure {
    /** Percent of the last 10 seconds in which some process waited, and in which all of them did. */
    some: number;
    full?: number;
}

/** Used by status and stats. A figure that this host cannot give is absent, never 0. */
export interface Usage {
    /** Milliseconds since the epoch, when it was read. */
    time: number;
    /** Cores in use since the sample before, 1 = one core; absent in the first sample. */
    cpu?: number;
    cpuUsageUsec?: number;
    /** Time in which processes were kept from running by the limit of cpu. */
    throttledUsec?: number;
    /** Periods of 100 ms with a limit of cpu in which anything ran, and those that used it up. */
    cpuPeriods?: number;
    throttledPeriods?: number;
    /** Bytes without the page cache that can be dropped at once. */
    memory?: number;
    memoryLimit?: number;
    memoryPeak?: number;
    pids?: number;
    pidsLimit?: number;
    ioReadBytes?: number;
    ioWriteBytes?: number;
    /** Processes that the kernel killed for want of memory. */
    oomKills?: number;
    pressure?: { cpu?: Pressure; memory?: Pressure; io?: Pressure };
}

export interface ContainerStatus extends ContainerSummary {
    /** Of a running or paused container. Sampled twice 100 ms apart when no sampler runs, so that cpu is known. */
    usage?: Usage;
}

export interface RunParams extends ContainerSpec, TraceParams {}

export interface StartParams extends ContainerRef, TraceParams {}

/** The container as it runs now. */
export interface StartResult extends ContainerSummary, TraceResult {}

/** Sent by a client to create and start a container. The reply comes once it runs. */
export const RunRequest = new RequestType<RunParams, StartResult, ErrorData>("container/run");

/** Sent by a client to start a stopped container again, with everything it has written. */
export const StartRequest = new RequestType<StartParams, StartResult, ErrorData>("container/start");

export interface StopParams extends ContainerRef {
    /** Seconds between TERM and KILL; 10 when absent. */
    graceSeconds?: number;
}

export interface StopResult {
    /** The grace was over: everything in it was killed. */
    forced: boolean;
}

/** Sent by a client to end a container: TERM, a grace, KILL. The reply comes when it has ended. */
export const StopRequest = new RequestType<StopParams, StopResult, ErrorData>("container/stop");

/** Sent by a client to stop, if it runs, and start again. */
export const RestartRequest = new RequestType<StopParams, ContainerSummary, ErrorData>(
    "container/restart",
);

export interface KillParams extends ContainerRef {
    /** "SIGHUP", "HUP" or "1"; KILL when absent. */
    signal?: string;
}

/** Sent by a client to signal the container's command. A paused one takes KILL at once, and any other
 * signal when it is resumed. */
export const KillRequest = new RequestType<KillParams, void, ErrorData>("container/kill");

export interface UpdateParams extends ContainerRef {
    /** At least one. */
    limits: LimitChanges;
}

/** Sent by a client to change limits of a container: at once, all or none, when it runs; from its
 * next start on otherwise. */
export const UpdateRequest = new RequestType<UpdateParams, ContainerSummary, ErrorData>(
    "container/update",
);

/** Sent by a client to make every process of a running container stand still. */
export const PauseRequest = new RequestType<ContainerRef, ContainerSummary, ErrorData>(
    "container/pause",
);

/** Sent by a client to let a paused container go on. */
export const ResumeRequest = new RequestType<ContainerRef, ContainerSummary, ErrorData>(
    "container/resume",
);

export interface RemoveParams extends ContainerRef {
    /** Kill it first if it runs. */
    force?: boolean;
}

/** Sent by a client to remove a container and everything it has written. */
export const RemoveRequest = new RequestType<RemoveParams, void, ErrorData>("container/remove");

export interface RenameParams extends ContainerRef {
    name: string;
}

/** Sent by a client to give a container another name. */
export const RenameRequest = new RequestType<RenameParams, ContainerSummary, ErrorData>(
    "container/rename",
);

/** Sent by a client for all containers, running first, then by name. */
export const ListRequest = new RequestType0<ContainerSummary[], ErrorData>("container/list");

/** Sent by a client for everything known of a container. */
export const InspectRequest = new RequestType<ContainerRef, ContainerDetails, ErrorData>(
    "container/inspect",
);

/** Sent by a client for a container's state and usage now. */
export const StatusRequest = new RequestType<ContainerRef, ContainerStatus, ErrorData>(
    "container/status",
);

/** Sent by a client for what a container has changed relative to its root file system. */
export const ChangesRequest = new RequestType<ContainerRef, ContainerChanges, ErrorData>(
    "container/changes",
);

/** Pushed by the backend to every client when the set of containers or a state has changed,
 * whoever changed it. */
export const DidChangeNotification = new NotificationType<DidChangeParams>("container/didChange");

export interface DidChangeParams {
    /** New or changed. */
    changed: ContainerSummary[];
    removed: ContainerId[];
}

// ------------------------------------------------------------------------------------------ stats

/** One entry that a container has added, modified or deleted. */
export interface FileChange {
    /** Absolute, inside. */
    path: string;
    change: "added" | "modified" | "deleted";
    type: "file" | "directory" | "link" | "special";
    /** Bytes, of a file that is there. */
    size?: number;
}

export interface ContainerChanges {
    /** By path. */
    changes: FileChange[];
    /** How many more there are that are not among them: too many, too deep, or of too long a name. */
    leftOut: number;
}

export interface StatsSubscribeParams {
    /** Milliseconds between samples, 250 to 60,000. */
    intervalMs: number;
}

/** Sent by a client to receive samples; once more changes the interval. */
export const StatsSubscribeRequest = new RequestType<StatsSubscribeParams, void, ErrorData>(
    "stats/subscribe",
);

/** Sent by a client that wants no more samples. */
export const StatsUnsubscribeRequest = new RequestType0<void, ErrorData>("stats/unsubscribe");

export interface StatsSample {
    /** Milliseconds since the epoch. */
    time: number;
    /** By id, one for every running container. */
    usage: Record<ContainerId, Usage>;
    /** Of this computer. */
    host: { cpus: number; memory: number };
}

/** Pushed by the backend's one sampler to every subscriber. */
export const StatsNotification = new NotificationType<StatsSample>("stats/sample");

// ------------------------------------------------------------------------------------------- logs

export interface LogsParams extends ContainerRef {
    /** Only the last so many lines. */
    tail?: number;
    /** Go on until the container ends or the request is cancelled. */
    follow?: boolean;
    /** Names the {@link LogProgress} stream the lines come on. */
    token: string;
}

export interface LogLine {
    /** RFC 3339 with microseconds. */
    time: string;
    stream: "stdout" | "stderr";
    text: string;
    /** More of the same line follows. */
    partial?: boolean;
}

/** Sent by a client for a container's output; lines come as progress, the response is the end.
 * At most {@link WINDOW_BYTES} of text are under way unacknowledged. */
export const LogsRequest = new RequestType<LogsParams, void, ErrorData>("container/logs");
export const LogProgress = new ProgressType<LogLine[]>();

// --------------------------------------------------------------------------------- exec and attach

/** Bytes (of logs: bytes of text) the backend sends on a stream before it waits for an ack. */
export const WINDOW_BYTES = 1024 * 1024;

export interface ExecParams extends ContainerRef, TraceParams {
    command: string[];
    env?: Record<string, string>;
    workdir?: string;
    user?: string;
    /** A terminal of this size; without one stdout and stderr stay apart. */
    terminal?: TerminalSize;
    /** Names the {@link OutputProgress} stream and the session in the notifications below. */
    token: string;
}

export interface AttachParams extends ContainerRef {
    terminal?: TerminalSize;
    token: string;
}

export interface SessionEnd {
    exitCode: number | null;
    /** "SIGKILL" and so on, or null. */
    signal: string | null;
    /** It ended because the container did. */
    containerEnded: boolean;
}

export interface OutputChunk {
    stream: "stdout" | "stderr";
    /** Base64. */
    data: string;
}

/** Sent by a client to run one more command inside; output comes as progress, the response is the
 * end. Cancelling hangs the session up. The program picks `bash` or `sh` for the single word
 * {@link SHELL}. */
export const ExecRequest = new RequestType<ExecParams, SessionEnd, ErrorData>("container/exec");

/** As a command: bash where the container has it, else sh. */
export const SHELL = "@shell";

/** Sent by a client to be connected with the container's own command. Cancelling detaches. */
export const AttachRequest = new RequestType<AttachParams, SessionEnd, ErrorData>(
    "container/attach",
);
export const OutputProgress = new ProgressType<OutputChunk>();

/** Pushed by the backend once the exec has succeeded. */
export const SessionStartedNotification = new NotificationType<{ token: string } & TraceResult>(
    "session/started",
);

/** Sent by a client: input for a session, base64. It may come as soon as the request was sent. */
export const SessionInputNotification = new NotificationType<{ token: string; data: string }>(
    "session/input",
);

/** Bytes of input that the backend holds for a command which does not read; more end the session. */
export const INPUT_LIMIT_BYTES = 16 * 1024 * 1024;

/** Pushed by the backend once so many decoded bytes of input were taken by the session. A client
 * with much to send keeps at most {@link WINDOW_BYTES} of it under way. */
export const InputAcknowledgeNotification = new NotificationType<{ token: string; bytes: number }>(
    "session/inputAcknowledge",
);

/** Sent by a client: end of a session's input. */
export const SessionInputEndNotification = new NotificationType<{ token: string }>(
    "session/inputEnd",
);

/** Sent by a client: a session's terminal has another size. */
export const SessionResizeNotification = new NotificationType<{ token: string } & TerminalSize>(
    "session/resize",
);

/** Sent by a client: signal for a session's command. */
export const SessionSignalNotification = new NotificationType<{ token: string; signal: string }>(
    "session/signal",
);

/** Sent by a client that has consumed so many decoded bytes of a session or of logs. */
export const AcknowledgeNotification = new NotificationType<{ token: string; bytes: number }>(
    "session/acknowledge",
);

// ----------------------------------------------------------------------------------------- rootfs

export interface RootfsInfo {
    name: string;
    /** Bytes on disk. */
    size: number;
    importedAt: string;
    source: string;
    /** Names of the containers made from it. */
    usedBy: string[];
}

/** Sent by a client for the imported root file systems. */
export const RootfsListRequest = new RequestType0<RootfsInfo[], ErrorData>("rootfs/list");

export interface RootfsImportParams {
    name: string;
    /** Absolute path of a directory, or of a tarball (plain, gzip, …) as `docker export` writes it. */
    source: string;
    /** Names the {@link ImportProgress} stream. */
    token?: string;
}

/** Sent by a client to import; cancelling takes back what was done. */
export const RootfsImportRequest = new RequestType<RootfsImportParams, RootfsInfo, ErrorData>(
    "rootfs/import",
);
export const ImportProgress = new ProgressType<{ entries: number; bytes: number }>();

/** Sent by a client to remove one that no container is made from. */
export const RootfsRemoveRequest = new RequestType<{ name: string }, void, ErrorData>(
    "rootfs/remove",
);

// ---------------------------------------------------------------------------------------- backend

export interface BackendInfo extends ServerHello {
    /** Whom the socket serves. */
    servesUid: number;
    startedAt: string;
    clients: number;
    kernel: string;
    /** "v2", "v1" or "hybrid". */
    cgroups: string;
    /** Where each controller is: by its name, "v2", "v1" or "absent". */
    controllers: Record<string, "v1" | "v2" | "absent">;
    stateDirectory: string;
    runDirectory: string;
    /** File that the backend writes its log to. */
    log: string;
}

/** Sent by a client for the backend's own state. */
export const BackendInfoRequest = new RequestType0<BackendInfo, ErrorData>("backend/info");

/** One thing of this computer that was tried or read; native/README.md lists the names. */
export interface HostFinding {
    name: string;
    /** What it was tried on: a path. */
    subject?: string;
    /** "unknown": only root can try it, or it could not be read. */
    outcome: "works" | "fails" | "unknown";
    /** Name of the errno of what fails, for example "ENOSYS". */
    code?: string;
    /** What was found, or how it failed. */
    detail?: string;
    /** How many are allowed, of namespaces; bytes, of space. */
    number?: number;
}

export interface DoctorParams {
    /** One that is to be examined, too. */
    rootfs?: Rootfs;
}

export interface DoctorReport {
    findings: HostFinding[];
    backend: BackendInfo & {
        containers: number;
        /** Of these. */
        running: number;
        /** Bytes that the state directory takes; absent when counting them takes too long. */
        stateSize?: number;
    };
}

/** Sent by a client to have this computer examined: what containers need, found by trying. */
export const DoctorRequest = new RequestType<DoctorParams, DoctorReport, ErrorData>(
    "backend/doctor",
);

/** Sent by a client to end the backend for all its clients; containers run on. Also taken from one
 * whose `initialize` was refused, so that a newer client can make room for a newer backend. */
export const BackendShutdownRequest = new RequestType0<void, ErrorData>("backend/shutdown");

/** Pushed by the backend: a privileged request and its outcome, for the output channel. */
export const BackendLogNotification = new NotificationType<{
    time: string;
    level: "info" | "warn" | "error";
    message: string;
}>("backend/log");
