/** "Container Shell" among the profiles of VS Code's terminal menu. */
import * as vscode from "vscode";
import type { ContainerSummary } from "../../server/protocol";
import type { Connection } from "../connection";
import type { ContainerModel } from "../model";

/** Also in package.json. */
const PROFILE = "myContainerManager.shell";

/**
 * @param optionsFor gives the terminal with a shell in the chosen container
 */
export function registerShellProfile(
    connection: Connection,
    model: ContainerModel,
    optionsFor: (container: ContainerSummary) => vscode.ExtensionTerminalOptions,
): vscode.Disposable {
    return vscode.window.registerTerminalProfileProvider(PROFILE, {
        async provideTerminalProfile(token) {
            if (connection.state !== "connected") {
                // Whoever asks for a shell in a container asks for the backend as well.
                await vscode.commands.executeCommand("myContainerManager.startBackend");
            }
            if (connection.state === "connected") {
                await model.refresh();
                const container = await chooseRunning(model.all, token);
                if (container !== undefined) {
                    const options = optionsFor(container);
                    showWhenOpen(options.pty);
                    return new vscode.TerminalProfile(options);
                }
            }
            throw new NothingChosen();
        },
    });
}

/** VS Code does not wait for the terminal that it makes of a profile, and so may not show it. */
function showWhenOpen(pty: vscode.Pseudoterminal): void {
    const listener = vscode.window.onDidOpenTerminal((terminal) => {
        const options = terminal.creationOptions;
        if ("pty" in options && options.pty === pty) {
            listener.dispose();
            terminal.show();
        }
    });
}

/** VS Code complains in a notification about a provider that gives nothing, and shows the message
 * of one that throws. Without a message there is nothing to show; all was said before. */
class NothingChosen extends Error {
    constructor() {
        super("");
    }
}

async function chooseRunning(
    containers: ContainerSummary[],
    token: vscode.CancellationToken,
): Promise<ContainerSummary | undefined> {
    const running = containers
        .filter(({ state }) => state.kind === "running")
        .sort((a, b) => a.name.localeCompare(b.name));
    if (running.length === 0) {
        void vscode.window.showInformationMessage(vscode.l10n.t("No container is running."));
    }
    if (running.length <= 1) {
        return running[0];
    }
    const items = running.map((container) => ({
        label: container.name,
        description: container.command.join(" "),
        iconPath: new vscode.ThemeIcon("package"),
        container,
    }));
    const placeHolder = vscode.l10n.t("Open a shell in");
    const chosen = await vscode.window.showQuickPick(items, { placeHolder }, token);
    return chosen?.container;
}
