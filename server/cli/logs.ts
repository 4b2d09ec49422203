/** `mcm logs`: what a container's command has written. */
import { randomUUID } from "node:crypto";
import { CancellationTokenSource } from "vscode-jsonrpc";
import { AcknowledgeNotification, LogProgress, LogsRequest, type LogLine } from "../protocol";
import type { Context } from "./context";
import { EXIT } from "./errors";
import { untilInterrupted } from "./interrupt";
import { printableLine } from "./text";

/** Options of `mcm logs`. */
export interface LogsOptions {
    follow?: boolean;
    tail?: number;
}

/** `mcm logs ID`: each line to the stream it came from, until the end or Ctrl-C. */
export function logs(
    container: string,
    { follow, tail }: LogsOptions,
    { io, withClient }: Context,
): Promise<number> {
    return withClient(async (client) => {
        const token = randomUUID();
        client.onProgress(LogProgress, token, (lines) => {
            for (const line of lines) {
                const bytes = Buffer.byteLength(line.text);
                const stream = io[line.stream];
                stream.write(logText(line, stream.isTTY), () => {
                    client.notify(AcknowledgeNotification, { token, bytes }).catch(() => undefined);
                });
            }
        });
        const cancellation = new CancellationTokenSource();
        await untilInterrupted(
            client.request(LogsRequest, { container, tail, follow, token }, cancellation.token),
            () => cancellation.cancel(),
        );
        return EXIT.ok;
    });
}

/** A line as it is printed: to a terminal without control characters, to a file as it was. */
export function logText({ text, partial }: LogLine, terminal: boolean): string {
    return `${terminal ? printableLine(text) : text}${partial ? "" : "\n"}`;
}
