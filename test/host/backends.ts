/** Backends and connections for the suites that need them. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import * as vscode from "vscode";
import { Connection } from "../../extension/connection";
import { socketPath, startCommand } from "../../server/launch";
import {
    BackendInfoRequest,
    BackendShutdownRequest,
    type ContainerSummary,
    RemoveRequest,
    RunRequest,
} from "../../server/protocol";
import { busyboxRootfs, root } from "../support/fixtures";

export const SOCKET = socketPath(0);

/** One for all suites: VS Code gives the same channel for the same name, also when it is closed. */
export const log = vscode.window.createOutputChannel("Tests", { log: true });

/** Starts the backend as root does. */
export async function startBackend(): Promise<void> {
    const [program = "", ...args] = startCommand(process.execPath, join(root, "out/server.js"), 0);
    const { stdout } = await promisify(execFile)(program, args);
    assert.equal(stdout, `ready ${SOCKET}\n`);
}

/** Ends the backend as its clients do, if there is one. */
export async function stopBackend(): Promise<void> {
    const connection = new Connection(SOCKET, log);
    if (await connection.connect()) {
        const gone = stateOf(connection, "disconnected");
        await connection.request(BackendShutdownRequest);
        await gone;
    }
    connection.dispose();
}

/** Kills the backend as the kernel would. */
export async function killBackend(connection: Connection): Promise<void> {
    const { pid } = await connection.request(BackendInfoRequest);
    process.kill(pid, "SIGKILL");
}

/** Resolves when the connection is in this state. */
export function stateOf(connection: Connection, state: Connection["state"]): Promise<void> {
    return new Promise((resolve) => {
        if (connection.state === state) {
            resolve();
            return;
        }
        const listener = connection.onDidChangeState((now) => {
            if (now === state) {
                listener.dispose();
                resolve();
            }
        });
    });
}

/** Runs a container of busybox with this shell script, or none. */
export async function runContainer(
    connection: Connection,
    script?: string,
): Promise<ContainerSummary> {
    const rootfs = { kind: "directory", path: await busyboxRootfs() } as const;
    const command = script === undefined ? [] : ["/bin/sh", "-c", script];
    return connection.request(RunRequest, { rootfs, command });
}

export async function removeContainer(
    connection: Connection,
    container: ContainerSummary | undefined,
): Promise<void> {
    if (container !== undefined) {
        await connection.request(RemoveRequest, { container: container.id, force: true });
    }
}
