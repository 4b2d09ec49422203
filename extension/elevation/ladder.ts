/**
 * The ladder to a running backend as a state machine without side effects: from a step and its
 * result to the next step. Backend does the steps.
 */
import * as l10n from "@vscode/l10n";

/** What to do now. */
export type Step =
    /** See whether one answers already. */
    | { kind: "connect" }
    /** The one that answers is of another version: end it, to make room. Containers run on. */
    | { kind: "replace" }
    /** We are root: start it. */
    | { kind: "direct" }
    /** Take the right to ask for a password; one window at a time has it. */
    | { kind: "lock" }
    /** Another window is asking: wait until it is done. */
    | { kind: "waitForOther" }
    /** Ask through polkit's dialog. */
    | { kind: "prompt" }
    /** Ask through sudo in a terminal that the user sees. */
    | { kind: "terminal" }
    /** It says that it runs: connect to it. */
    | { kind: "connectToStarted" }
    | { kind: "end"; outcome: Outcome };

/** How the climb ended. */
export type Outcome =
    | { kind: "running" }
    /** The user does not want to; nothing more is said. */
    | { kind: "dismissed" }
    /** The user may not; why, in words. */
    | { kind: "denied"; reason: string }
    /** It could not start; why, in words. */
    | { kind: "failed"; reason: string };

/** What came of a step. */
export type Result =
    /** A backend answered. */
    | { kind: "connected" }
    /** None listens, or none any more. */
    | { kind: "absent" }
    /** One listens, but it is of another version; in words. */
    | { kind: "outdated"; reason: string }
    /** The command that starts one said that it is ready. */
    | { kind: "started" }
    | { kind: "locked" }
    /** Another window has the lock. */
    | { kind: "busy" }
    /** The other window is done, without a backend. */
    | { kind: "released" }
    /** No polkit, or nobody to show its dialog. */
    | { kind: "noAgent" }
    | Exclude<Outcome, { kind: "running" }>;

export const firstStep: Step = { kind: "connect" };

/**
 * @param uid of the user who wants the backend
 */
export function nextStep(step: Step, result: Result, uid: number): Step {
    switch (result.kind) {
        case "connected":
            return { kind: "end", outcome: { kind: "running" } };
        case "started":
            return { kind: "connectToStarted" };
        case "locked":
            return { kind: "prompt" };
        case "busy":
            return { kind: "waitForOther" };
        case "released":
            // Its user was asked and did not want to; asking again here would be nagging.
            return { kind: "end", outcome: { kind: "dismissed" } };
        case "noAgent":
            return { kind: "terminal" };
        case "absent":
            return afterAbsent(step, uid);
        case "outdated":
            // The one that was just started is not replaced: that could go on for ever.
            return step.kind === "connect"
                ? { kind: "replace" }
                : { kind: "end", outcome: { kind: "failed", reason: result.reason } };
        case "dismissed":
        case "denied":
        case "failed":
            return { kind: "end", outcome: result };
    }
}

function afterAbsent(step: Step, uid: number): Step {
    if (step.kind === "connect" || step.kind === "replace") {
        return uid === 0 ? { kind: "direct" } : { kind: "lock" };
    }
    const reason = l10n.t("The backend said that it is ready, but it does not answer.");
    return { kind: "end", outcome: { kind: "failed", reason } };
}
