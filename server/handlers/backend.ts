/** Requests about the backend itself. */
import { release } from "node:os";
import type { Deps } from "../deps";
import { PROTOCOL_VERSION, type BackendInfo } from "../protocol";

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

/** Ends the backend for all its clients, after this reply; containers run on. */
export function shutdown(_params: undefined, { backend }: Deps): void {
    backend.shutdown();
}
