/** Containers to look at, for the tests of what the extension shows. */
import type { ContainerState, ContainerSummary, ExitRecord, Usage } from "../../server/protocol";

export const MIB = 1024 ** 2;

/** When the examples were started; a moment like any other. */
export const STARTED = "2026-03-01T12:00:00.000Z";

export const running: ContainerState = { kind: "running", pid: 4711, startedAt: STARTED };

export const paused: ContainerState = { kind: "paused", pid: 4711, startedAt: STARTED };

/** The end of a container that did not go wrong, except for what is given. */
export function exited(exit: Partial<ExitRecord> = {}): ContainerState {
    return {
        kind: "exited",
        exit: {
            exitCode: 0,
            signal: null,
            oomKilled: false,
            startedAt: STARTED,
            finishedAt: "2026-03-01T12:05:00.000Z",
            ...exit,
        },
    };
}

/** A running container "web" with /bin/sh, except for what is given. */
export function container(changes: Partial<ContainerSummary> = {}): ContainerSummary {
    return {
        id: "0123456789ab",
        name: "web",
        rootfs: { kind: "host" },
        command: ["/bin/sh"],
        limits: {},
        createdAt: STARTED,
        tty: false,
        interactive: false,
        state: running,
        ...changes,
    };
}

export function usage(changes: Partial<Usage> = {}): Usage {
    return { time: Date.parse(STARTED), cpu: 0.123, memory: 45.1 * MIB, pids: 3, ...changes };
}
