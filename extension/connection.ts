/**
 * The extension's one connection to the backend. It comes and goes with the backend; what was
 * registered here stays: two lifetimes, each with its own list of what to dispose.
 */
import type { Socket } from "node:net";
import * as vscode from "vscode";
import { ErrorCodes, ResponseError, State } from "vscode-languageclient";
import type { NotificationType, ProgressType, RequestType, RequestType0 } from "vscode-jsonrpc";
import { connectTo } from "../server/launch";
import {
    type Attempt,
    checkVersion,
    createClient,
    isVersionMismatch,
    notAnswering,
    type SilentClient,
} from "./client";
import { SocketWatch } from "./socketWatch";

/** Connecting: one answers, but the handshake is under way; or the connection was lost a moment ago
 * and may come back. */
export type ConnectionState = "disconnected" | "connecting" | "connected";

/** There is no backend to ask, or it went away before it answered. */
export class BackendUnavailable extends Error {
    override readonly name = "BackendUnavailable";
}

/** A new backend's socket exists a moment before it answers; milliseconds between attempts. */
const RETRY_DELAYS = [0, 50, 100, 200, 400, 800];

type Handler = (params: never) => void;

export class Connection implements vscode.Disposable {
    private readonly stateEmitter = new vscode.EventEmitter<ConnectionState>();
    private readonly handlers = new Map<string, Set<Handler>>();
    private readonly watch: SocketWatch;
    private currentState: ConnectionState = "disconnected";
    private client: SilentClient | undefined;
    /** What lives no longer than {@link client}. */
    private readonly ofClient: { dispose(): unknown }[] = [];
    private attempt: Promise<Attempt> | undefined;
    /** Looking for a backend that was lost or is just starting; aborted by whoever does not want it. */
    private search: AbortController | undefined;
    private disposed = false;

    readonly onDidChangeState = this.stateEmitter.event;

    /**
     * @param socketPath where the backend of this user listens, or will
     * @param log takes what the library has to say
     */
    constructor(
        readonly socketPath: string,
        private readonly log: vscode.LogOutputChannel,
    ) {
        this.watch = new SocketWatch(socketPath, () => void this.retry());
    }

    get state(): ConnectionState {
        return this.currentState;
    }

    /**
     * Connects if a backend answers, and otherwise returns false without a word. A backend that
     * appears later is noticed.
     */
    async connect(): Promise<boolean> {
        return (await this.knock()).kind === "connected";
    }

    /** Like {@link connect}, saying why not. */
    async knock(): Promise<Attempt> {
        if (this.currentState === "connected") {
            return { kind: "connected" };
        }
        this.attempt ??= this.open().finally(() => {
            this.attempt = undefined;
        });
        return this.attempt;
    }

    /** Ends the connection; the backend and its other clients go on. It comes back by itself only
     * when a new socket appears. */
    async disconnect(): Promise<void> {
        this.search?.abort();
        const client = this.client;
        this.drop(client, "disconnected");
        this.setState("disconnected");
        if (client?.needsStop() === true) {
            // A backend that is on its way out may not answer any more; there is nothing to add.
            await client.dispose().catch(() => undefined);
        }
    }

    /** @throws BackendUnavailable when not connected, or when the connection ends meanwhile */
    request<R, E>(type: RequestType0<R, E>, token?: vscode.CancellationToken): Promise<R>;
    request<P, R, E>(
        type: RequestType<P, R, E>,
        params: P,
        token?: vscode.CancellationToken,
    ): Promise<R>;
    async request<R>(type: { readonly method: string }, ...args: unknown[]): Promise<R> {
        if (this.client === undefined || this.currentState !== "connected") {
            throw new BackendUnavailable(vscode.l10n.t("The backend is not running."));
        }
        try {
            const { client } = this;
            // The overloads above are those of the library.
            const send = client.sendRequest.bind(client) as (...all: unknown[]) => Promise<R>;
            return await send(type, ...args);
        } catch (error) {
            throw endedMeanwhile(error)
                ? new BackendUnavailable(vscode.l10n.t("The connection to the backend was lost."))
                : error;
        }
    }

