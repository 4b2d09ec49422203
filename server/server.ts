/** Serves one client: connects the rows of table.ts with its connection, until it goes. */
import { setMaxListeners } from "node:events";
import { LSPErrorCodes, ResponseError, type CancellationToken } from "vscode-languageserver";
import type { Client } from "./client";
import type { Deps } from "./deps";
import { McmError, errnoOf, systemError } from "./errors";
import {
    BackendLogNotification,
    BackendShutdownRequest,
    DidChangeNotification,
    ErrorCode,
    PROTOCOL_VERSION,
    type ClientHello,
    type ServerHello,
} from "./protocol";
import { Streams } from "./sessions/streams";
import { notifications, requests, type NotificationRow, type RequestRow } from "./table";
import type { ClientLink } from "./transport";
import { clientHelloSchema, validate } from "./validate";

let connections = 0;

/** A client that is served. */
export interface Served {
    readonly client: Client;
    /** Resolves when no request of it is under way; when it has gone they come to their end. */
    settled(): Promise<void>;
}

/** Serves the client at the other end of `link`. Its requests are answered after `initialize`. */
export function startServer(link: ClientLink, deps: Deps): Served {
    const { connection } = link;
    const gone = new AbortController();
    // Every request under way listens on it.
    setMaxListeners(0, gone.signal);
    const client = {
        number: ++connections,
        name: "",
        connection,
        streams: new Streams(),
        gone: gone.signal,
        initialized: false,
    };

    const pending = new Set<Promise<unknown>>();

    connection.onInitialize((params) => {
        const hello = greet(params.initializationOptions);
        client.name = hello.client;
        client.initialized = true;
        deps.log.info(`${nameOf(client)} connected`);
        return { capabilities: { experimental: serverHello(deps) } };
    });
    connection.onInitialized(() => push(client, deps));
    for (const row of requests) {
        connection.onRequest(row.method, (...args: unknown[]) => {
            const token = args.pop() as CancellationToken;
            const response = answer(row, args[0], client, deps, token);
            pending.add(response);
            void response.finally(() => pending.delete(response));
            return response;
        });
    }
    for (const row of notifications) {
        connection.onNotification(row.method, (params: unknown) => {
            hear(row, params, client, deps);
        });
    }
    link.onClose(() => {
        gone.abort(new Error("The client has gone."));
        if (client.initialized) {
            deps.log.info(`${nameOf(client)} disconnected`);
        }
    });
    connection.listen();
    return {
        client,
        async settled() {
            await Promise.all(pending);
        },
    };
}

interface GreetedClient extends Client {
    initialized: boolean;
}

function nameOf(client: Client): string {
    return `${client.name || "client"}#${client.number}`;
}

function serverHello(deps: Deps): ServerHello {
    const { version } = deps.backend;
    return { protocolVersion: PROTOCOL_VERSION, version, pid: process.pid };
}

/** The client's hello. Throws an error response when the two would not understand each other. */
function greet(options: unknown): ClientHello {
    try {
        const hello = validate(clientHelloSchema, options);
        if (hello.protocolVersion !== PROTOCOL_VERSION) {
            throw versionMismatch(hello);
        }
        return hello;
    } catch (error) {
        throw error instanceof McmError ? error.toResponse() : error;
    }
}

function versionMismatch(hello: ClientHello): McmError {
    const hint = "Stop this backend and start it from the same version as the client.";
    return new McmError(
        ErrorCode.Unsupported,
        `The client speaks version ${hello.protocolVersion} of the protocol, this backend ` +
            `version ${PROTOCOL_VERSION}. ${hint}`,
        { field: "protocolVersion", hint },
    );
}

/**
 * Tells the client of changes and of what is logged, for as long as it is there. This begins with
 * LSP's `initialized`, which a client that does not care need not send.
 */
function push(client: Client, deps: Deps): void {
    const { connection, gone } = client;
    if (gone.aborted) {
        return;
    }
    deps.changes.start();
    const stops = [
        deps.changes.subscribe((change) => {
            connection.sendNotification(DidChangeNotification, change).catch(ignoreLost);
        }),
        deps.log.onEntry((entry) => {
            connection.sendNotification(BackendLogNotification, entry).catch(ignoreLost);
        }),
    ];
    gone.addEventListener("abort", () => stops.forEach((stop) => stop()), { once: true });
}

/** What cannot be sent because the connection has just ended is nobody's loss. */
function ignoreLost(): void {
    return undefined;
}

/** The one wrapper of all handlers: validates, cancels, writes the log, translates errors. */
async function answer(
    row: RequestRow,
    params: unknown,
    client: GreetedClient,
    deps: Deps,
    token: CancellationToken,
): Promise<unknown> {
    if (!client.initialized && row.method !== BackendShutdownRequest.method) {
        return new ResponseError(NOT_INITIALIZED, `${row.method} came before initialize.`);
    }
    const cancelled = new AbortController();
    const cancel = () => cancelled.abort(new Error("The request was cancelled."));
    token.onCancellationRequested(cancel);
    if (token.isCancellationRequested) {
        // The two came together; a token that is cancelled from the beginning tells nobody.
        cancel();
    }
    const signal = AbortSignal.any([cancelled.signal, client.gone]);
    const began = performance.now();
    let subject = "";
    try {
        // A request without parameters may come with `null` for them.
        const checked = validate(row.schema, params ?? undefined) as never;
        subject = row.audit?.(checked) ?? "";
        const result = await row.handle(checked, deps, { client, signal });
        if (row.audit !== undefined) {
            deps.log.info(`${nameOf(client)} ${row.method} ${subject}: ${took(began)}`);
        }
        return result ?? null;
    } catch (error) {
        if (signal.aborted && !(error instanceof McmError)) {
            return new ResponseError(LSPErrorCodes.RequestCancelled, "The request was cancelled.");
        }
        const failure = translate(row.method, error, deps);
        if (row.audit !== undefined) {
            const outcome = `${ErrorCode[failure.code] ?? failure.code}: ${failure.message}`;
            deps.log.warn(`${nameOf(client)} ${row.method} ${subject}: ${outcome}`);
        }
        return failure;
    }
}

/** LSP's code for a request before `initialize`. */
const NOT_INITIALIZED = -32002;

function took(began: number): string {
    return `done in ${Math.round(performance.now() - began)} ms`;
}

/** An error as its response. What nobody expected is logged with its stack, and not sent with it. */
function translate(method: string, error: unknown, deps: Deps): ResponseError<unknown> {
    if (error instanceof McmError) {
        return error.toResponse();
    }
    if (errnoOf(error) !== undefined) {
        return systemError(method, error).toResponse();
    }
    deps.log.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return new ResponseError(
        INTERNAL_ERROR,
        `${method} failed unexpectedly: ${String(error)}. The backend's log has more.`,
    );
}

/** JSON-RPC's code for what should not have happened. */
const INTERNAL_ERROR = -32603;

/** A notification has no answer, so what is wrong with one is logged. */
function hear(row: NotificationRow, params: unknown, client: GreetedClient, deps: Deps): void {
    if (!client.initialized) {
        return;
    }
    try {
        row.handle(validate(row.schema, params) as never, deps, client);
    } catch (error) {
        deps.log.warn(`${nameOf(client)} ${row.method}: ${String(error)}`);
    }
}
