/** Rows as VS Code wants them. */
import * as vscode from "vscode";
import type { ContainerSummary } from "../../server/protocol";
import type { ContainerModel } from "../model";
import type { Grouping } from "./arrange";
import type { Detail } from "./details";
import { HOVER_COMMANDS, writeHover } from "./hover";
import { containerRow, groupTitle, type Icon, type Row } from "./rows";

function themeIcon({ id, color }: Icon): vscode.ThemeIcon {
    return new vscode.ThemeIcon(id, color === undefined ? undefined : new vscode.ThemeColor(color));
}

/** What the container's row says now. */
export function rowOf(model: ContainerModel, container: ContainerSummary): Row {
    return containerRow(container, {
        usage: model.usage(container.id),
        activity: model.activity(container.id),
        failure: model.failure(container.id),
    });
}

/** Its tooltip is left for {@link containerHover}, which is asked for when it is to be shown. */
export function containerItem(row: Row): vscode.TreeItem {
    const item = new vscode.TreeItem(row.label, vscode.TreeItemCollapsibleState.Collapsed);
    item.description = row.description;
    item.iconPath = themeIcon(row.icon);
    item.contextValue = row.contextValue;
    item.accessibilityInformation = { label: row.spoken };
    return item;
}

export function containerHover(
    model: ContainerModel,
    container: ContainerSummary,
): vscode.MarkdownString {
    const markdown = new vscode.MarkdownString(undefined, true);
    markdown.isTrusted = { enabledCommands: HOVER_COMMANDS };
    writeHover(markdown, {
        container,
        history: model.history(container.id),
        activity: model.activity(container.id),
        failure: model.failure(container.id),
        now: Date.now(),
    });
    return markdown;
}

export function detailItem(detail: Detail): vscode.TreeItem {
    const item = new vscode.TreeItem(detail.label);
    item.description = detail.description;
    item.iconPath = themeIcon(detail.icon);
    item.tooltip = `${detail.label}: ${detail.value}`;
    item.contextValue = "detail";
    item.accessibilityInformation = { label: `${detail.label}, ${detail.value}` };
    return item;
}

export function groupItem(key: string, grouping: Grouping, members: number): vscode.TreeItem {
    const title = groupTitle(key, grouping);
    const item = new vscode.TreeItem(title, vscode.TreeItemCollapsibleState.Expanded);
    item.description = String(members);
    item.tooltip = title;
    item.contextValue = "group";
    return item;
}
