/** One connection to a backend, however it was reached. */
import {
    NotificationType,
    RequestType,
    type CancellationToken,
    type Disposable,
    type MessageConnection,
    type ProgressType,
    type RequestParam,
    type RequestType0,
} from "vscode-jsonrpc";
import { PROTOCOL_VERSION, type ClientHello, type ErrorData, type ServerHello } from "../protocol";
import { CliError } from "./errors";

interface InitializeParams {
    processId: null;
    rootUri: null;
    capabilities: Record<string, never>;
    initializationOptions: ClientHello;
}

interface InitializeResult {
    capabilities: { experimental?: ServerHello };
}

/** LSP's handshake, as much of it as the backend needs. */
const InitializeRequest = new RequestType<InitializeParams, InitializeResult, void>("initialize");
const InitializedNotification = new NotificationType<Record<string, never>>("initialized");

/** Asks a backend and hears from it; every request also ends when the connection does. */
export class Client {
    /** Rejects when the backend goes away. */
    private readonly gone: Promise<never>;

    private constructor(
        private readonly connection: MessageConnection,
        private readonly disconnect: () => void,
    ) {
        this.gone = new Promise((_, reject) => {
            connection.onClose(() => {
                reject(new CliError("the backend went away; containers run on, try again"));
            });
        });
        this.gone.catch(() => undefined); // it matters only to a request under way
        connection.listen();
    }

    /**
     * Says hello over a connection that nobody listens on yet.
     *
     * @param disconnect closes what the connection runs over
     * @throws CliError when the two do not understand each other
     */
    static async open(connection: MessageConnection, disconnect: () => void): Promise<Client> {
        const client = new Client(connection, disconnect);
        const { capabilities } = await client.request(InitializeRequest, {
            processId: null,
            rootUri: null,
            capabilities: {},
            initializationOptions: { protocolVersion: PROTOCOL_VERSION, client: "mcm" },
        });
        const version = capabilities.experimental?.protocolVersion;
        if (version !== PROTOCOL_VERSION) {
            client.close();
            throw new CliError(
                `the backend speaks protocol ${version ?? "unknown"}, this mcm ${PROTOCOL_VERSION};` +
                    " end it with `mcm backend stop` and start it again",
            );
        }
        return client;
    }

    /** Asks and waits for the answer; a refusal rejects with the backend's ResponseError. */
    request<P, R, E>(
        type: RequestType<P, R, E>,
        params: RequestParam<P>,
        cancellation?: CancellationToken,
    ): Promise<R> {
        return this.orGone(this.connection.sendRequest(type, params, cancellation));
    }

    /** As {@link request}, for those without parameters. */
    ask<R>(type: RequestType0<R, ErrorData>): Promise<R> {
        return this.orGone(this.connection.sendRequest(type));
    }

    /** Tells the backend something; resolves once it is on its way. */
    notify<P>(type: NotificationType<P>, params: RequestParam<P>): Promise<void> {
        return this.connection.sendNotification(type, params);
    }

    /** Asks to be told of changes from now on. */
    hearChanges(): Promise<void> {
        return this.notify(InitializedNotification, {});
    }

    /** Calls `handler` for every notification of this type. */
    onNotification<P>(type: NotificationType<P>, handler: (params: P) => void): Disposable {
        return this.connection.onNotification(type, handler);
    }

    /** Calls `handler` for all progress under this token. */
    onProgress<P>(type: ProgressType<P>, token: string, handler: (value: P) => void): Disposable {
        return this.connection.onProgress(type, token, handler);
    }

    /** Ends the connection and nothing else. */
    close(): void {
        this.connection.dispose();
        this.disconnect();
    }

    /** As `answer`, but rejects when the backend goes away first. */
    orGone<T>(answer: Promise<T>): Promise<T> {
        return Promise.race([answer, this.gone]);
    }
}
