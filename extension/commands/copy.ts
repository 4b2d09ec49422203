/** Commands that copy to the clipboard. */
import * as vscode from "vscode";
import type { ContainerSummary } from "../../server/protocol";
import type { Services } from "../services";
import type { DetailNode } from "../view/nodes";

/** Milliseconds that the status bar says what was copied. */
const SAID = 3000;

async function copy(text: string): Promise<void> {
    await vscode.env.clipboard.writeText(text);
    const first = text.split("\n", 1).join("");
    vscode.window.setStatusBarMessage(vscode.l10n.t("Copied {0}", first), SAID);
}

/** One a line. */
export function copyIds(_: Services, containers: ContainerSummary[]): Promise<void> {
    return copy(containers.map(({ id }) => id).join("\n"));
}

/** One a line. */
export function copyNames(_: Services, containers: ContainerSummary[]): Promise<void> {
    return copy(containers.map(({ name }) => name).join("\n"));
}

/** @param node the row below a container that was clicked */
export async function copyDetail({ view }: Services, node: unknown): Promise<void> {
    const detail = view.detailOf(node as DetailNode);
    if (detail !== undefined) {
        await copy(detail.value);
    }
}
