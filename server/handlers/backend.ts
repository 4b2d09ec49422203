/** Requests about the backend itself. */
import { release } from "node:os";
import type { Deps, RequestContext } from "../deps";
import {
    PROTOCOL_VERSION,
    type BackendInfo,
    type DoctorParams,
    type DoctorReport,
} from "../protocol";
import { diskUsage } from "../rootfs/copy";

/** How long the files of the state directory may be counted, in milliseconds. */
const COUNTING_MS = 3000;

/** What it is, where it keeps things, and what this host offers. */
export function info(_params: undefined, { backend, paths, cgroups, log }: Deps): BackendInfo {
    return {
        protocolVersion: PROTOCOL_VERSION,
        version: backend.version,
        pid: process.pid,
        servesUid: backend.servesUid,
        startedAt: backend.startedAt,
        clients: backend.clients(),
        kernel: release(),
        cgroups: cgroups.mode,
        controllers: cgroups.controllers,
        stateDirectory: paths.stateDirectory,
        runDirectory: paths.runDirectory,
        log: log.file ?? "",
    };
}

/** What containers need of this computer, tried; and what there is of ours. */
export async function doctor(
    { rootfs }: DoctorParams,
    deps: Deps,
    { signal }: RequestContext,
): Promise<DoctorReport> {
    const { native, paths, store } = deps;
    const examined = rootfs && (await deps.rootfs.prepare(rootfs)).directory;
    const patience = AbortSignal.any([signal, AbortSignal.timeout(COUNTING_MS)]);
    const [findings, containers, stateSize] = await Promise.all([
        native.examine(paths.stateDirectory, examined),
        store.list(),
        // Not there yet, or too much to count: a figure less, and no failure.
        diskUsage(paths.stateDirectory, patience).catch(() => undefined),
    ]);
    const running = containers.filter(({ state }) => state.kind === "running").length;
    const ours = { containers: containers.length, running, stateSize };
    return { findings, backend: { ...info(undefined, deps), ...ours } };
}

/** Ends the backend for all its clients, after this reply; containers run on. */
export function shutdown(_params: undefined, { backend }: Deps): void {
    backend.shutdown();
}
