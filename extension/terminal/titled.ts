/** Terminals that are titled by their container, also after it was renamed. */
import * as vscode from "vscode";
import type { ContainerId, ContainerSummary } from "../../server/protocol";
import type { ContainerModel } from "../model";
import type { StreamTerminal } from "./streamTerminal";

/** A terminal's title from a container's name. */
type Title = (name: string) => string;

interface Titled {
    pty: StreamTerminal;
    id: ContainerId;
    name: string;
    title: Title;
}

export class TitledTerminals implements vscode.Disposable {
    private readonly open = new Map<vscode.Pseudoterminal, Titled>();
    private readonly disposables: vscode.Disposable;

    constructor(private readonly model: ContainerModel) {
        this.disposables = vscode.Disposable.from(
            model.onDidChange(() => this.retitle()),
            vscode.window.onDidCloseTerminal(({ creationOptions }) => {
                if ("pty" in creationOptions) {
                    this.open.delete(creationOptions.pty);
                }
            }),
        );
    }

    /** How VS Code is to show `pty`. */
    options(
        { id, name }: Pick<ContainerSummary, "id" | "name">,
        pty: StreamTerminal,
        title: Title,
    ): vscode.ExtensionTerminalOptions {
        this.open.set(pty, { pty, id, name, title });
        return {
            name: title(name),
            pty,
            iconPath: new vscode.ThemeIcon("package"),
            // A session does not outlive its window; there would be nothing behind a restored one.
            isTransient: true,
        };
    }

    show(
        container: Pick<ContainerSummary, "id" | "name">,
        pty: StreamTerminal,
        title: Title,
    ): void {
        vscode.window.createTerminal(this.options(container, pty, title)).show();
    }

    /** Ends the sessions. VS Code keeps the terminals of an extension that went away; they say so. */
    dispose(): void {
        this.disposables.dispose();
        for (const { pty } of this.open.values()) {
            pty.close();
        }
    }

    private retitle(): void {
        for (const titled of this.open.values()) {
            const name = this.model.get(titled.id)?.name;
            if (name !== undefined && name !== titled.name) {
                titled.name = name;
                titled.pty.rename(titled.title(name));
            }
        }
    }
}
