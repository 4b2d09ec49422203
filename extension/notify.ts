/** Shows errors: once, in words, with what to do next. */
import * as vscode from "vscode";
import type { ContainerId } from "../server/protocol";
import { explain } from "./text";

/** A notification about an error, and the next step if one is chosen. Silent when cancelled. */
export async function showError(
    error: unknown,
    output: vscode.LogOutputChannel,
    container?: ContainerId,
): Promise<void> {
    const trouble = explain(error);
    if (trouble === undefined) {
        return;
    }
    output.error(error instanceof Error ? error : String(error));
    const next = trouble.next.filter((step) => container !== undefined || !step.ofContainer);
    const chosen = await vscode.window.showErrorMessage(trouble.message, ...next);
    if (chosen !== undefined) {
        const args = chosen.ofContainer ? [container] : [];
        await vscode.commands.executeCommand(chosen.command, ...args);
    }
}
