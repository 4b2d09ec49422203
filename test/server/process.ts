/** A real backend process, as it is shipped, in directories of a test's own. */
import { spawn, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { MessageConnection } from "vscode-jsonrpc/node";
import { connectTo } from "../../server/launch";
import { BackendInfoRequest } from "../../server/protocol";
import { processStartTime } from "../../server/state";
import { root, type TemporaryRoots } from "../support/fixtures";
import { greet, listen } from "./client";

/** The program, as the build makes it. */
export const SERVER = join(root, "out/server.js");

export interface Outcome {
    code: number | null;
    stdout: string;
}

/** Runs a program to its end. */
export async function outcomeOf(
    program: string,
    args: string[],
    options: SpawnOptions,
): Promise<Outcome> {
    const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "inherit"] });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, stdout };
}

/** `server.js start` and what it says. */
export function startBackend(
    roots: TemporaryRoots,
    uid = 0,
    extra: string[] = [],
    options: SpawnOptions = {},
    server = SERVER,
): Promise<Outcome> {
    const args = [server, "start", "--uid", String(uid), ...extra];
    return outcomeOf(process.execPath, args, {
        env: { ...process.env, ...roots.env },
        ...options,
    });
}

/** Where a backend of these directories listens for `uid`. */
export function socketOf(roots: TemporaryRoots, uid = 0): string {
    return join(roots.runDir, `backend-${uid}.sock`);
}

/** A client of the running backend, and the backend's pid. */
export async function connectBackend(
    roots: TemporaryRoots,
    uid = 0,
): Promise<{ connection: MessageConnection; pid: number; close: () => void }> {
    const socket = await connectTo(socketOf(roots, uid));
    const connection = listen(socket);
    // Requests that wait for an answer are then rejected; the library leaves them waiting.
    socket.once("close", () => connection.dispose());
    await greet(connection);
    const { pid } = await connection.sendRequest(BackendInfoRequest);
    return {
        connection,
        pid,
        close() {
            connection.dispose();
            socket.destroy();
        },
    };
}

/** True while a process with this pid runs; one that nobody has waited for yet has ended. */
export function isThere(pid: number): boolean {
    return processStartTime(pid) !== undefined;
}
