/** Which containers have processes. Knows nothing of VS Code. */
import type { ContainerState } from "../server/protocol";

/** The states of a container that has processes: a paused one has them as well. */
export type LiveState = Extract<ContainerState, { pid: number }>;

/** Whether there is anything in it that could be stopped. */
export function isLive(state: ContainerState): state is LiveState {
    return state.kind === "running" || state.kind === "paused";
}
