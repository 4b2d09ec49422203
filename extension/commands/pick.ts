/** Asks which container a command is for. */
import * as vscode from "vscode";
import type { ContainerSummary } from "../../server/protocol";
import type { ContainerModel } from "../model";
import { rootfsName, sorted } from "../view/arrange";
import { formatCommand } from "../view/format";
import { figures, stateIcon, stateText } from "../view/rows";
import type { ContainerCommand } from "./table";

interface ContainerPick extends vscode.QuickPickItem {
    container: ContainerSummary;
}

function pickOf(model: ContainerModel, container: ContainerSummary): ContainerPick {
    const { id, color } = stateIcon(container.state);
    const usage = model.usage(container.id);
    return {
        label: container.name,
        description: usage === undefined ? stateText(container.state) : figures(usage),
        detail: [rootfsName(container), formatCommand(container.command)].join("  "),
        iconPath: new vscode.ThemeIcon(id, color ? new vscode.ThemeColor(color) : undefined),
        container,
    };
}

/** Those of the containers that fit the command which are picked; none when there is none. */
export async function pickContainers(
    model: ContainerModel,
    command: Pick<ContainerCommand, "fits" | "title" | "none" | "many">,
): Promise<ContainerSummary[]> {
    const fitting = model.all.filter((container) => command.fits(container));
    if (fitting.length === 0) {
        void vscode.window.showInformationMessage(command.none());
        return [];
    }
    const items = sorted(fitting, "name", (id) => model.usage(id)).map((container) =>
        pickOf(model, container),
    );
    const options = { title: command.title(), matchOnDescription: true, matchOnDetail: true };
    if (command.many) {
        const chosen = await vscode.window.showQuickPick(items, { ...options, canPickMany: true });
        return (chosen ?? []).map(({ container }) => container);
    }
    const chosen = await vscode.window.showQuickPick(items, options);
    return chosen === undefined ? [] : [chosen.container];
}
