/** The item of the status bar: how many containers run, and what all of them use. */
import * as vscode from "vscode";
import type { ContainerModel } from "../model";
import { onDidChangeSettings, SECTION, settings } from "../settings";
import { metersText, metersSpoken, writeMetersHover } from "./metersText";
import { totals } from "./totals";

const ITEM_ID = "meters";
/** Right of what VS Code itself shows about the window and the branch. */
const PRIORITY = -10;

export class Meters implements vscode.Disposable {
    private readonly item: vscode.StatusBarItem;
    private readonly disposables: vscode.Disposable;

    constructor(private readonly model: ContainerModel) {
        this.item = vscode.window.createStatusBarItem(
            ITEM_ID,
            vscode.StatusBarAlignment.Left,
            PRIORITY,
        );
        this.item.name = vscode.l10n.t("Container Meters");
        this.item.command = `${SECTION}.containers.focus`;
        this.disposables = vscode.Disposable.from(
            this.item,
            model.onDidChange(() => this.draw()),
            model.onDidSample(() => this.draw()),
            onDidChangeSettings(() => this.settingsChanged()),
        );
        this.settingsChanged();
    }

    dispose(): void {
        this.disposables.dispose();
    }

    private settingsChanged(): void {
        const { metersVisible, sampleInterval } = settings();
        this.model.wantSamples(ITEM_ID, metersVisible ? sampleInterval : undefined);
        this.draw();
    }

    private draw(): void {
        const { metersVisible, warnAt } = settings();
        if (!metersVisible || !this.model.loaded) {
            this.item.hide();
            return;
        }
        const { item, model } = this;
        const sums = totals(model.all, (id) => model.usage(id), warnAt);
        const hover = new vscode.MarkdownString(undefined, true);
        writeMetersHover(hover, sums, model.sample?.host);
        item.text = metersText(sums);
        item.tooltip = hover;
        item.accessibilityInformation = { label: metersSpoken(sums) };
        item.backgroundColor =
            sums.nearLimit.length > 0
                ? new vscode.ThemeColor("statusBarItem.warningBackground")
                : undefined;
        item.show();
    }
}
