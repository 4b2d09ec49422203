/** The rung of the ladder that asks in a terminal: sudo, and the password is never ours to see. */
import { access, constants } from "node:fs/promises";
import path from "node:path";
import * as vscode from "vscode";
import type { Connection } from "../connection";
import type { Result } from "./ladder";
import { quoteForShell } from "./quoting";

/**
 * What the terminal's shell does with its arguments, sudo's. They are its positional parameters
 * and never text that it reads. When sudo or the command fails, the reason has to stay readable.
 */
const SCRIPT = 'sudo -- "$@" || { printf "\\n%s" "$0"; read -r _; }';

/**
 * Runs the command that starts a backend with sudo in a visible terminal. Resolves when a backend
 * answers, or when sudo or the terminal has ended without one.
 */
export async function startInTerminal(
    argv: readonly string[],
    connection: Connection,
): Promise<Result> {
    if (!(await isInstalled("sudo"))) {
        return {
            kind: "failed",
            reason: vscode.l10n.t(
                "Neither polkit nor sudo can ask for a password here. Run this as root: {0}",
                quoteForShell(argv),
            ),
        };
    }
    const terminal = vscode.window.createTerminal({
        name: vscode.l10n.t("Start Backend"),
        iconPath: new vscode.ThemeIcon("shield"),
        shellPath: "/bin/sh",
        shellArgs: ["-c", SCRIPT, vscode.l10n.t("Press Enter to close."), ...argv],
        message: vscode.l10n.t(
            "Containers are run by a backend with root's rights. This starts it:\r\n{0}",
            quoteForShell(["sudo", "--", ...argv]),
        ),
        isTransient: true,
    });
    terminal.show();
    return waitForEither(terminal, connection);
}

function waitForEither(terminal: vscode.Terminal, connection: Connection): Promise<Result> {
    const listeners: vscode.Disposable[] = [];
    return new Promise<Result>((resolve) => {
        listeners.push(
            connection.onDidChangeState((state) => {
                if (state === "connected") {
                    resolve({ kind: "connected" });
                }
            }),
            vscode.window.onDidCloseTerminal((closed) => {
                if (closed === terminal) {
                    // Why it failed was read in the terminal; and closing it is an answer too.
                    void connection
                        .connect()
                        .then((isUp) => resolve({ kind: isUp ? "connected" : "dismissed" }));
                }
            }),
        );
    }).finally(() => {
        vscode.Disposable.from(...listeners).dispose();
    });
}

async function isInstalled(program: string): Promise<boolean> {
    for (const directory of (process.env.PATH ?? "").split(path.delimiter)) {
        try {
            await access(path.join(directory, program), constants.X_OK);
            return true;
        } catch {
            // Not there.
        }
    }
    return false;
}
