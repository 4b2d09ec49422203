/** What can be wrong with the container that a request is about. */
import { McmError } from "./errors";
import { ErrorCode, type ContainerId } from "./protocol";
import type { LiveState } from "./state";

/** The error of a reference that means no container. */
export function notFound(reference: string): McmError {
    const hint = "Use the id or the name of one that the list shows.";
    return new McmError(ErrorCode.NotFound, `There is no container "${reference}". ${hint}`, {
        field: "container",
        hint,
    });
}

/** The error of a verb for a container that can only be removed. */
export function brokenError(container: { name: string }, reason: string): McmError {
    const hint = "It can only be removed.";
    return new McmError(
        ErrorCode.Broken,
        `The files of container ${container.name} are damaged: ${reason}. ${hint}`,
        { hint },
    );
}

/** The error of a verb that needs a running container. */
export function notRunning(container: { name: string }, hint = "Start it first."): McmError {
    return new McmError(
        ErrorCode.NotRunning,
        `Container ${container.name} is not running. ${hint}`,
        { hint },
    );
}

/** The error of a verb that needs a container whose processes go on. */
export function pausedError(container: { name: string }, hint = "Resume it first."): McmError {
    return new McmError(ErrorCode.Paused, `Container ${container.name} is paused. ${hint}`, {
        hint,
    });
}

/** The error of resuming a container that is not paused. */
export function notPaused(container: { name: string }): McmError {
    const hint = "There is nothing to resume.";
    return new McmError(ErrorCode.Running, `Container ${container.name} is not paused. ${hint}`, {
        hint,
    });
}

/** The error of a verb that needs a container that neither runs nor is paused. */
export function runningError(
    container: { name: string; state: LiveState },
    hint: string,
): McmError {
    const { name, state } = container;
    const doing = state.kind === "running" && state.paused ? "paused" : "running";
    return new McmError(ErrorCode.Running, `Container ${name} is ${doing}. ${hint}`, { hint });
}

/** The error of a reference that begins several ids. */
export function ambiguous(
    reference: string,
    candidates: { id: ContainerId; name: string }[],
): McmError {
    const names = candidates.map(({ id, name }) => `${id} (${name})`).join(", ");
    const hint = "Give more of the id, or the name.";
    return new McmError(
        ErrorCode.Invalid,
        `"${reference}" is the beginning of ${candidates.length} ids: ${names}. ${hint}`,
        { field: "container", hint },
    );
}
