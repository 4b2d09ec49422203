/** Where everything is on disk. */
import path from "node:path";
import type { ContainerId } from "./protocol";
import { McmError } from "./errors";
import { ErrorCode } from "./protocol";
import { runDirectory, RUN_DIRECTORY_VARIABLE } from "./launch";

/** Persistent state. */
export const STATE_DIRECTORY = "/var/lib/my-container-manager";

/** Root's override of {@link STATE_DIRECTORY}, for tests. */
export const STATE_DIRECTORY_VARIABLE = "MCM_STATE_DIR";

/** Prefix of a container directory that is on its way out (native/README.md). */
export const REMOVING_PREFIX = ".removing-";

/** Prefix of a container directory until its config.json is in it. */
export const CREATING_PREFIX = ".creating-";

/** Files of one container. Those below `state` outlive a reboot, those below `run` do not. */
export interface ContainerPaths {
    state: string;
    config: string;
    exit: string;
    /** Is there from the start to the recorded end. */
    exitPartial: string;
    upper: string;
    log: string;
    run: string;
    /** Of the running container: its processes. */
    stateFile: string;
    attachSocket: string;
}

/** The roots, and what lies where below them. */
export class Paths {
    constructor(
        /** {@link STATE_DIRECTORY} or a test's own. */
        readonly stateDirectory: string,
        /** {@link RUN_DIRECTORY} or a test's own. */
        readonly runDirectory: string,
        /** Where `container_executor` and `ns_enter` are. */
        readonly nativeDirectory: string,
    ) {}

    get containers(): string {
        return path.join(this.stateDirectory, "containers");
    }

    get runContainers(): string {
        return path.join(this.runDirectory, "containers");
    }

    /** What is taken: names, ranges of ids (claims.ts). */
    get claims(): string {
        return path.join(this.stateDirectory, "claims");
    }

    /** Imported root file systems, a directory for each. */
    get rootfs(): string {
        return path.join(this.stateDirectory, "rootfs");
    }

    container(id: ContainerId): ContainerPaths {
        const state = path.join(this.containers, id);
        const run = path.join(this.runContainers, id);
        return {
            state,
            config: path.join(state, "config.json"),
            exit: path.join(state, "exit.json"),
            exitPartial: path.join(state, "exit.json.partial"),
            upper: path.join(state, "upper"),
            log: path.join(state, "log"),
            run,
            stateFile: path.join(run, "state.json"),
            attachSocket: path.join(run, "attach.sock"),
        };
    }
}

/**
 * The paths that the environment asks for: the fixed ones unless a root process has overrides set.
 * Throws Invalid when an override is not an absolute path.
 */
export function pathsFromEnvironment(
    nativeDirectory: string,
    environment: NodeJS.ProcessEnv = process.env,
): Paths {
    const override = process.getuid?.() === 0 ? environment[STATE_DIRECTORY_VARIABLE] : undefined;
    const state = override ?? STATE_DIRECTORY;
    const run = runDirectory(environment);
    for (const [variable, value] of [
        [STATE_DIRECTORY_VARIABLE, state],
        [RUN_DIRECTORY_VARIABLE, run],
    ] as const) {
        if (!path.isAbsolute(value)) {
            throw new McmError(
                ErrorCode.Invalid,
                `${variable} is "${value}"; it must be an absolute path.`,
            );
        }
    }
    return new Paths(state, run, nativeDirectory);
}
