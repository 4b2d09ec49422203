import assert from "node:assert/strict";
import * as vscode from "vscode";

interface Manifest {
    contributes: { commands: { command: string }[] };
}

function extension(): vscode.Extension<unknown> {
    const found = vscode.extensions.getExtension("my-container-manager.my-container-manager");
    assert.ok(found, "the extension is not installed");
    return found;
}

describe("the extension in VS Code", () => {
    it("runs where the workspace is", () => {
        assert.equal(extension().extensionKind, vscode.ExtensionKind.Workspace);
    });

    it("registers every command that its manifest contributes", async () => {
        await extension().activate();
        const registered = new Set(await vscode.commands.getCommands(true));
        const { contributes } = extension().packageJSON as Manifest;
        const missing = contributes.commands.filter(({ command }) => !registered.has(command));
        assert.deepEqual(missing, []);
    });
});
