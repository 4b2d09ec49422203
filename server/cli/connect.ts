/** The two ways to a backend: in this process as root, through the user's socket otherwise. */
import type { Duplex } from "node:stream";
import {
    createMessageConnection,
    StreamMessageReader,
    StreamMessageWriter,
} from "vscode-jsonrpc/node";
import { connectTo, socketPath } from "../launch";
import { Client } from "./client";
import { CliError, NoBackendError } from "./errors";

/** A connection to the backend that serves this user; root needs none and gets its own. */
export async function connect(): Promise<Client> {
    if (process.getuid?.() === 0) {
        const { startInProcess } = await import("./inprocess");
        return openClient(await startInProcess());
    }
    return connectToSocket(process.getuid?.() ?? 0);
}

/**
 * A connection to the running backend of a user.
 *
 * @throws NoBackendError that says how to get one, when there is none
 */
export async function connectToSocket(uid: number): Promise<Client> {
    const socket = await connectTo(socketPath(uid)).catch((error: unknown) => {
        throw notReached(uid, error);
    });
    return openClient(socket);
}

function openClient(stream: Duplex): Promise<Client> {
    const connection = createMessageConnection(
        new StreamMessageReader(stream),
        new StreamMessageWriter(stream),
    );
    return Client.open(connection, () => stream.destroy());
}

function notReached(uid: number, error: unknown): CliError {
    const { code = "" } = error as NodeJS.ErrnoException;
    switch (code) {
        case "ENOENT":
        case "ECONNREFUSED":
            return new NoBackendError(
                `no backend runs for the user with uid ${uid}; start one from VS Code, ` +
                    `or with: sudo mcm backend start --uid ${uid}`,
            );
        case "EACCES":
        case "EPERM":
            return new CliError(
                `${socketPath(uid)} belongs to another user; use mcm as that user or as root`,
            );
        default:
            return new CliError(`connecting to ${socketPath(uid)} failed: ${String(error)}`);
    }
}
