/**
 * Every request and notification that a client may send: its type, the schema of its parameters and
 * its handler. What is not here does not exist; server.ts connects the rows.
 */
import type { NotificationType, RequestType, RequestType0 } from "vscode-jsonrpc";
import type * as z from "zod/mini";
import type { Client } from "./client";
import type { Deps, RequestContext } from "./deps";
import * as backend from "./handlers/backend";
import * as changes from "./handlers/changes";
import * as containers from "./handlers/containers";
import * as limits from "./handlers/limits";
import * as logs from "./handlers/logs";
import * as pauses from "./handlers/pause";
import * as rootfs from "./handlers/rootfs";
import * as sessions from "./handlers/sessions";
import * as stats from "./handlers/stats";
import * as protocol from "./protocol";
import type { ErrorData } from "./protocol";
import * as schemas from "./validate";

/** A row for a request, its types forgotten but checked when the row was made. */
export interface RequestRow {
    method: string;
    schema: z.ZodMiniType;
    handle: (params: never, deps: Deps, context: RequestContext) => unknown;
    /** What it is about, for the log, which must not see values of variables; absent for a request
     * that only looks. */
    audit?: (params: never) => string;
}

/** A row for a notification. */
export interface NotificationRow {
    method: string;
    schema: z.ZodMiniType;
    handle: (params: never, deps: Deps, client: Client) => void;
}

function request<Params, Result>(
    type: RequestType<Params, Result, ErrorData>,
    schema: z.ZodMiniType<Params>,
    handle: (params: Params, deps: Deps, context: RequestContext) => Promise<Result> | Result,
    audit?: (params: Params) => string,
): RequestRow {
    return { method: type.method, schema, handle, audit };
}

/** One without parameters. */
function request0<Result>(
    type: RequestType0<Result, ErrorData>,
    handle: (params: undefined, deps: Deps, context: RequestContext) => Promise<Result> | Result,
    audit?: () => string,
): RequestRow {
    return { method: type.method, schema: schemas.nothingSchema, handle, audit };
}

function notification<Params>(
    type: NotificationType<Params>,
    schema: z.ZodMiniType<Params>,
    handle: (params: Params, deps: Deps, client: Client) => void,
): NotificationRow {
    return { method: type.method, schema, handle };
}

const ofContainer = (params: { container: string }) => params.container;

export const requests: readonly RequestRow[] = [
    request(protocol.RunRequest, schemas.runSchema, containers.run, containers.describeSpec),
    request(protocol.StartRequest, schemas.startSchema, containers.start, ofContainer),
    request(protocol.StopRequest, schemas.stopSchema, containers.stop, ofContainer),
    request(protocol.RestartRequest, schemas.stopSchema, containers.restart, ofContainer),
    request(
        protocol.KillRequest,
        schemas.killSchema,
        containers.kill,
        (params) => `${params.container} ${params.signal ?? "KILL"}`,
    ),
    request(
        protocol.UpdateRequest,
        schemas.updateSchema,
        limits.update,
        (params) => `${params.container} ${JSON.stringify(params.limits)}`,
    ),
    request(protocol.PauseRequest, schemas.containerRefSchema, pauses.pause, ofContainer),
    request(protocol.ResumeRequest, schemas.containerRefSchema, pauses.resume, ofContainer),
    request(protocol.RemoveRequest, schemas.removeSchema, containers.remove, ofContainer),
    request(
        protocol.RenameRequest,
        schemas.renameSchema,
        containers.rename,
        (params) => `${params.container} ${params.name}`,
    ),
    request0(protocol.ListRequest, containers.list),
    request(protocol.InspectRequest, schemas.containerRefSchema, containers.inspect),
    request(protocol.StatusRequest, schemas.containerRefSchema, containers.status),
    request(protocol.StatsSubscribeRequest, schemas.statsSubscribeSchema, stats.subscribe),
    request0(protocol.StatsUnsubscribeRequest, stats.unsubscribe),
    request(protocol.ChangesRequest, schemas.containerRefSchema, changes.changes),
    request(protocol.LogsRequest, schemas.logsSchema, logs.logs),
    request(
        protocol.ExecRequest,
        schemas.execSchema,
        sessions.exec,
        (params) => `${params.container} ${params.command[0] ?? ""}`,
    ),
    request(protocol.AttachRequest, schemas.attachSchema, sessions.attach, ofContainer),
    request0(protocol.RootfsListRequest, rootfs.list),
    request(
        protocol.RootfsImportRequest,
        schemas.rootfsImportSchema,
        rootfs.importRootfs,
        (params) => `${params.name} ${params.source}`,
    ),
    request(
        protocol.RootfsRemoveRequest,
        schemas.rootfsRemoveSchema,
        rootfs.remove,
        (params) => params.name,
    ),
    request0(protocol.BackendInfoRequest, backend.info),
    request(protocol.DoctorRequest, schemas.doctorSchema, backend.doctor),
    request0(protocol.BackendShutdownRequest, backend.shutdown, () => ""),
];

export const notifications: readonly NotificationRow[] = [
    notification(protocol.SessionInputNotification, schemas.sessionInputSchema, sessions.input),
    notification(
        protocol.SessionInputEndNotification,
        schemas.sessionInputEndSchema,
        sessions.inputEnd,
    ),
    notification(protocol.SessionResizeNotification, schemas.sessionResizeSchema, sessions.resize),
    notification(protocol.SessionSignalNotification, schemas.sessionSignalSchema, sessions.signal),
    notification(protocol.AcknowledgeNotification, schemas.acknowledgeSchema, sessions.acknowledge),
];
