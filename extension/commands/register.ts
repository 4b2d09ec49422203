/** Registers the commands: finds the containers each is for, and tells how it went. */
import * as vscode from "vscode";
import type { ContainerSummary } from "../../server/protocol";
import { showError } from "../notify";
import type { Services } from "../services";
import { SECTION } from "../settings";
import type { Node } from "../view/nodes";
import { stateText } from "../view/rows";
import { pickContainers } from "./pick";
import { type Command, commands, type ContainerCommand } from "./table";

/** What the manifest's keybindings pass as argument: the command is for the selected rows. */
const SELECTION = "selection";

export function registerCommands(services: Services): vscode.Disposable {
    return vscode.Disposable.from(
        ...commands.map((command) =>
            vscode.commands.registerCommand(`${SECTION}.${command.id}`, (...args: unknown[]) =>
                execute(services, command, args),
            ),
        ),
    );
}

async function execute(services: Services, command: Command, args: unknown[]): Promise<void> {
    let targets: ContainerSummary[] = [];
    try {
        const needsBackend = command.kind === "container" || command.needsBackend;
        if (needsBackend && !(await haveBackend(services))) {
            return;
        }
        if (command.kind === "plain") {
            await command.run(services, args[0]);
            return;
        }
        targets = await findTargets(services, command, args);
        if (targets.length > 0 && (await (command.confirm?.(targets) ?? true))) {
            await command.run(services, targets);
        }
    } catch (error) {
        // Not awaited: the command is over, whenever the notification is answered.
        void showError(error, services.output, targets.length === 1 ? targets[0]?.id : undefined);
    }
}

/** Whether there is a connected backend and its list, after offering to start one. */
async function haveBackend({ backend, connection, model }: Services): Promise<boolean> {
    if (connection.state !== "connected" && !(await connection.connect())) {
        const start = vscode.l10n.t("Start Backend");
        const chosen = await vscode.window.showWarningMessage(
            vscode.l10n.t("The backend is not running: it makes the containers, as root."),
            start,
        );
        if (chosen !== start || !(await backend.start())) {
            return false;
        }
    }
    if (!model.loaded) {
        await model.refresh();
    }
    return true;
}

/** The containers that a row, a link, the selection or a picker stands for. */
async function findTargets(
    services: Services,
    command: ContainerCommand,
    args: unknown[],
): Promise<ContainerSummary[]> {
    const given = containersGiven(services, args);
    if (given === undefined) {
        return pickContainers(services.model, command);
    }
    const fitting = given.filter((container) => command.fits(container));
    const [unfit] = given;
    if (fitting.length === 0 && unfit !== undefined) {
        void explainUnfit(command, unfit);
    }
    return command.many ? fitting : fitting.slice(0, 1);
}

function containersGiven(
    { model, view }: Services,
    [first, second]: unknown[],
): ContainerSummary[] | undefined {
    if (first === SELECTION) {
        return view.selection;
    }
    if (typeof first === "string") {
        const container = model.get(first);
        return container === undefined ? [] : [container];
    }
    if (isNode(first)) {
        // A click outside the selection is for the row that was clicked alone.
        const selected = Array.isArray(second) && second.includes(first) ? second : [first];
        return view.containersOf(selected.filter(isNode));
    }
    return undefined;
}

function isNode(value: unknown): value is Node {
    return typeof value === "object" && value !== null && "kind" in value;
}

async function explainUnfit(command: ContainerCommand, container: ContainerSummary): Promise<void> {
    const instead = command.instead?.(container);
    const message = vscode.l10n.t(
        "“{0}” is not one to do that with: {1}.",
        container.name,
        stateText(container.state),
    );
    const buttons = instead === undefined ? [] : [instead];
    const chosen = await vscode.window.showInformationMessage(message, ...buttons);
    if (chosen !== undefined) {
        await vscode.commands.executeCommand(`${SECTION}.${chosen.command}`, container.id);
    }
}
