import assert from "node:assert/strict";
import * as vscode from "vscode";
import { Connection } from "../../extension/connection";
import { eventually } from "../support/eventually";
import { log, SOCKET, startBackend, stateOf, stopBackend } from "./backends";

describe("the examination of this computer", () => {
    /** What the command shows; VS Code may first show what it showed the last time. */
    async function examine(pattern: RegExp): Promise<string> {
        await vscode.commands.executeCommand("myContainerManager.checkComputer");
        const document = vscode.window.activeTextEditor?.document;
        assert.equal(document?.uri.scheme, "my-container-manager-doctor");
        assert.equal(document.uri.path, "/This Computer");
        await eventually(() => pattern.test(document.getText()), `it shows ${String(pattern)}`);
        return document.getText();
    }

    afterEach(async () => {
        await vscode.commands.executeCommand("workbench.action.closeAllEditors");
    });

    it("is shown with the backend's own state when one runs", async () => {
        await startBackend();
        const other = new Connection(SOCKET, log);
        await other.connect();
        await stateOf(other, "connected");
        try {
            const text = await examine(/^✓ Backend/m);
            assert.match(text, /^This computer (has all|runs containers)/);
            assert.match(text, /^✓ Kernel +Linux /m);
            assert.match(text, /^✓ Backend +version .*, pid \d+, started .* ago$/m);
            assert.match(text, /^✓ Containers +\d+, of them \d+ running$/m);
        } finally {
            other.dispose();
        }
    });

    it("is shown without a backend, and starts none", async () => {
        await stopBackend();
        const text = await examine(/\nThe backend is not running\.\n$/);
        assert.match(text, /^✓ Control groups +(v1|v2|hybrid)$/m);
        const other = new Connection(SOCKET, log);
        assert.equal(await other.connect(), false);
        other.dispose();
    });
});
