/**
 * The one error class of the backend, and the one place where failures of the system and of the
 * native programs get their code and their hint.
 */
import { ResponseError } from "vscode-jsonrpc";
import { ErrorCode, type ErrorData, type TraceStep } from "./protocol";

/** A failure with a name: becomes an error response, word for word. */
export class McmError extends Error {
    override readonly name = "McmError";

    constructor(
        readonly code: ErrorCode,
        /** What failed, on what, and why; one or two sentences. */
        message: string,
        readonly data: ErrorData = {},
        options?: ErrorOptions,
    ) {
        super(message, options);
    }

    /** As JSON-RPC sends it; the hint is part of the message, so that every client shows it. */
    toResponse(): ResponseError<ErrorData> {
        return new ResponseError(this.code, this.message, this.data);
    }
}

/** A parameter that is refused: `field` is its path, "limits.memory". */
export function invalid(field: string, value: unknown, expected: string): McmError {
    return new McmError(ErrorCode.Invalid, `${field}: ${show(value)} is not ${expected}.`, {
        field,
    });
}

/** A value as it stands in a message: JSON, not too long. */
function show(value: unknown): string {
    const text = JSON.stringify(value) as string | undefined;
    if (text === undefined) {
        return "nothing";
    }
    return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/** The errno of what a node function threw, "ENOENT"; undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    return typeof code === "string" && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/** What to do about an errno, wherever it came from. */
const ERRNO_HINTS: Record<string, string> = {
    ENOSPC: "Free some space on that file system, then try again.",
    EDQUOT: "The quota of that file system is used up; free some space, then try again.",
    EROFS: "That file system is read-only; remount it writable.",
    EMFILE: "Too many files are open; raise the limit of open files (ulimit -n).",
    ENFILE: "The system has too many open files; raise fs.file-max.",
    ENOMEM: "The computer is out of memory; stop something, then try again.",
};

/** What a node function threw while doing something ("writing /…/config.json"), with a name. */
export function systemError(doing: string, error: unknown): McmError {
    if (error instanceof McmError) {
        return error;
    }
    const errno = errnoOf(error);
    const reason = error instanceof Error ? error.message : String(error);
    const hint = errno === undefined ? undefined : ERRNO_HINTS[errno];
    return new McmError(
        ErrorCode.NativeFailed,
        `${doing} failed: ${reason}.${hint === undefined ? "" : ` ${hint}`}`,
        { errno, hint },
        { cause: error },
    );
}

/** What a native program reports as `failed` (native/README.md). */
export interface NativeFailure {
    step: string;
    /** 0: no system call was to blame. */
    errno: number;
    /** Name of the errno, absent when there is none. */
    code?: string;
    message: string;
}

/** How a failing step is to be understood; rows are tried from the top, the first match counts. */
export interface Meaning {
    /** Any step when absent. */
    step?: string;
    /** Only with one of these; any errno when absent. */
    errno?: string[];
    code: ErrorCode;
    field?: string;
    hint?: string;
}

/** What a controller's absence looks like. */
const ABSENT = ["ENOENT", "EOPNOTSUPP", "ENODEV", "ENOSYS"];

const CONTROLLER_HINT =
    "Run without this limit, or let this host have the cgroup controller, mounted and writable.";

const SANDBOX_HINT =
    "Root may not do that here: is this a container or a sandbox itself? Start the backend outside " +
    "of it, or give it all of root's capabilities and system calls.";

/** What a host lacks that no container can do without. */
const HOST_LACKS: Meaning[] = [
    {
        errno: ["ENOSYS"],
        code: ErrorCode.Unsupported,
        hint:
            "This kernel does not have the system call, or a sandbox hides it: Linux 5.19 or later " +
            "is needed, with seccomp and user namespaces.",
    },
    { step: "privilege", errno: ["EPERM"], code: ErrorCode.Unsupported, hint: SANDBOX_HINT },
    { step: "monitor", errno: ["EPERM"], code: ErrorCode.Unsupported, hint: SANDBOX_HINT },
    { step: "overlay", errno: ["EPERM"], code: ErrorCode.Unsupported, hint: SANDBOX_HINT },
    {
        step: "overlay",
        errno: ["ENODEV"],
        code: ErrorCode.Unsupported,
        hint: "The kernel has no overlay file system; load its module: modprobe overlay.",
    },
    {
        step: "overlay",
        errno: ["EOPNOTSUPP"],
        code: ErrorCode.Unsupported,
        hint: "Put the state directory on ext4, xfs, btrfs, or tmpfs of Linux 6.6 or later.",
    },
    {
        step: "seccomp",
        code: ErrorCode.Unsupported,
        hint:
            "The kernel must have CONFIG_SECCOMP_FILTER: no container is run without its filter " +
            "of system calls.",
    },
    {
        step: "cgroup",
        errno: ["ENOENT"],
        code: ErrorCode.Unsupported,
        hint: "Mount them: mount -t cgroup2 none /sys/fs/cgroup.",
    },
    {
        step: "cgroup",
        errno: ["EROFS"],
        code: ErrorCode.Unsupported,
        hint:
            "Remount them: mount -o remount,rw /sys/fs/cgroup. In a container they stay read-only " +
            "unless it is a privileged one.",
    },
    {
        step: "clone",
        errno: ["ENOSPC"],
        code: ErrorCode.Unsupported,
        hint:
            "This computer allows no more namespaces of a kind: raise user.max_user_namespaces " +
            "and its siblings by sysctl(8).",
    },
    {
        step: "clone",
        errno: ["EPERM", "EINVAL"],
        code: ErrorCode.Unsupported,
        hint: "The kernel must have every kind of namespace, and nothing may forbid root to make them.",
    },
    {
        step: "idmapped-mount",
        code: ErrorCode.Unsupported,
        hint: "Choose a root file system on ext4, xfs, btrfs or tmpfs; Linux 5.19 or later is needed.",
    },
];

/** Steps of the limits, each with the parameter that it is about. */
const LIMIT_STEPS = [
    ["limit-memory", "limits.memory"],
    ["limit-cpu", "limits.cpu"],
    ["limit-cpuset", "limits.cpuset"],
    ["limit-pids", "limits.pids"],
    ["limit-io-read", "limits.ioRead"],
    ["limit-io-write", "limits.ioWrite"],
] as const;

/** Exported for the test that every step is one of native/error.h. */
export const MEANINGS: Meaning[] = [
    ...HOST_LACKS,
    { step: "lock", errno: ["EBUSY", "EWOULDBLOCK", "EAGAIN"], code: ErrorCode.Running },
    { step: "identify", errno: ["ESRCH"], code: ErrorCode.NotRunning },
    { step: "join", errno: ["ESRCH"], code: ErrorCode.NotRunning },
    { step: "state", errno: ["ENOENT"], code: ErrorCode.NotFound },
    {
        step: "exec",
        errno: ["ENOENT"],
        code: ErrorCode.NativeFailed,
        field: "command",
        hint: "Is the program installed in this root file system, and in its PATH?",
    },
    {
        step: "exec",
        errno: ["EACCES", "EPERM", "ENOEXEC", "EISDIR", "ENOTDIR", "ELIBBAD"],
        code: ErrorCode.NativeFailed,
        field: "command",
        hint: "Name a program whose file is executable, on a file system mounted without noexec.",
    },
    {
        step: "exec",
        errno: ["EAGAIN"],
        code: ErrorCode.Invalid,
        field: "limits.pids",
        hint: "Allow more processes: init is one, and the command is at least one more.",
    },
    { step: "rootfs", code: ErrorCode.Invalid, field: "rootfs" },
    { step: "user", code: ErrorCode.Invalid, field: "user" },
    { step: "workdir", code: ErrorCode.Invalid, field: "workdir" },
    { step: "hostname", code: ErrorCode.Invalid, field: "hostname" },
    { step: "mount-volume", code: ErrorCode.Invalid, field: "volumes" },
    {
        step: "limit-memory",
        errno: ["EBUSY"],
        code: ErrorCode.Invalid,
        field: "limits.memory",
        hint: "Nothing was changed; free memory in it, stop it first, or allow more.",
    },
    ...LIMIT_STEPS.filter(([step]) => step.startsWith("limit-io")).map(
        ([step, field]): Meaning => ({
            step,
            errno: ["ENODEV"],
            code: ErrorCode.Unsupported,
            field,
            hint: "Run without this limit, or keep it on a file system of a disk, such as ext4 or xfs.",
        }),
    ),
    ...LIMIT_STEPS.flatMap(([step, field]): Meaning[] => [
        { step, errno: ABSENT, code: ErrorCode.Unsupported, field, hint: CONTROLLER_HINT },
        { step, code: ErrorCode.Invalid, field },
    ]),
    { step: "freeze", errno: ["EALREADY"], code: ErrorCode.Paused },
    {
        step: "freeze",
        errno: ABSENT,
        code: ErrorCode.Unsupported,
        hint: "Linux 5.2 with cgroup v2, or a freezer hierarchy of cgroup v1, is needed to pause.",
    },
];

/** A native program's failure with the code and the hint of its step and errno. */
export function nativeError(failure: NativeFailure, trace?: TraceStep[]): McmError {
    const errno = failure.code;
    const meaning = MEANINGS.find(
        (row) =>
            (row.step === undefined || row.step === failure.step) &&
            (row.errno === undefined || (errno !== undefined && row.errno.includes(errno))),
    );
    const hint = meaning?.hint ?? (errno === undefined ? undefined : ERRNO_HINTS[errno]);
    const because = errno === undefined ? "" : ` (${failure.step}: ${errno})`;
    const message = `${failure.message}${because}.${hint === undefined ? "" : ` ${hint}`}`;
    return new McmError(meaning?.code ?? ErrorCode.NativeFailed, message, {
        step: failure.step,
        errno,
        field: meaning?.field,
        hint,
        trace,
    });
}
