/** The rung of the ladder that asks through polkit, by sudo-prompt. */
import * as sudoPrompt from "sudo-prompt";
import { quoteForPrompt } from "./quoting";
import type { Result } from "./ladder";
import { reasonOf } from "./start";

/** Shown by polkit's agents; letters, digits and spaces only. */
const NAME = "My Container Manager";

/** Exit status of pkexec(1) when the user closed the dialog. */
const DISMISSED = 126;

/** Runs the command that starts a backend as root. Resolves when it is done; never rejects. */
export function startThroughPrompt(argv: readonly string[]): Promise<Result> {
    let command: string;
    try {
        command = quoteForPrompt(argv);
    } catch (error) {
        return Promise.resolve({ kind: "failed", reason: (error as Error).message });
    }
    return new Promise((resolve) => {
        sudoPrompt.exec(command, { name: NAME }, (error, stdout, stderr) => {
            resolve(interpretPrompt(error, String(stdout ?? ""), String(stderr ?? "")));
        });
    });
}

/**
 * What sudo-prompt's callback means. It tells "not allowed" from "allowed, but the command failed"
 * by replacing the error's message in the first case.
 */
export function interpretPrompt(
    error: (Error & { code?: unknown }) | undefined | null,
    stdout: string,
    stderr: string,
): Result {
    if (!error) {
        return { kind: "started" };
    }
    switch (error.message) {
        case "No polkit authentication agent found.":
        case "Unable to find pkexec or kdesudo.":
            return { kind: "noAgent" };
        case "User did not grant permission.":
            return error.code === DISMISSED
                ? { kind: "dismissed" }
                : { kind: "denied", reason: stderr.trim() || error.message };
        default:
            return { kind: "failed", reason: reasonOf(stdout, stderr, error.message) };
    }
}
