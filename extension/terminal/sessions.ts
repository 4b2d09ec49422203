/** The terminals that are open inside containers. */
import * as vscode from "vscode";
import { type ContainerId, type ContainerSummary, SHELL } from "../../server/protocol";
import type { Connection } from "../connection";
import type { ContainerModel } from "../model";
import type { Terminals } from "../services";
import { registerShellProfile } from "./profile";
import { SessionTerminal } from "./sessionTerminal";
import { TitledTerminals } from "./titled";

export class Sessions implements Terminals, vscode.Disposable {
    private readonly terminals: TitledTerminals;
    private readonly profile: vscode.Disposable;

    constructor(
        private readonly connection: Connection,
        model: ContainerModel,
    ) {
        this.terminals = new TitledTerminals(model);
        this.profile = registerShellProfile(connection, model, (container) =>
            this.shellOptions(container),
        );
    }

    openShell(container: ContainerSummary): void {
        vscode.window.createTerminal(this.shellOptions(container)).show();
    }

    runCommandInTerminal(container: ContainerSummary, command: string[]): void {
        const pty = this.exec(container.id, command);
        const title = (name: string) => `${name}: ${command.join(" ")}`;
        this.terminals.show(container, pty, title);
    }

    attach(container: ContainerSummary): void {
        const session = { kind: "attach", container: container.id, tty: container.tty } as const;
        const pty = new SessionTerminal(this.connection, session);
        const title = (name: string) => vscode.l10n.t("{0} (attached)", name);
        this.terminals.show(container, pty, title);
    }

    dispose(): void {
        this.profile.dispose();
        this.terminals.dispose();
    }

    private shellOptions(container: ContainerSummary): vscode.ExtensionTerminalOptions {
        const pty = this.exec(container.id, [SHELL]);
        return this.terminals.options(container, pty, (name) => name);
    }

    private exec(container: ContainerId, command: string[]): SessionTerminal {
        return new SessionTerminal(this.connection, { kind: "exec", container, command });
    }
}
