/** A command's input and output, connected with this process's own. */
import { randomUUID } from "node:crypto";
import type { EventEmitter } from "node:events";
import { constants } from "node:os";
import {
    CancellationTokenSource,
    type CancellationToken,
    type Disposable,
    type NotificationType,
    type RequestParam,
} from "vscode-jsonrpc";
import {
    AcknowledgeNotification,
    InputAcknowledgeNotification,
    OutputProgress,
    SessionInputEndNotification,
    SessionInputNotification,
    SessionResizeNotification,
    SessionSignalNotification,
    type OutputChunk,
    type SessionEnd,
    type TerminalSize,
    WINDOW_BYTES,
} from "../protocol";
import { signalNumber } from "../sessions/signals";
import type { Client } from "./client";
import type { Io } from "./context";
import { CliError, EXIT } from "./errors";
import { DetachKeys } from "./detach";

/** What of this process is connected. */
export interface SessionOptions {
    /** Its stdin. */
    input: boolean;
    /** A terminal on both sides: this one in raw mode, every key goes to the command. */
    terminal: boolean;
    /** ctrl-p ctrl-q leave. */
    detachable: boolean;
}

/** Sends the request of a session: exec or attach. */
export type OpenSession = (
    token: string,
    terminal: TerminalSize | undefined,
    cancellation: CancellationToken,
) => Promise<SessionEnd>;

/** How a session ended for this side. */
export type SessionOutcome =
    | { kind: "ended"; end: SessionEnd }
    | { kind: "detached" }
    /** A signal told this process to leave. */
    | { kind: "left"; signal: NodeJS.Signals };

/** Refuses `-t` where there is no terminal to connect. */
export function requireTerminal(io: Io, input: boolean): void {
    if (!(input ? io.stdin : io.stdout).isTTY) {
        const which = input ? "input" : "output";
        throw new CliError(
            `--tty needs a terminal, and the ${which} of this command is none;` +
                " leave -t out when it runs in a pipe or a script",
        );
    }
}

/** Runs a session to its end. Whatever happens, the terminal is as it was before. */
export async function runSession(
    client: Client,
    open: OpenSession,
    options: SessionOptions,
    io: Io,
): Promise<SessionOutcome> {
    const session = new Session(client, options, io);
    try {
        return await session.run(open);
    } finally {
        session.dispose();
    }
}

/** The exit code that stands for how a session ended. */
export function sessionExitCode(outcome: SessionOutcome): number {
    switch (outcome.kind) {
        case "detached":
            return EXIT.ok;
        case "left":
            return 128 + constants.signals[outcome.signal];
        case "ended":
            return endExitCode(outcome.end.exitCode, outcome.end.signal);
    }
}

/** A command's own code, or 128+n for a signal; a failure of ours when neither is known. */
export function endExitCode(exitCode: number | null, signal: string | null): number {
    if (exitCode !== null) {
        return exitCode;
    }
    const number = signalNumber(signal ?? "");
    return number === undefined ? EXIT.failed : 128 + number;
}

/** Signals that a person sends from the keyboard: they are the command's. */
const FORWARDED = ["SIGINT", "SIGQUIT"] as const;
/** Signals that end this process, and with it the session. */
const LEAVING = ["SIGTERM", "SIGHUP"] as const;

/** The process and its streams. */
type Emitter = Pick<EventEmitter, "on" | "off">;
type Listener = Parameters<EventEmitter["on"]>[1];

class Session {
    private readonly token = randomUUID();
    private readonly cancellation = new CancellationTokenSource();
    private readonly disposables: Disposable[] = [];
    private readonly keys = new DetachKeys();
    /** Bytes of input that the backend has not taken yet. */
    private underWay = 0;
    private leave: (outcome: SessionOutcome) => void = () => undefined;

    constructor(
        private readonly client: Client,
        private readonly options: SessionOptions,
        private readonly io: Io,
    ) {}

