/** Commands that a client is connected with, and what it sends them. */
import type * as z from "zod/mini";
import type { Client } from "../client";
import { pausedError } from "../containerErrors";
import type { Deps, RequestContext } from "../deps";
import { attachTo } from "../sessions/attachment";
import { AttachSession } from "../sessions/attach";
import { ExecSession } from "../sessions/exec";
import { signalNumber } from "../sessions/signals";
import type { Session, SessionClient } from "../sessions/streams";
import {
    InputAcknowledgeNotification,
    OutputProgress,
    SessionStartedNotification,
    type AttachParams,
    type ExecParams,
    type SessionEnd,
} from "../protocol";
import type {
    acknowledgeSchema,
    sessionInputEndSchema,
    sessionInputSchema,
    sessionResizeSchema,
    sessionSignalSchema,
} from "../validate";

export async function exec(
    params: ExecParams,
    deps: Deps,
    { client, signal }: RequestContext,
): Promise<SessionEnd> {
    const session = new ExecSession(sessionClient(client, params.token));
    return withStream(client, params.token, session, async () => {
        const { container, process, paused } = await deps.store.findRunning(params.container);
        if (paused) {
            throw pausedError(container);
        }
        const { config } = container;
        const options = {
            id: container.id,
            process,
            terminal: params.terminal,
            workdir: params.workdir ?? config.workdir,
            user: params.user ?? config.user,
            env: { ...config.env, ...params.env },
            command: params.command,
            trace: params.trace,
        };
        return session.run(deps.native, options, signal);
    });
}

export async function attach(
    params: AttachParams,
    deps: Deps,
    { client, signal }: RequestContext,
): Promise<SessionEnd> {
    const session = new AttachSession(sessionClient(client, params.token), params.terminal);
    return withStream(client, params.token, session, () =>
        attachTo(params.container, session, deps, signal),
    );
}

/** Input and the like may come as soon as the request was sent: before anything is looked up. */
async function withStream<Result>(
    client: Client,
    token: string,
    session: Session,
    action: () => Promise<Result>,
): Promise<Result> {
    const remove = client.streams.add(token, session);
    try {
        return await action();
    } finally {
        remove();
    }
}

function sessionClient({ connection }: Client, token: string): SessionClient {
    // What cannot be sent because the connection has just ended is nobody's loss.
    const lost = () => undefined;
    return {
        output: (chunk) => connection.sendProgress(OutputProgress, token, chunk),
        started: (trace) => {
            connection.sendNotification(SessionStartedNotification, { token, trace }).catch(lost);
        },
        inputTaken: (bytes) => {
            connection.sendNotification(InputAcknowledgeNotification, { token, bytes }).catch(lost);
        },
    };
}

type Params<Schema extends z.ZodMiniType> = z.infer<Schema>;

export function input(
    { token, data }: Params<typeof sessionInputSchema>,
    _deps: Deps,
    { streams }: Client,
): void {
    streams.session(token)?.input(Buffer.from(data, "base64"));
}

export function inputEnd(
    { token }: Params<typeof sessionInputEndSchema>,
    _deps: Deps,
    { streams }: Client,
): void {
    streams.session(token)?.endInput();
}

export function resize(
    { token, rows, columns }: Params<typeof sessionResizeSchema>,
    _deps: Deps,
    { streams }: Client,
): void {
    streams.session(token)?.resize({ rows, columns });
}

export function signal(
    { token, signal: name }: Params<typeof sessionSignalSchema>,
    _deps: Deps,
    { streams }: Client,
): void {
    const number = signalNumber(name);
    if (number !== undefined) {
        streams.session(token)?.signal(number);
    }
}

export function acknowledge(
    { token, bytes }: Params<typeof acknowledgeSchema>,
    _deps: Deps,
    { streams }: Client,
): void {
    streams.stream(token)?.acknowledge(bytes);
}
