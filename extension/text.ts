/** Errors into words and next steps: the one place where the extension decides what is said. */
import * as l10n from "@vscode/l10n";
import { ErrorCode, type ErrorData } from "../server/protocol";

/** A command offered beside an error. */
export interface NextStep {
    title: string;
    /** Of the extension. */
    command: string;
    /** Whether it is for the container that the error is about. */
    ofContainer: boolean;
}

/** What to tell a person. */
export interface Trouble {
    message: string;
    next: NextStep[];
}

/** Codes of JSON-RPC and LSP that mean that somebody gave up waiting. */
const CANCELLED = new Set([-32800, -32802]);

function field(error: unknown, name: string): unknown {
    return typeof error === "object" && error !== null
        ? (error as Record<string, unknown>)[name]
        : undefined;
}

/** Whether somebody cancelled: nothing needs to be said then. */
export function isCancellation(error: unknown): boolean {
    const code = field(error, "code");
    return field(error, "name") === "Canceled" || (typeof code === "number" && CANCELLED.has(code));
}

/** Whether there is no backend to ask. */
export function isUnavailable(error: unknown): boolean {
    return field(error, "name") === "BackendUnavailable";
}

const startBackend = (): NextStep => ({
    title: l10n.t("Start Backend"),
    command: "myContainerManager.startBackend",
    ofContainer: false,
});
const showOutput = (): NextStep => ({
    title: l10n.t("Show Output"),
    command: "myContainerManager.showOutput",
    ofContainer: false,
});

const checkComputer = (): NextStep => ({
    title: l10n.t("Check This Computer"),
    command: "myContainerManager.checkComputer",
    ofContainer: false,
});

function ofContainer(title: string, command: string): NextStep {
    return { title, command: `myContainerManager.${command}`, ofContainer: true };
}

function isOurs(code: unknown): code is ErrorCode {
    return typeof code === "number" && ErrorCode[code] !== undefined;
}

function nextSteps(code: ErrorCode): NextStep[] {
    switch (code) {
        case ErrorCode.NotRunning:
            return [ofContainer(l10n.t("Start"), "start")];
        case ErrorCode.Running:
            return [ofContainer(l10n.t("Stop"), "stop")];
        case ErrorCode.Paused:
            return [ofContainer(l10n.t("Resume"), "resume")];
        case ErrorCode.Broken:
            return [ofContainer(l10n.t("Remove…"), "remove")];
        case ErrorCode.NativeFailed:
            return [ofContainer(l10n.t("Show Logs"), "showLogs"), showOutput()];
        case ErrorCode.Denied:
            return [showOutput()];
        case ErrorCode.Unsupported:
            return [checkComputer(), showOutput()];
        case ErrorCode.NotFound:
        case ErrorCode.AlreadyExists:
        case ErrorCode.Invalid:
            return [];
    }
}

/** One sentence after another, each with its full stop. */
function sentences(...parts: (string | undefined)[]): string {
    return parts
        .map((part) => part?.trim() ?? "")
        .filter((part) => part !== "")
        .map((part) => (/[.!?…]$/.test(part) ? part : `${part}.`))
        .join(" ");
}

/**
 * What to tell a person about an error, or undefined when there is nothing to tell: somebody
 * cancelled.
 */
export function explain(error: unknown): Trouble | undefined {
    if (isCancellation(error)) {
        return undefined;
    }
    const message = error instanceof Error ? error.message : String(error);
    if (isUnavailable(error)) {
        return { message: sentences(message), next: [startBackend()] };
    }
    const code = field(error, "code");
    if (isOurs(code)) {
        const hint = (field(error, "data") as ErrorData | undefined)?.hint;
        // Some messages end with their hint already.
        const said = hint !== undefined && message.includes(hint) ? undefined : hint;
        return { message: sentences(message, said), next: nextSteps(code) };
    }
    return {
        message: sentences(l10n.t("Something went wrong: {0}", message)),
        next: [showOutput()],
    };
}
