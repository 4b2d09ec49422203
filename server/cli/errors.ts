/** How this program fails: one sentence on stderr, an exit code, no stack trace. */
import type { ErrorData, TraceStep } from "../protocol";
import { printable } from "./text";

/** Exit codes of our own; otherwise a command's own code, or 128+n for signal n. */
export const EXIT = {
    ok: 0,
    /** `mcm doctor` found what prevents containers. */
    prevented: 1,
    /** What was asked for could not be done. */
    failed: 125,
    /** The command is there, but cannot be executed. */
    notExecutable: 126,
    /** The command was not found. */
    notFound: 127,
} as const;

/** Ends the program with `message` and `exitCode`. */
export class CliError extends Error {
    constructor(
        message: string,
        readonly exitCode: number = EXIT.failed,
    ) {
        super(message);
        this.name = "CliError";
    }
}

/** There is no backend for this user, and only root needs none. */
export class NoBackendError extends CliError {}

/** What the backend refused, as vscode-jsonrpc hands it over. */
interface RequestError extends Error {
    code: number;
    data?: ErrorData;
}

function isRequestError(error: unknown): error is RequestError {
    return error instanceof Error && "code" in error && typeof error.code === "number";
}

/** The steps before a failure, where they were asked for. */
export function traceOf(error: unknown): TraceStep[] | undefined {
    return isRequestError(error) ? error.data?.trace : undefined;
}

/** Of the protocol's codes the only one that is told apart here: loading them all takes its time. */
export const UNSUPPORTED = 7;

/** Words for whatever was thrown, one line, without control characters. */
export function describeError(error: unknown): string {
    if (!(error instanceof Error)) {
        return printable(String(error));
    }
    if (!isRequestError(error)) {
        return printable(error.message);
    }
    const field = error.data?.field;
    const message = field === undefined ? error.message : withOption(error.message, field);
    const lacksSomething = error.code === UNSUPPORTED && error.data?.step !== undefined;
    const more = lacksSomething ? " See also: mcm doctor" : "";
    return printable(message + more);
}

/** Options that a parameter of the protocol comes from, where the two have different names. */
const OPTIONS: Record<string, string> = {
    volumes: "volume",
    graceSeconds: "time",
    ioRead: "io-read",
    ioWrite: "io-write",
};

/** Parameters that come from an argument: they have no option. */
const ARGUMENTS = ["container", "command", "name", "source"];

/** A message about a parameter, "limits.memory: …", with the option that was typed instead. */
function withOption(message: string, field: string): string {
    const [parameter = ""] = field.replace(/^limits\./, "").split(".");
    if (!message.startsWith(`${field}:`) || ARGUMENTS.includes(parameter)) {
        return message;
    }
    return `--${OPTIONS[parameter] ?? parameter}${message.slice(field.length)}`;
}

/** Everything that is known of an error, for MCM_DEBUG. */
export async function debugDetails(error: unknown): Promise<string> {
    // Loaded only for this: the protocol brings the JSON-RPC library along.
    const { ErrorCode } = await import("../protocol");
    const data = isRequestError(error)
        ? `\ncode ${error.code} (${ErrorCode[error.code] ?? "JSON-RPC"}), data ${JSON.stringify(error.data)}`
        : "";
    return error instanceof Error ? `${error.stack ?? error.message}${data}` : String(error);
}

/** Which code the program ends with after `error`. */
export function exitCodeOf(error: unknown): number {
    if (error instanceof CliError) {
        return error.exitCode;
    }
    if (isRequestError(error) && error.data?.step === "exec") {
        return error.data.errno === "ENOENT" ? EXIT.notFound : EXIT.notExecutable;
    }
    return EXIT.failed;
}