    async run(open: OpenSession): Promise<SessionOutcome> {
        const { client, token } = this;
        const left = new Promise<SessionOutcome>((resolve) => (this.leave = resolve));
        this.disposables.push(
            client.onProgress(OutputProgress, token, (chunk) => this.write(chunk)),
        );
        this.forwardSignals();
        const ended = open(token, this.size(), this.cancellation.token).then(
            (end): SessionOutcome => ({ kind: "ended", end }),
        );
        this.connectInput();
        const outcome = await Promise.race([ended, left]);
        if (outcome.kind !== "ended") {
            this.cancellation.cancel();
            await ended.catch(() => undefined); // the answer to the cancelled request
        }
        return outcome;
    }

    dispose(): void {
        for (const disposable of this.disposables.splice(0).reverse()) {
            disposable.dispose();
        }
    }

    private size(): TerminalSize | undefined {
        if (!this.options.terminal) {
            return undefined;
        }
        const { stdout, stderr } = this.io;
        const { rows, columns } = stdout.isTTY ? stdout : stderr;
        return { rows: rows || 24, columns: columns || 80 };
    }

    private forwardSignals(): void {
        for (const signal of FORWARDED) {
            this.listen(process, signal, () =>
                this.send(SessionSignalNotification, { token: this.token, signal }),
            );
        }
        for (const signal of LEAVING) {
            this.listen(process, signal, () => this.leave({ kind: "left", signal }));
        }
    }

    private write(chunk: OutputChunk): void {
        const data = Buffer.from(chunk.data, "base64");
        this.io[chunk.stream].write(data, () =>
            this.send(AcknowledgeNotification, { token: this.token, bytes: data.length }),
        );
    }

    /** From now on the command reads what is typed or piped here. */
    private connectInput(): void {
        const { client, token } = this;
        const { stdin } = this.io;
        this.listen(this.io.stdout, "resize", () => this.resize());
        if (!this.options.input) {
            // A terminal has no end of input; its command just never hears anything.
            if (!this.options.terminal) {
                this.send(SessionInputEndNotification, { token });
            }
            return;
        }
        if (this.options.terminal) {
            stdin.setRawMode(true);
            this.disposables.push({ dispose: () => stdin.setRawMode(false) });
        }
        this.disposables.push(
            client.onNotification(InputAcknowledgeNotification, (taken) => this.taken(taken)),
        );
        this.listen(stdin, "data", (typed: Buffer) => this.input(typed));
        // A terminal that is taken away ends in an error (EIO).
        for (const end of ["end", "error"]) {
            this.listen(stdin, end, () => this.send(SessionInputEndNotification, { token }));
        }
        this.disposables.push({ dispose: () => stdin.pause() });
    }

    private input(typed: Buffer): void {
        const { input, detached } = this.options.detachable
            ? this.keys.filter(typed)
            : { input: typed, detached: false };
        if (input.length > 0) {
            const data = input.toString("base64");
            this.send(SessionInputNotification, { token: this.token, data });
            this.underWay += input.length;
            if (this.underWay >= WINDOW_BYTES) {
                this.io.stdin.pause();
            }
        }
        if (detached) {
            this.leave({ kind: "detached" });
        }
    }

    private taken({ token, bytes }: { token: string; bytes: number }): void {
        if (token === this.token) {
            this.underWay -= bytes;
            if (this.underWay < WINDOW_BYTES) {
                this.io.stdin.resume();
            }
        }
    }

    private resize(): void {
        const size = this.size();
        if (size) {
            this.send(SessionResizeNotification, { token: this.token, ...size });
        }
    }

    /** Sends without waiting. When the backend is gone the session's request says so. */
    private send<P>(type: NotificationType<P>, params: RequestParam<P>): void {
        this.client.notify(type, params).catch(() => undefined);
    }

    private listen(emitter: Emitter, event: string, listener: Listener): void {
        emitter.on(event, listener);
        this.disposables.push({ dispose: () => emitter.off(event, listener) });
    }
}
