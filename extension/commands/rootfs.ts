/** Commands for imported root file systems. */
import path from "node:path";
import { randomUUID } from "node:crypto";
import * as vscode from "vscode";
import {
    ImportProgress,
    type RootfsInfo,
    RootfsImportRequest,
    RootfsListRequest,
    RootfsRemoveRequest,
} from "../../server/protocol";
import { nameFrom, nameProblem } from "../run/validate";
import type { Services } from "../services";
import { formatBytes } from "../view/format";

/** What `docker export` and others write, by the end of the file's name. */
const TARBALLS = ["tar", "gz", "tgz", "xz", "bz2", "zst"];

export type SourceKind = "folder" | "tarball";

/** A folder or a tarball of this computer; undefined when none was chosen. */
export async function chooseSource(kind: SourceKind): Promise<string | undefined> {
    const isFolder = kind === "folder";
    const chosen = await vscode.window.showOpenDialog({
        title: vscode.l10n.t("Root File System"),
        openLabel: vscode.l10n.t("Choose"),
        canSelectFiles: !isFolder,
        canSelectFolders: isFolder,
        ...(isFolder ? {} : { filters: { [vscode.l10n.t("Tarballs")]: TARBALLS } }),
    });
    return chosen?.[0]?.fsPath;
}

/** Asks for a source and a name, and imports. */
export async function importRootfs(services: Services): Promise<void> {
    const kinds: (vscode.QuickPickItem & { source: SourceKind })[] = [
        {
            label: vscode.l10n.t("Tarball…"),
            description: vscode.l10n.t("as docker export writes it"),
            iconPath: new vscode.ThemeIcon("file-zip"),
            source: "tarball",
        },
        {
            label: vscode.l10n.t("Folder…"),
            description: vscode.l10n.t("with /bin, /usr and the rest in it; it is copied"),
            iconPath: new vscode.ThemeIcon("folder"),
            source: "folder",
        },
    ];
    const title = vscode.l10n.t("Import a root file system from");
    const kind = await vscode.window.showQuickPick(kinds, { title });
    const source = kind && (await chooseSource(kind.source));
    const imported = source && (await importFrom(services, source));
    if (imported) {
        const run = vscode.l10n.t("Run Container…");
        const message = vscode.l10n.t(
            "Imported “{0}”, {1}.",
            imported.name,
            formatBytes(imported.size),
        );
        if ((await vscode.window.showInformationMessage(message, run)) === run) {
            await vscode.commands.executeCommand("myContainerManager.run");
        }
    }
}

/** Imports what is at `source` under a name that is asked for, with progress. */
export async function importFrom(
    { connection }: Services,
    source: string,
): Promise<RootfsInfo | undefined> {
    const taken = (await connection.request(RootfsListRequest)).map(({ name }) => name);
    const name = await vscode.window.showInputBox({
        title: vscode.l10n.t("Import a root file system"),
        prompt: vscode.l10n.t("Its name, to run containers from it later"),
        value: nameFrom(path.basename(source), taken),
        validateInput: (value) =>
            value === "" ? vscode.l10n.t("A name is needed.") : nameProblem(value, taken),
    });
    if (name === undefined) {
        return undefined;
    }
    const options = {
        location: vscode.ProgressLocation.Notification,
        title: vscode.l10n.t("Importing “{0}”", name),
        cancellable: true,
    };
    return vscode.window.withProgress(options, async (progress, cancelled) => {
        const token = randomUUID();
        const listener = connection.onProgress(ImportProgress, token, ({ entries, bytes }) => {
            const message = vscode.l10n.t("{0} files, {1}", entries, formatBytes(bytes));
            progress.report({ message });
        });
        try {
            return await connection.request(
                RootfsImportRequest,
                { name, source, token },
                cancelled,
            );
        } finally {
            listener.dispose();
        }
    });
}

/** Asks which to remove, and removes it. */
export async function removeRootfs({ connection }: Services): Promise<void> {
    const list = await connection.request(RootfsListRequest);
    if (list.length === 0) {
        void vscode.window.showInformationMessage(
            vscode.l10n.t("No root file system was imported."),
        );
        return;
    }
    const items = list.map((rootfs) => ({
        label: rootfs.name,
        description: formatBytes(rootfs.size),
        detail:
            rootfs.usedBy.length > 0 ? vscode.l10n.t("used by {0}", rootfs.usedBy.join(", ")) : "",
        rootfs,
    }));
    const title = vscode.l10n.t("Remove an imported root file system");
    const chosen = await vscode.window.showQuickPick(items, { title });
    if (chosen === undefined) {
        return;
    }
    const remove = vscode.l10n.t("Remove");
    const message = vscode.l10n.t("Remove the root file system “{0}”?", chosen.label);
    const detail = vscode.l10n.t(
        "{0} are freed. It came from {1}.",
        chosen.description,
        chosen.rootfs.source,
    );
    const options = { modal: true, detail };
    if ((await vscode.window.showWarningMessage(message, options, remove)) === remove) {
        await connection.request(RootfsRemoveRequest, { name: chosen.label });
    }
}
