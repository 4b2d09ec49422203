/** What the output channel "Containers" shows of the backend: every privileged request. */
import * as vscode from "vscode";
import { BackendLogNotification } from "../server/protocol";
import type { Connection } from "./connection";

/** Copies the backend's log to `output` and notes there when the connection comes and goes. */
export function relayBackendLog(
    connection: Connection,
    output: vscode.LogOutputChannel,
): vscode.Disposable {
    return vscode.Disposable.from(
        connection.onNotification(BackendLogNotification, ({ level, message }) => {
            output[level](`backend: ${message}`);
        }),
        connection.onDidChangeState((state) => {
            output.info(`${state}: ${connection.socketPath}`);
        }),
    );
}
