/** How the extension speaks to a backend: the library's client, made quiet, and the handshake. */
import type { Socket } from "node:net";
import * as vscode from "vscode";
import {
    CloseAction,
    ErrorAction,
    LanguageClient,
    ResponseError,
    RevealOutputChannelOn,
} from "vscode-languageclient";
import {
    createMessageConnection,
    StreamMessageReader,
    StreamMessageWriter,
} from "vscode-jsonrpc/node";
import { connectTo } from "../server/launch";
import {
    BackendShutdownRequest,
    type ClientHello,
    ErrorCode,
    PROTOCOL_VERSION,
    type ServerHello,
} from "../server/protocol";

/** What came of knocking at the socket. */
export type Attempt =
    | { kind: "connected" }
    /** Nobody listens there. */
    | { kind: "absent" }
    /** Somebody listens but will not have us; why, in words. */
    | { kind: "refused"; reason: string }
    /** A backend listens whose protocol is another; in words. */
    | { kind: "outdated"; reason: string };

/** The library shows toasts of its own when a connection fails or ends. Here that is a state. */
export class SilentClient extends LanguageClient {
    override error(message: string, data?: unknown): void {
        try {
            super.error(message, data, false);
        } catch {
            // The window is closing, and the output channel went first.
        }
    }
}

/** A client for an open connection; it is not started. */
export function createClient(socket: Socket, log: vscode.LogOutputChannel): SilentClient {
    const hello: ClientHello = { protocolVersion: PROTOCOL_VERSION, client: "vscode" };
    return new SilentClient(
        "myContainerManager",
        "My Container Manager",
        () =>
            Promise.resolve({
                reader: new StreamMessageReader(socket),
                writer: new StreamMessageWriter(socket),
            }),
        {
            outputChannel: log,
            traceOutputChannel: log,
            revealOutputChannelOn: RevealOutputChannelOn.Never,
            initializationOptions: hello,
            // False: do not try again on the same connection.
            initializationFailedHandler: () => false,
            errorHandler: {
                error: () => ({ action: ErrorAction.Continue, handled: true }),
                closed: () => ({
                    action: CloseAction.DoNotRestart,
                    handled: true,
                    message: "The connection to the backend has ended.",
                }),
            },
        },
    );
}

/** What the error of connect(2) means. */
export function notAnswering(error: NodeJS.ErrnoException): Attempt {
    return error.code === "ENOENT" || error.code === "ECONNREFUSED"
        ? { kind: "absent" }
        : { kind: "refused", reason: error.message };
}

/**
 * Ends a backend that will not have us because its protocol is another. Resolves when it does not
 * listen any more; rejects with what the backend or the socket says.
 */
export async function endOutdated(socketPath: string): Promise<void> {
    const socket = await connectTo(socketPath);
    const connection = createMessageConnection(
        new StreamMessageReader(socket),
        new StreamMessageWriter(socket),
    );
    try {
        const closed = new Promise((resolve) => socket.once("close", resolve));
        connection.listen();
        await connection.sendRequest(BackendShutdownRequest);
        await closed;
    } finally {
        connection.dispose();
        socket.destroy();
    }
}

class VersionMismatch extends Error {}

/** @throws VersionMismatch when the backend's protocol is not ours */
export function checkVersion(client: LanguageClient): void {
    const capabilities: unknown = client.initializeResult?.capabilities.experimental;
    const hello = capabilities as Partial<ServerHello> | undefined;
    if (hello?.protocolVersion !== PROTOCOL_VERSION) {
        throw new VersionMismatch(
            vscode.l10n.t(
                "The running backend is of another version ({0}).",
                hello?.version ?? "?",
            ),
        );
    }
}

/** Either side may notice: a newer backend refuses in its answer to `initialize`. */
export function isVersionMismatch(error: unknown): boolean {
    return (
        error instanceof VersionMismatch ||
        (error instanceof ResponseError && error.code === (ErrorCode.Unsupported as number))
    );
}
