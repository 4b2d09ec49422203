/** Logs of containers, as documents and in terminals. */
import * as vscode from "vscode";
import type { ContainerSummary } from "../../server/protocol";
import type { Connection } from "../connection";
import type { ContainerModel } from "../model";
import type { LogViews } from "../services";
import { TitledTerminals } from "../terminal/titled";
import { LogDocuments } from "./documents";
import { LogTerminal } from "./logTerminal";

export class Logs implements LogViews, vscode.Disposable {
    private readonly documents: LogDocuments;
    private readonly terminals: TitledTerminals;

    constructor(
        private readonly connection: Connection,
        model: ContainerModel,
    ) {
        this.documents = new LogDocuments(connection, model);
        this.terminals = new TitledTerminals(model);
    }

    showLogs(container: ContainerSummary): Promise<void> {
        return this.documents.show(container);
    }

    followLogsInTerminal(container: ContainerSummary): void {
        const pty = new LogTerminal(this.connection, container.id);
        const title = (name: string) => vscode.l10n.t("{0} (logs)", name);
        this.terminals.show(container, pty, title);
    }

    dispose(): void {
        this.documents.dispose();
        this.terminals.dispose();
    }
}
