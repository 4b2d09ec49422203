/** The life of containers: run, start, stop, restart, kill, remove, rename, and what they are. */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cgroupDirectories } from "../cgroup";
import { hostnameOf } from "../config";
import { runningError } from "../containerErrors";
import type { Deps, RequestContext } from "../deps";
import { McmError } from "../errors";
import {
    ErrorCode,
    type ContainerDetails,
    type ContainerRef,
    type ContainerSpec,
    type ContainerStatus,
    type ContainerSummary,
    type KillParams,
    type RemoveParams,
    type RenameParams,
    type RunParams,
    type StartParams,
    type StartResult,
    type StopParams,
    type StopResult,
    type TraceStep,
} from "../protocol";
import { signalNumber } from "../sessions/signals";
import type { Container, HealthyContainer } from "../store";
import { bySummaryOrder, detailsOf, summaryOf } from "../summary";
import { catchUp } from "./limits";

/** Seconds between TERM and KILL when nobody says otherwise. */
const GRACE_SECONDS = 10;

/** A terminal's size until a client that is attached has told its own. */
const FIRST_SIZE = { rows: 24, columns: 80 };

/**
 * How long a monitor that has recorded the end may take to give up its lock on the container, in
 * milliseconds, and how often that is tried.
 */
const UNLOCK_PATIENCE_MS = 3000;
const UNLOCK_RETRY_MS = 15;

/** A new container for the log: no values of variables. */
export function describeSpec(spec: ContainerSpec): string {
    const { env, ...rest } = spec;
    return JSON.stringify({ ...rest, env: env && Object.keys(env) });
}

/** Creates and starts one. When it cannot be started, or nobody wants it any more, none is left. */
export async function run(
    { trace, ...spec }: RunParams,
    deps: Deps,
    { signal }: RequestContext,
): Promise<StartResult> {
    const container = await deps.store.create(spec);
    let launched: Launched;
    try {
        signal.throwIfAborted();
        launched = await launch(container, deps, trace);
    } catch (error) {
        await deps.store.discard(container);
        deps.changes.touch(container.id);
        throw error;
    }
    if (signal.aborted) {
        await remove({ container: container.id, force: true }, deps);
        signal.throwIfAborted();
    }
    return resultOf(launched, deps);
}

/** Starts one that does not run. */
export async function start({ container, trace }: StartParams, deps: Deps): Promise<StartResult> {
    const found = await deps.store.findHealthy(container);
    return resultOf(await whenUnlocked(found, deps, () => launch(found, deps, trace)), deps);
}

async function resultOf({ running, trace }: Launched, deps: Deps): Promise<StartResult> {
    return { ...(await now(running, deps)), trace };
}

/** TERM, the grace, KILL. */
export async function stop(params: StopParams, deps: Deps): Promise<StopResult> {
    const { container, process } = await deps.store.findRunning(
        params.container,
        "There is nothing to stop.",
    );
    const graceMs = Math.round((params.graceSeconds ?? GRACE_SECONDS) * 1000);
    const { forced } = await deps.native.stop(container.id, process, graceMs);
    deps.changes.touch(container.id);
    return { forced };
}

/** Stops one that runs, and starts it. */
export async function restart(params: StopParams, deps: Deps): Promise<ContainerSummary> {
    const found = await deps.store.findHealthy(params.container);
    if (found.state.kind === "running") {
        if (found.config.autoRemove) {
            const hint = "Run a new one instead.";
            throw new McmError(
                ErrorCode.Unsupported,
                `Container ${found.name} is removed as soon as it ends. ${hint}`,
                { hint },
            );
        }
        await stop({ ...params, container: found.id }, deps).catch((error: unknown) => {
            // It has just ended by itself.
            if (!isCode(error, ErrorCode.NotRunning)) {
                throw error;
            }
        });
    }
    return start({ container: found.id }, deps);
}

/** Sends a signal to the command; KILL when none is named. */
export async function kill(params: KillParams, deps: Deps): Promise<void> {
    const { container, process } = await deps.store.findRunning(
        params.container,
        "There is nothing to signal.",
    );
    const number = signalNumber(params.signal ?? "KILL") ?? 0;
    await deps.native.kill(container.id, process, number);
}

const STOP_OR_FORCE = "Stop it first, or force the removal.";

