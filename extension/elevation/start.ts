/** The command that starts a backend, and the rung of the ladder for root, who may just run it. */
import { execFile } from "node:child_process";
import { startCommand } from "../../server/launch";
import type { Result } from "./ladder";

/** Runs Electron, which is what a desktop VS Code's extension host is, as plain Node. */
const AS_NODE = "ELECTRON_RUN_AS_NODE";

/**
 * Command that, run as root, makes sure that a backend serves `uid`.
 *
 * @param electron whether `nodePath` is Electron. Neither pkexec nor sudo passes the environment
 *     on, so that the variable stands in the command.
 */
export function backendCommand(
    nodePath: string,
    serverPath: string,
    uid: number,
    electron: boolean,
): string[] {
    const command = startCommand(nodePath, serverPath, uid);
    return electron ? ["/usr/bin/env", `${AS_NODE}=1`, ...command] : command;
}

/** Runs it as the user we are, root. */
export function startDirectly(argv: readonly string[]): Promise<Result> {
    const [program = "", ...rest] = argv;
    return new Promise((resolve) => {
        execFile(program, rest, { encoding: "utf8" }, (error, stdout, stderr) => {
            resolve(
                error === null
                    ? { kind: "started" }
                    : { kind: "failed", reason: reasonOf(stdout, stderr, error.message) },
            );
        });
    });
}

/** The one line in which the command says why it failed, wherever that line is. */
export function reasonOf(stdout: string, stderr: string, otherwise: string): string {
    const lastLine = (text: string) => text.trim().split("\n").at(-1)?.trim() ?? "";
    return lastLine(stderr) || lastLine(stdout) || otherwise;
}
