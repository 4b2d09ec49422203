/**
 * How a client that is not the backend finds and starts one. Besides the protocol this is all that
 * the extension knows of the server, so it imports node modules only.
 */
import { connect, type Socket } from "node:net";
import path from "node:path";

/** Runtime state: the sockets, the backends' logs, what runs. */
export const RUN_DIRECTORY = "/run/my-container-manager";

/** Root's override of {@link RUN_DIRECTORY}, for tests. */
export const RUN_DIRECTORY_VARIABLE = "MCM_RUN_DIR";

/**
 * The runtime directory. The environment counts for root only: what another user sets must never
 * decide where a root process writes.
 */
export function runDirectory(environment: NodeJS.ProcessEnv = process.env): string {
    const override = environment[RUN_DIRECTORY_VARIABLE];
    return override !== undefined && process.getuid?.() === 0 ? override : RUN_DIRECTORY;
}

/** Socket of the backend that serves the user `uid`. */
export function socketPath(uid: number, environment: NodeJS.ProcessEnv = process.env): string {
    return path.join(runDirectory(environment), `backend-${uid}.sock`);
}

/** File that the backend which serves the user `uid` writes its log to. */
export function logPath(uid: number, environment: NodeJS.ProcessEnv = process.env): string {
    return path.join(runDirectory(environment), `backend-${uid}.log`);
}

/**
 * Command that makes sure, as root, that a detached backend serves `uid`. It prints one line,
 * `ready SOCKET` or why not, and exits 0 or 1 at once.
 */
export function startCommand(nodePath: string, serverPath: string, uid: number): string[] {
    return [nodePath, serverPath, "start", "--uid", String(uid)];
}

/** How often a socket that is awaited is tried, in milliseconds. */
const RETRY_MS = 50;

/** Connects to a backend's socket. Rejects with what connect(2) says: ENOENT, ECONNREFUSED, … */
export function connectTo(socket: string): Promise<Socket> {
    return new Promise((resolve, reject) => {
        const stream = connect(socket);
        stream.once("error", reject);
        stream.once("connect", () => {
            stream.off("error", reject);
            resolve(stream);
        });
    });
}

/**
 * Waits until a backend accepts connections on `socket`, however it comes to be started, and gives
 * the connection. Rejects with the last reason after `timeoutMs`, or with the signal's.
 */
export async function waitForSocket(
    socket: string,
    timeoutMs: number,
    signal?: AbortSignal,
): Promise<Socket> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
        signal?.throwIfAborted();
        try {
            return await connectTo(socket);
        } catch (error) {
            if (Date.now() >= deadline) {
                throw error;
            }
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
}
