/** A client for tests: over a pair of streams to a server in this process, or over a socket. */
import { duplexPair, type Duplex } from "node:stream";
import {
    createMessageConnection,
    RequestType,
    ResponseError,
    StreamMessageReader,
    StreamMessageWriter,
    type MessageConnection,
    type RequestType0,
} from "vscode-jsonrpc/node";
import { createDeps } from "../../server/compose";
import type { Deps } from "../../server/deps";
import { Log } from "../../server/log";
import { Paths } from "../../server/paths";
import {
    ErrorCode,
    PROTOCOL_VERSION,
    type ClientHello,
    type ErrorData,
    type ServerHello,
} from "../../server/protocol";
import { startServer, type Served } from "../../server/server";
import { openLink } from "../../server/transport";
import { root, type TemporaryRoots } from "../support/fixtures";

interface InitializeResult {
    capabilities: { experimental: ServerHello; textDocumentSync: number };
}

export const InitializeRequest = new RequestType<
    { initializationOptions: unknown; capabilities: object },
    InitializeResult,
    ErrorData
>("initialize");

/** One end of a connection that is listened on, and has said nothing yet. */
export function listen(stream: Duplex): MessageConnection {
    const connection = createMessageConnection(
        new StreamMessageReader(stream),
        new StreamMessageWriter(stream),
    );
    connection.listen();
    return connection;
}

/** Says hello, and that it wants to hear of changes. */
export async function greet(
    connection: MessageConnection,
    hello: Partial<ClientHello> = {},
): Promise<InitializeResult> {
    const result = await connection.sendRequest(InitializeRequest, {
        capabilities: {},
        initializationOptions: { protocolVersion: PROTOCOL_VERSION, client: "test", ...hello },
    });
    await connection.sendNotification("initialized", {});
    return result;
}

/** A server's parts over a test's own directories, with the real native programs. */
export function depsFor(roots: TemporaryRoots, changes: Partial<Deps["backend"]> = {}): Deps {
    const paths = new Paths(roots.stateDir, roots.runDir, `${root}/out/native`);
    return createDeps(paths, new Log(), {
        servesUid: 0,
        startedAt: new Date().toISOString(),
        version: "1.2.3",
        clients: () => 1,
        shutdown: () => undefined,
        ...changes,
    });
}

export interface LocalClient {
    connection: MessageConnection;
    served: Served;
    /** Ends the connection as a client does that goes. */
    close(): void;
}

/** A client of a server in this process. */
export function connectLocally(deps: Deps): LocalClient {
    const [ours, theirs] = duplexPair();
    const served = startServer(
        openLink(theirs, () => undefined),
        deps,
    );
    const connection = listen(ours);
    return {
        connection,
        served,
        close() {
            connection.dispose();
            ours.destroy();
            theirs.destroy();
        },
    };
}

/** Asks for something with parameters of any form, as a client with a mistake would. */
export function ask(
    connection: MessageConnection,
    type: { method: string },
    params?: unknown,
): Promise<unknown> {
    return connection.sendRequest(type.method, params);
}

/** As {@link ask} for a request without parameters, with its result's type. */
export function askFor<Result>(
    connection: MessageConnection,
    type: RequestType0<Result, ErrorData>,
): Promise<Result> {
    return connection.sendRequest(type);
}

/** Matches an error response of ours. */
export function refusedWith(code: ErrorCode, message: RegExp, data: ErrorData = {}) {
    return (error: unknown): boolean => {
        if (!(error instanceof ResponseError)) {
            throw new Error(`not an error response: ${String(error)}`);
        }
        const actual = error as ResponseError<ErrorData>;
        const wrong = Object.entries(data).find(
            ([key, value]) => actual.data?.[key as keyof ErrorData] !== value,
        );
        if (
            ErrorCode[actual.code] !== ErrorCode[code] ||
            !message.test(actual.message) ||
            wrong !== undefined
        ) {
            const name = ErrorCode[actual.code] ?? actual.code;
            throw new Error(
                `wanted ${ErrorCode[code]} ${String(message)} ${JSON.stringify(data)}, ` +
                    `got ${name} "${actual.message}" ${JSON.stringify(actual.data)}`,
            );
        }
        return true;
    };
}
