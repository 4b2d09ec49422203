/** A session as a client has it, for tests. */
import { CancellationTokenSource, type MessageConnection, type RequestType } from "vscode-jsonrpc";
import {
    AcknowledgeNotification,
    AttachRequest,
    ExecRequest,
    InputAcknowledgeNotification,
    OutputProgress,
    SessionInputEndNotification,
    SessionInputNotification,
    SessionResizeNotification,
    SessionSignalNotification,
    SessionStartedNotification,
    type ErrorData,
    type OutputChunk,
    type SessionEnd,
    type TerminalSize,
} from "../../server/protocol";
import { eventually } from "../support/fixtures";

const known = new WeakMap<MessageConnection, Map<string, TestSession>>();

/** The sessions of a connection, which has one handler for each notification. */
function sessionsOf(connection: MessageConnection): Map<string, TestSession> {
    let sessions = known.get(connection);
    if (sessions === undefined) {
        const all = (sessions = new Map<string, TestSession>());
        known.set(connection, all);
        connection.onNotification(SessionStartedNotification, ({ token }) => {
            const session = all.get(token);
            if (session !== undefined) {
                session.started = true;
            }
        });
        connection.onNotification(InputAcknowledgeNotification, ({ token, bytes }) => {
            const session = all.get(token);
            if (session !== undefined) {
                session.inputTaken += bytes;
            }
        });
    }
    return sessions;
}

/** Acknowledges what it got unless it is told not to; keeps everything unless that is too much. */
export class TestSession {
    readonly token: string;
    readonly ended: Promise<SessionEnd>;
    readonly stdout: Buffer[] = [];
    readonly stderr: Buffer[] = [];
    received = 0;
    unacknowledged = 0;
    inputTaken = 0;
    started = false;
    acknowledges = true;
    keeps = true;
    readonly #connection: MessageConnection;
    readonly #cancel = new CancellationTokenSource();

    static #count = 0;

    private constructor(
        connection: MessageConnection,
        type: RequestType<never, SessionEnd, ErrorData>,
        params: object,
    ) {
        this.#connection = connection;
        this.token = `session ${TestSession.#count++}`;
        const sessions = sessionsOf(connection);
        sessions.set(this.token, this);
        const progress = connection.onProgress(OutputProgress, this.token, (chunk) =>
            this.#hear(chunk),
        );
        const all = { ...params, token: this.token } as never;
        this.ended = connection.sendRequest(type, all, this.#cancel.token).finally(() => {
            progress.dispose();
            sessions.delete(this.token);
        });
        // A test that expects a failure looks at it; one that does not sees it nevertheless.
        this.ended.catch(() => undefined);
    }

    static exec(
        connection: MessageConnection,
        container: string,
        command: string[],
        more: {
            env?: Record<string, string>;
            workdir?: string;
            user?: string;
            terminal?: TerminalSize;
        } = {},
    ): TestSession {
        const params = { container, command, ...more };
        return new TestSession(connection, ExecRequest as never, params);
    }

    static attach(
        connection: MessageConnection,
        container: string,
        terminal?: TerminalSize,
    ): TestSession {
        return new TestSession(connection, AttachRequest as never, { container, terminal });
    }

    /** What came on stdout, as text. */
    get text(): string {
        return Buffer.concat(this.stdout).toString();
    }

    get errorText(): string {
        return Buffer.concat(this.stderr).toString();
    }

    async saw(wanted: string | RegExp): Promise<void> {
        const found = () =>
            typeof wanted === "string" ? this.text.includes(wanted) : wanted.test(this.text);
        await eventually(found, `${String(wanted)} in the output`).catch((error: unknown) => {
            throw new Error(`${String(error)}; it is ${JSON.stringify(this.text)}`);
        });
    }

    async whenStarted(): Promise<void> {
        await eventually(() => this.started, "the session to start");
    }

    acknowledge(bytes: number): Promise<void> {
        this.unacknowledged -= bytes;
        return this.#connection.sendNotification(AcknowledgeNotification, {
            token: this.token,
            bytes,
        });
    }

    input(data: string | Buffer): Promise<void> {
        return this.#connection.sendNotification(SessionInputNotification, {
            token: this.token,
            data: Buffer.from(data).toString("base64"),
        });
    }

    inputEnd(): Promise<void> {
        return this.#connection.sendNotification(SessionInputEndNotification, {
            token: this.token,
        });
    }

    resize(rows: number, columns: number): Promise<void> {
        return this.#connection.sendNotification(SessionResizeNotification, {
            token: this.token,
            rows,
            columns,
        });
    }

    signal(signal: string): Promise<void> {
        return this.#connection.sendNotification(SessionSignalNotification, {
            token: this.token,
            signal,
        });
    }

    cancel(): void {
        this.#cancel.cancel();
    }

    #hear({ stream, data }: OutputChunk): void {
        const bytes = Buffer.from(data, "base64");
        this.received += bytes.length;
        this.unacknowledged += bytes.length;
        if (this.keeps) {
            this[stream].push(bytes);
        }
        if (this.acknowledges) {
            // The connection may have been closed on purpose.
            this.acknowledge(bytes.length).catch(() => undefined);
        }
    }
}
