/** Context keys: what the manifest's `when` clauses can depend on. */
import * as vscode from "vscode";
import { SECTION } from "../settings";

const values = new Map<string, unknown>();

/** Sets `myContainerManager.<key>`, unless it is that already. */
export function setContext(key: string, value: unknown): void {
    if (values.get(key) !== value) {
        values.set(key, value);
        void vscode.commands.executeCommand("setContext", `${SECTION}.${key}`, value);
    }
}
