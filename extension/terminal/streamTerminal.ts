/** The part that all our terminals have in common: they show one stream until it ends. */
import * as vscode from "vscode";
import { AcknowledgeNotification } from "../../server/protocol";
import { BackendUnavailable, type Connection } from "../connection";
import { FlowControl } from "./flow";

/** Undoes what a program that was cut off may have left set: the alternate screen, reporting of
 * mouse and focus, bracketed paste, colours, a hidden cursor. */
const RESET = "\x1b[?1047l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?2004l\x1b[?25h\x1b[!p";

/** Keys that close a terminal whose stream has ended: Enter, Ctrl-C, Ctrl-D. */
const CLOSING_KEYS = new Set(["\r", "\x03", "\x04"]);

/** Without a word from VS Code, the size that terminals have had since the VT100. */
const USUAL_SIZE: vscode.TerminalDimensions = { rows: 24, columns: 80 };

export abstract class StreamTerminal implements vscode.Pseudoterminal {
    private readonly writeEmitter = new vscode.EventEmitter<string>();
    private readonly closeEmitter = new vscode.EventEmitter<void>();
    private readonly nameEmitter = new vscode.EventEmitter<string>();
    private readonly cancellation = new vscode.CancellationTokenSource();
    private readonly flow: FlowControl;
    private ended = false;

    readonly onDidWrite = this.writeEmitter.event;
    readonly onDidClose = this.closeEmitter.event;
    readonly onDidChangeName = this.nameEmitter.event;

    /** Names this stream in the protocol. */
    protected readonly token = crypto.randomUUID();

    constructor(protected readonly connection: Connection) {
        this.flow = new FlowControl((bytes) =>
            connection.notify(AcknowledgeNotification, { token: this.token, bytes }),
        );
    }

    open(dimensions: vscode.TerminalDimensions | undefined): void {
        void this.show(dimensions ?? USUAL_SIZE);
    }

    close(): void {
        this.cancellation.cancel();
        this.flow.dispose();
    }

    handleInput(data: string): void {
        const typed = this.flow.takeAnswers(data);
        if (typed === "") {
            return;
        }
        if (!this.ended) {
            this.type(typed, this.cancellation);
        } else if (CLOSING_KEYS.has(typed)) {
            this.closeEmitter.fire();
        }
    }

    /** The container has another name now. */
    rename(name: string): void {
        this.nameEmitter.fire(name);
    }

    /**
     * Shows the stream from beginning to end.
     *
     * @returns how it ended, a few words
     * @throws whatever the request throws
     */
    protected abstract run(
        size: vscode.TerminalDimensions,
        cancelled: vscode.CancellationToken,
    ): Promise<string>;

    /** What the user typed while the stream went on. */
    protected abstract type(data: string, cancellation: vscode.CancellationTokenSource): void;

    /** Shows output that came over the connection as so many bytes. */
    protected output(text: string, bytes: number): void {
        this.write(this.flow.pass(text, bytes));
    }

    /** Shows what is our own. */
    protected write(text: string): void {
        if (text !== "") {
            this.writeEmitter.fire(text);
        }
    }

    private async show(size: vscode.TerminalDimensions): Promise<void> {
        let end: string;
        try {
            end = await this.run(size, this.cancellation.token);
        } catch (error) {
            end = this.describe(error as Error);
        }
        this.ended = true;
        this.flow.dispose();
        const closing = vscode.l10n.t("Press Enter to close.");
        this.write(`${RESET}\r\n\x1b[2m[${end}] ${closing}\x1b[0m`);
    }

    private describe(error: Error): string {
        return error instanceof BackendUnavailable
            ? vscode.l10n.t("the connection to the backend was lost, and this with it")
            : error.message;
    }
}
