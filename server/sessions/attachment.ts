/** Finds what to connect an attaching client with: the monitor, or what is left of a container. */
import { open, type FileHandle } from "node:fs/promises";
import type { Deps } from "../deps";
import { McmError } from "../errors";
import { unless } from "../files";
import { presentEntries } from "../follow";
import { LogCursor } from "../logs";
import type { ContainerPaths } from "../paths";
import { ErrorCode, type ExitRecord, type SessionEnd } from "../protocol";
import { notRunning } from "../containerErrors";
import type { HealthyContainer } from "../store";
import { parseExit } from "../state";
import type { ContainerProcess } from "../status";
import { dismissMonitor, type AttachSession } from "./attach";

type State = HealthyContainer["state"];

/**
 * Connects the session with the container's command until that ends. A container that has ended by
 * then is given as it was: its output from the log, and how it ended. Throws NotRunning for one that
 * was never started, and the reason of `signal` when that aborts, which only detaches.
 */
export async function attachTo(
    reference: string,
    session: AttachSession,
    deps: Deps,
    signal: AbortSignal,
): Promise<SessionEnd> {
    const container = await deps.store.findHealthy(reference);
    const { name, paths, state } = container;
    if (state.kind === "created") {
        throw notRunning(container);
    }
    if (state.kind === "running") {
        const end = await attachToMonitor(container, state.process, session, deps, signal);
        if (end !== undefined) {
            return endOf(end, name);
        }
    }
    const ended = await stateOf(container, deps);
    await replayLog(paths.log, ended.kind === "exited" ? ended.exit : undefined, session, signal);
    if (container.config.autoRemove) {
        await dismissMonitor(paths.attachSocket);
    }
    return endOf(ended, name);
}

/** Relays until the monitor is done; undefined when it has gone before. */
async function attachToMonitor(
    container: HealthyContainer,
    process: ContainerProcess,
    session: AttachSession,
    deps: Deps,
    signal: AbortSignal,
): Promise<State | undefined> {
    const { id, name, paths } = container;
    session.onSignal((number) => {
        deps.native.kill(id, process, number).catch((error: unknown) => {
            deps.log.warn(`Signalling ${name}: ${String(error)}`);
        });
    });
    const record = await openRecord(paths);
    try {
        if (!(await session.run(paths.attachSocket, signal))) {
            return undefined;
        }
        const exit = record && parseExit(await record.readFile("utf8"));
        return exit ? { kind: "exited", exit } : await stateOf(container, deps);
    } finally {
        await record?.close();
    }
}

/**
 * The file that will say how a running container ended: the monitor fills the partial one and renames
 * it. Open, it can be read also when the container is removed with its end.
 */
async function openRecord({ exit, exitPartial }: ContainerPaths): Promise<FileHandle | undefined> {
    const absent = unless("ENOENT");
    // It may have ended since it was seen running.
    return (await open(exitPartial).catch(absent)) ?? (await open(exit).catch(absent));
}

/** The state now; one that was removed with its end is lost. */
async function stateOf(container: HealthyContainer, { store }: Deps): Promise<State> {
    return (await store.get(container.id))?.state ?? { kind: "lost" };
}

function endOf(state: State, name: string): SessionEnd {
    if (state.kind === "running") {
        const hint = "Attach again, or see its log.";
        throw new McmError(
            ErrorCode.NativeFailed,
            `The monitor of container ${name} closed the connection: this client took no output ` +
                `for 10 seconds. ${hint}`,
            { hint },
        );
    }
    const { exitCode = null, signal = null } = state.kind === "exited" ? state.exit : {};
    return { exitCode, signal, containerEnded: true };
}

/** Sends the output of the last run from the log. */
async function replayLog(
    log: string,
    exit: ExitRecord | undefined,
    session: AttachSession,
    signal: AbortSignal,
): Promise<void> {
    session.begin();
    const drop = () => session.drop();
    signal.addEventListener("abort", drop, { once: true });
    const cursor = await LogCursor.open(log);
    try {
        for await (const entries of presentEntries(cursor, signal)) {
            for (const { time, stream, partial, data } of entries) {
                if (exit === undefined || time >= exit.startedAt) {
                    session.replay(stream, partial ? data : Buffer.concat([data, NEWLINE]));
                }
            }
            await session.flushed();
        }
        signal.throwIfAborted();
    } finally {
        signal.removeEventListener("abort", drop);
        await cursor.close();
    }
}

const NEWLINE = Buffer.from("\n");
