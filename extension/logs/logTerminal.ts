/** A container's log in an integrated terminal: with its colours, and going on. */
import * as vscode from "vscode";
import { type ContainerId, type LogLine, LogProgress, LogsRequest } from "../../server/protocol";
import type { Connection } from "../connection";
import { withCarriageReturns } from "../terminal/lineEditor";
import { StreamTerminal } from "../terminal/streamTerminal";

/** Lines from before; VS Code's terminals keep a thousand themselves, unless told otherwise. */
const EARLIER_LINES = 1000;

const CTRL_C = "\x03";

export class LogTerminal extends StreamTerminal {
    constructor(
        connection: Connection,
        private readonly container: ContainerId,
    ) {
        super(connection);
    }

    protected override async run(
        _size: vscode.TerminalDimensions,
        cancelled: vscode.CancellationToken,
    ): Promise<string> {
        const { container, token } = this;
        const progress = this.connection.onProgress(LogProgress, token, (lines) =>
            this.take(lines),
        );
        try {
            await this.connection.request(
                LogsRequest,
                { container, token, follow: true, tail: EARLIER_LINES },
                cancelled,
            );
        } catch (error) {
            if (!cancelled.isCancellationRequested) {
                throw error;
            }
            return vscode.l10n.t("not followed any more");
        } finally {
            progress.dispose();
        }
        return vscode.l10n.t("the container is not running");
    }

    protected override type(data: string, cancellation: vscode.CancellationTokenSource): void {
        if (data === CTRL_C) {
            cancellation.cancel();
        }
    }

    private take(lines: readonly LogLine[]): void {
        let text = "";
        let bytes = 0;
        for (const line of lines) {
            text += line.partial === true ? line.text : `${line.text}\n`;
            bytes += Buffer.byteLength(line.text);
        }
        this.output(withCarriageReturns(text), bytes);
    }
}
