/** Commands that arrange the Containers view. */
import * as vscode from "vscode";
import type { Services } from "../services";
import type { Grouping, Order } from "../view/arrange";

/** Filters while one types; Escape brings back what was before. */
export async function editFilter({ view }: Services): Promise<void> {
    const before = view.arranged.filter;
    const input = vscode.window.createInputBox();
    input.title = vscode.l10n.t("Filter containers");
    input.placeholder = vscode.l10n.t("Name, id, command, root file system or state");
    input.value = before;
    input.onDidChangeValue((filter) => view.arrange({ filter: filter.trim() }));
    await new Promise<void>((resolve) => {
        let accepted = false;
        input.onDidAccept(() => {
            accepted = true;
            input.hide();
        });
        input.onDidHide(() => {
            if (!accepted) {
                view.arrange({ filter: before });
            }
            resolve();
        });
        input.show();
    });
    input.dispose();
}

export function clearFilter({ view }: Services): void {
    view.arrange({ filter: "" });
}

export async function chooseOrder({ view }: Services): Promise<void> {
    const orders: Record<Order, string> = {
        name: vscode.l10n.t("Name"),
        created: vscode.l10n.t("Newest First"),
        cpu: vscode.l10n.t("Most CPU First"),
        memory: vscode.l10n.t("Most Memory First"),
    };
    const title = vscode.l10n.t("Sort containers; running ones always come first");
    const order = await choose(orders, view.arranged.order, title);
    if (order !== undefined) {
        view.arrange({ order });
    }
}

export async function chooseGrouping({ view }: Services): Promise<void> {
    const groupings: Record<Grouping, string> = {
        none: vscode.l10n.t("Not at All"),
        state: vscode.l10n.t("State"),
        rootfs: vscode.l10n.t("Root File System"),
    };
    const grouping = await choose(
        groupings,
        view.arranged.grouping,
        vscode.l10n.t("Group containers by"),
    );
    if (grouping !== undefined) {
        view.arrange({ grouping });
    }
}

/** One of the keys of `titles`, the present one marked. */
async function choose<K extends string>(
    titles: Record<K, string>,
    present: K,
    title: string,
): Promise<K | undefined> {
    const items = (Object.keys(titles) as K[]).map((key) => ({
        label: titles[key],
        ...(key === present ? { iconPath: new vscode.ThemeIcon("check") } : {}),
        key,
    }));
    return (await vscode.window.showQuickPick(items, { title }))?.key;
}