    /** Calls `handler` for each such notification, of this backend and of those after it. */
    onNotification<P>(type: NotificationType<P>, handler: (params: P) => void): vscode.Disposable {
        let handlers = this.handlers.get(type.method);
        if (handlers === undefined) {
            handlers = new Set();
            this.handlers.set(type.method, handlers);
            if (this.client !== undefined) {
                this.listen(this.client, type.method);
            }
        }
        const added = handlers.add(handler);
        return new vscode.Disposable(() => added.delete(handler));
    }

    /** Calls `handler` for what comes on the stream `token` of the present connection. */
    onProgress<P>(
        type: ProgressType<P>,
        token: string,
        handler: (value: P) => void,
    ): vscode.Disposable {
        return (
            this.client?.onProgress(type, token, handler) ?? new vscode.Disposable(() => undefined)
        );
    }

    /** Sends a notification; without a connection there is nobody to miss it. */
    notify<P>(type: NotificationType<P>, params: P): void {
        if (this.currentState === "connected") {
            this.client?.sendNotification(type.method, params).catch((error: unknown) => {
                this.log.debug(`${type.method} was not sent: ${String(error)}`);
            });
        }
    }

    dispose(): void {
        this.disposed = true;
        this.watch.dispose();
        void this.disconnect();
        this.stateEmitter.dispose();
    }

    private async open(): Promise<Attempt> {
        let socket: Socket;
        try {
            socket = await connectTo(this.socketPath);
        } catch (error) {
            return notAnswering(error as NodeJS.ErrnoException);
        }
        this.setState("connecting");
        const client = this.adopt(socket);
        try {
            await client.start();
            checkVersion(client);
        } catch (error) {
            const hungUp = socket.destroyed || socket.readableEnded;
            socket.destroy();
            this.drop(client, this.search === undefined ? "disconnected" : "connecting");
            if (isVersionMismatch(error)) {
                return { kind: "outdated", reason: (error as Error).message };
            }
            // One that is killed may still take a connection before it is gone.
            return hungUp
                ? { kind: "absent" }
                : { kind: "refused", reason: (error as Error).message };
        }
        if (this.disposed) {
            void client.dispose().catch(() => undefined);
            return { kind: "absent" };
        }
        this.setState("connected");
        return { kind: "connected" };
    }

    private adopt(socket: Socket): SilentClient {
        const client = createClient(socket, this.log);
        this.client = client;
        for (const method of this.handlers.keys()) {
            this.listen(client, method);
        }
        this.ofClient.push(
            client.onDidChangeState(({ newState }) => {
                if (newState === State.Stopped && this.client === client) {
                    this.drop(client, "connecting");
                    void this.retry();
                }
            }),
        );
        return client;
    }

    private listen(client: SilentClient, method: string): void {
        this.ofClient.push(
            client.onNotification(method, (params: unknown) => {
                for (const handler of this.handlers.get(method) ?? []) {
                    handler(params as never);
                }
            }),
        );
    }

    /** Forgets a client and everything that belonged to it. */
    private drop(client: SilentClient | undefined, next: ConnectionState): void {
        if (client !== undefined && this.client === client) {
            this.client = undefined;
            vscode.Disposable.from(...this.ofClient.splice(0)).dispose();
            this.setState(next);
        }
    }

    /** A backend that was lost may be restarting, one that is starting may not answer yet: looks
     * for it for a few seconds. After that the appearance of a socket is what is waited for. */
    private async retry(): Promise<void> {
        if (this.search !== undefined) {
            return;
        }
        const search = new AbortController();
        this.search = search;
        for (const delay of RETRY_DELAYS) {
            await new Promise((resolve) => setTimeout(resolve, delay));
            if (search.signal.aborted || (await this.knock()).kind === "connected") {
                break;
            }
        }
        this.search = undefined;
        if (this.currentState === "connecting" && this.attempt === undefined) {
            this.setState("disconnected");
        }
    }

    private setState(state: ConnectionState): void {
        if (state !== this.currentState) {
            this.currentState = state;
            if (!this.disposed) {
                this.stateEmitter.fire(state);
            }
        }
    }
}

function endedMeanwhile(error: unknown): boolean {
    return (
        error instanceof ResponseError &&
        (error.code === ErrorCodes.PendingResponseRejected ||
            error.code === ErrorCodes.ConnectionInactive)
    );
}
