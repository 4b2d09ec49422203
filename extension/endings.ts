/** Tells of containers that ended unasked. */
import * as vscode from "vscode";
import type { ContainerId, ContainerSummary } from "../server/protocol";
import { isLive } from "./liveness";
import { endingText } from "./endingText";
import type { Activity, ContainerModel } from "./model";
import { SECTION, settings } from "./settings";

/** What is done to containers that ends them; other doings have no part in an end. */
const ENDING = new Set<Activity | undefined>(["stopping", "restarting", "killing", "removing"]);

export class Endings implements vscode.Disposable {
    /** Process ids of the containers that were seen running. */
    private readonly running = new Map<ContainerId, number>();
    /** Those processes that somebody here is ending: their end is no news. */
    private readonly asked = new Set<number>();
    private readonly subscription: vscode.Disposable;

    constructor(private readonly model: ContainerModel) {
        this.subscription = vscode.Disposable.from(model.onDidChange(() => this.look()));
    }

    dispose(): void {
        this.subscription.dispose();
    }

    private look(): void {
        for (const container of this.model.all) {
            const { id, state } = container;
            if (isLive(state)) {
                this.running.set(id, state.pid);
                if (ENDING.has(this.model.activity(id))) {
                    this.asked.add(state.pid);
                }
                continue;
            }
            const pid = this.running.get(id);
            this.running.delete(id);
            if (pid !== undefined && !this.asked.delete(pid)) {
                this.tell(container);
            }
        }
    }

    private tell(container: ContainerSummary): void {
        const message = settings().notifyEndings ? endingText(container) : undefined;
        if (message !== undefined) {
            void offer(message, container.id);
        }
    }
}

async function offer(message: string, id: ContainerId): Promise<void> {
    const showLogs = vscode.l10n.t("Show Logs");
    const startAgain = vscode.l10n.t("Start Again");
    const never = vscode.l10n.t("Don't Show Again");
    const buttons = [showLogs, startAgain, never];
    switch (await vscode.window.showWarningMessage(message, ...buttons)) {
        case showLogs:
            await vscode.commands.executeCommand(`${SECTION}.showLogs`, id);
            break;
        case startAgain:
            await vscode.commands.executeCommand(`${SECTION}.start`, id);
            break;
        case never:
            await vscode.workspace
                .getConfiguration(SECTION)
                .update("notifyEndings", false, vscode.ConfigurationTarget.Global);
            break;
        case undefined:
            break;
    }
}
