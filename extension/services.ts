/** What the extension is made of, as its commands see it. main.ts puts it together. */
import type * as vscode from "vscode";
import type { ContainerSummary } from "../server/protocol";
import type { Backend } from "./backend";
import type { Connection } from "./connection";
import type { DoctorDocument } from "./doctor";
import type { InspectDocuments } from "./commands/inspect";
import type { ContainerModel } from "./model";
import type { ContainersView } from "./view/tree";

/** Opens integrated terminals inside containers. */
export interface Terminals {
    /** A shell: bash where the container has one. */
    openShell(container: ContainerSummary): void;
    /** One more command, given as program and arguments. */
    runCommandInTerminal(container: ContainerSummary, command: string[]): void;
    /** The container's own command. */
    attach(container: ContainerSummary): void;
}

/** Shows what containers wrote. */
export interface LogViews {
    /** As a read-only document that follows. */
    showLogs(container: ContainerSummary): Promise<void>;
    followLogsInTerminal(container: ContainerSummary): void;
}

export interface Services {
    readonly context: vscode.ExtensionContext;
    readonly output: vscode.LogOutputChannel;
    readonly connection: Connection;
    readonly backend: Backend;
    readonly model: ContainerModel;
    readonly view: ContainersView;
    readonly terminals: Terminals;
    readonly logs: LogViews;
    readonly inspector: InspectDocuments;
    readonly doctor: DoctorDocument;
}
