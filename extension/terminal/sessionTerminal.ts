/** A session inside a container as an integrated terminal. */
import { StringDecoder } from "node:string_decoder";
import * as vscode from "vscode";
import {
    AttachRequest,
    ExecRequest,
    type OutputChunk,
    OutputProgress,
    type SessionEnd,
    SessionInputEndNotification,
    SessionInputNotification,
    SessionResizeNotification,
    SessionSignalNotification,
    type TerminalSize,
} from "../../server/protocol";
import type { Connection } from "../connection";
import { LineEditor, withCarriageReturns } from "./lineEditor";
import { StreamTerminal } from "./streamTerminal";

/** What a session runs: one more command, or the container's own that is already there. */
export type SessionKind =
    | { kind: "exec"; container: string; command: string[] }
    /** `tty`: whether the container's command has a terminal. */
    | { kind: "attach"; container: string; tty: boolean };

/** What VS Code's terminal can do. Its characters are UTF-8, whatever the container's language. */
const TERMINAL_ENV = { TERM: "xterm-256color", COLORTERM: "truecolor", LC_CTYPE: "C.UTF-8" };

export class SessionTerminal extends StreamTerminal {
    /** A character may come in two pieces, and the two streams each have their own. */
    private readonly decoders = { stdout: new StringDecoder(), stderr: new StringDecoder() };
    /** Instead of a terminal inside. */
    private readonly editor: LineEditor | undefined;

    constructor(
        connection: Connection,
        private readonly session: SessionKind,
    ) {
        super(connection);
        const hasTerminal = session.kind === "exec" || session.tty;
        this.editor = hasTerminal ? undefined : new LineEditor();
    }

    setDimensions({ rows, columns }: vscode.TerminalDimensions): void {
        if (this.editor === undefined) {
            this.connection.notify(SessionResizeNotification, { token: this.token, rows, columns });
        }
    }

    protected override async run(
        size: vscode.TerminalDimensions,
        cancelled: vscode.CancellationToken,
    ): Promise<string> {
        const progress = this.connection.onProgress(OutputProgress, this.token, (chunk) =>
            this.take(chunk),
        );
        try {
            const terminal = { rows: size.rows, columns: size.columns };
            return describeEnd(await this.request(terminal, cancelled));
        } finally {
            progress.dispose();
        }
    }

    protected override type(data: string): void {
        if (this.editor === undefined) {
            this.send(data);
            return;
        }
        const { echo, input, interrupt, end } = this.editor.type(data);
        this.write(echo);
        this.send(input);
        if (interrupt) {
            this.connection.notify(SessionSignalNotification, {
                token: this.token,
                signal: "SIGINT",
            });
        }
        if (end) {
            this.connection.notify(SessionInputEndNotification, { token: this.token });
        }
    }

    private request(size: TerminalSize, cancelled: vscode.CancellationToken): Promise<SessionEnd> {
        const { session, token } = this;
        const container = session.container;
        switch (session.kind) {
            case "exec": {
                const { command } = session;
                return this.connection.request(
                    ExecRequest,
                    { container, command, env: TERMINAL_ENV, terminal: size, token },
                    cancelled,
                );
            }
            case "attach": {
                const terminal = session.tty ? size : undefined;
                return this.connection.request(
                    AttachRequest,
                    { container, terminal, token },
                    cancelled,
                );
            }
        }
    }

    private take({ stream, data }: OutputChunk): void {
        const bytes = Buffer.from(data, "base64");
        const text = this.decoders[stream].write(bytes);
        this.output(this.editor === undefined ? text : withCarriageReturns(text), bytes.length);
    }

    private send(input: string): void {
        if (input !== "") {
            const data = Buffer.from(input).toString("base64");
            this.connection.notify(SessionInputNotification, { token: this.token, data });
        }
    }
}

function describeEnd({ exitCode, signal, containerEnded }: SessionEnd): string {
    if (containerEnded) {
        return vscode.l10n.t("the container stopped");
    }
    if (signal !== null) {
        return vscode.l10n.t("ended by {0}", signal);
    }
    return exitCode === null
        ? vscode.l10n.t("detached")
        : vscode.l10n.t("exited with code {0}", exitCode);
}
