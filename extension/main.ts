/** Puts the extension together. Nothing here does anything by itself: see the parts. */
import * as l10n from "@vscode/l10n";
import * as vscode from "vscode";
import { socketPath } from "../server/launch";
import { Backend } from "./backend";
import { InspectDocuments } from "./commands/inspect";
import { registerCommands } from "./commands/register";
import { Connection } from "./connection";
import { DoctorDocument, commandLineOf } from "./doctor";
import { Endings } from "./endings";
import { Logs } from "./logs/logs";
import { ContainerModel } from "./model";
import type { Services } from "./services";
import { Sessions } from "./terminal/sessions";
import { Meters } from "./view/meters";
import type { Node } from "./view/nodes";
import { ContainersView } from "./view/tree";

/** What `activate` gives to other extensions. */
export interface Api {
    /** The rows of the Containers view. */
    readonly tree: vscode.TreeDataProvider<Node>;
}

/**
 * Called by VS Code when the view is first shown or a command first used; never at start-up.
 * Asks for no password and starts nothing: it connects when a backend answers already.
 */
export function activate(context: vscode.ExtensionContext): Api | undefined {
    if (process.platform !== "linux") {
        // The view's welcome says that containers need Linux; there is nothing to register.
        void vscode.commands.executeCommand("setContext", "myContainerManager.notLinux", true);
        return undefined;
    }
    if (vscode.l10n.bundle) {
        l10n.config({ contents: vscode.l10n.bundle });
    }
    const output = vscode.window.createOutputChannel("Containers", { log: true });
    const connection = new Connection(socketPath(process.getuid?.() ?? 0), output);
    const backend = new Backend(context, connection, output);
    const model = new ContainerModel(connection);
    const view = new ContainersView(model, context.workspaceState);
    const terminals = new Sessions(connection, model);
    const logs = new Logs(connection, model);
    const meters = new Meters(model);
    const inspector = new InspectDocuments(connection);
    const doctor = new DoctorDocument(connection, commandLineOf(context.extensionPath));
    const services: Services = {
        context,
        output,
        connection,
        backend,
        model,
        view,
        terminals,
        logs,
        inspector,
        doctor,
    };
    context.subscriptions.push(
        registerCommands(services),
        new Endings(model),
        meters,
        inspector,
        doctor,
        logs,
        terminals,
        view,
        model,
        backend,
        connection,
        output,
    );
    void backend.find();
    return { tree: view };
}