/** Removes one and everything it has written; with `force` also one that runs. */
export async function remove(params: RemoveParams, deps: Deps): Promise<void> {
    const found = await deps.store.find(params.container);
    if (found.state.kind === "running") {
        if (params.force !== true) {
            const stoppable = found.kind === "healthy";
            throw runningError(found, stoppable ? STOP_OR_FORCE : "Force the removal.");
        }
        await deps.native.stop(found.id, found.state.process, 0).catch((error: unknown) => {
            if (!isCode(error, ErrorCode.NotRunning)) {
                throw error;
            }
        });
    }
    await whenUnlocked(found, deps, () => deps.store.remove(found));
    deps.changes.touch(found.id);
}

/** Gives one another name. */
export async function rename(params: RenameParams, deps: Deps): Promise<ContainerSummary> {
    const found = await deps.store.findHealthy(params.container);
    const renamed = await deps.store.rename(found, params.name);
    deps.changes.touch(found.id);
    return summaryOf(renamed);
}

/** All of them. */
export async function list(_params: undefined, deps: Deps): Promise<ContainerSummary[]> {
    const containers = await deps.store.list();
    return containers.map(summaryOf).sort(bySummaryOrder);
}

/** Everything known of one. */
export async function inspect({ container }: ContainerRef, deps: Deps): Promise<ContainerDetails> {
    const found = await deps.store.findHealthy(container);
    return detailsOf(found, await cgroupDirectories(deps.cgroups, found.id));
}

/** The state of one, and what it uses. */
export async function status({ container }: ContainerRef, deps: Deps): Promise<ContainerStatus> {
    const found = await deps.store.find(container);
    const summary = summaryOf(found);
    if (found.state.kind !== "running") {
        return summary;
    }
    return { ...summary, usage: await deps.sampler.usage(found.id) };
}

/** A container that was just started, and how, where that was asked for. */
interface Launched {
    running: HealthyContainer;
    trace?: TraceStep[];
}

/**
 * Starts what the config says, and gives the container as it was when its command ran. The native
 * program decides whether it already runs.
 */
async function launch(
    container: HealthyContainer,
    deps: Deps,
    tracing?: boolean,
): Promise<Launched> {
    const { id, config, paths } = container;
    const rootfs = await deps.rootfs.prepare(config.rootfs);
    // Gone since the last boot, and a client that hears of no changes has not made it either.
    await mkdir(path.dirname(paths.run), { recursive: true, mode: 0o700 });
    const { process, warnings, trace } = await deps.native.start({
        id,
        stateDirectory: paths.state,
        runDirectory: paths.run,
        rootfs: rootfs.directory,
        idBase: config.idBase,
        hostname: hostnameOf(config),
        limits: config.limits,
        workdir: config.workdir,
        user: config.user,
        mounts: [...rootfs.mounts, ...config.volumes],
        interactive: config.interactive,
        terminal: config.tty ? FIRST_SIZE : undefined,
        autoRemove: config.autoRemove,
        trace: tracing,
        env: config.env,
        command: config.command,
    });
    deps.changes.touch(id);
    await deps.store.noteWarnings(container, warnings).catch((error: unknown) => {
        // It has ended and removed itself since.
        if (!isCode(error, ErrorCode.NotFound)) {
            throw error;
        }
    });
    await catchUp(container, deps);
    return { running: { ...container, state: { kind: "running", process, paused: false } }, trace };
}

/**
 * Does what needs the lock on a container. Somebody else's lock means that it runs or is being
 * started, which is the error then; or that it has ended and its monitor is about to go, which is
 * waited out.
 */
async function whenUnlocked<Result>(
    container: Container,
    deps: Deps,
    action: () => Promise<Result>,
): Promise<Result> {
    const deadline = Date.now() + UNLOCK_PATIENCE_MS;
    for (;;) {
        try {
            return await action();
        } catch (error) {
            if (!isCode(error, ErrorCode.Running)) {
                throw error;
            }
        }
        const current = await deps.store.get(container.id);
        if (current?.state.kind === "running" || Date.now() > deadline) {
            throw runningError(current ?? container, "Stop it first.");
        }
        await sleep(UNLOCK_RETRY_MS);
    }
}

/** What a container is after something was done to it; as it was then when it is already gone. */
async function now(container: HealthyContainer, deps: Deps): Promise<ContainerSummary> {
    return summaryOf((await deps.store.get(container.id)) ?? container);
}

function isCode(error: unknown, code: ErrorCode): boolean {
    return error instanceof McmError && error.code === code;
}
