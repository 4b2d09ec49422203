/**
 * Logs as read-only documents that follow. They are bounded, searchable and fold like any text;
 * a view that shows the end keeps showing the end.
 */
import * as vscode from "vscode";
import type { ContainerId, ContainerSummary } from "../../server/protocol";
import type { Connection } from "../connection";
import type { ContainerModel } from "../model";
import { LogStream } from "./stream";
import { revealEnd, StickyEnds } from "./stickyEnds";

const SCHEME = "mcm-log";

/** VS Code changes a document of up to so many characters only where it differs. A larger one it
 * replaces as a whole, and what was selected in it is lost. */
const REPLACED_FROM_CHARACTERS = 100_000;

export class LogDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
    private readonly changeEmitter = new vscode.EventEmitter<vscode.Uri>();
    private readonly streams = new Map<string, LogStream>();
    private readonly ends = new StickyEnds(SCHEME);
    private readonly disposables: vscode.Disposable;

    readonly onDidChange = this.changeEmitter.event;

    constructor(
        private readonly connection: Connection,
        private readonly model: ContainerModel,
    ) {
        this.disposables = vscode.Disposable.from(
            this.changeEmitter,
            vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
            vscode.workspace.onDidCloseTextDocument(({ uri }) => this.close(uri)),
            vscode.workspace.onDidChangeTextDocument(({ document }) =>
                this.streams.get(document.uri.toString())?.shown(),
            ),
            vscode.window.onDidChangeVisibleTextEditors(() => this.refreshShown()),
            vscode.window.onDidChangeTextEditorSelection(() => this.refreshShown()),
            vscode.window.onDidChangeTextEditorVisibleRanges(() => this.refreshShown()),
            model.onDidChange(() => {
                for (const stream of this.streams.values()) {
                    stream.containerChanged(model.get(stream.container));
                }
            }),
            this.ends,
        );
    }

    /** Opens the container's log, or brings it to the front, at its end. */
    async show({ id, name }: ContainerSummary): Promise<void> {
        // The name is what the tab says, and ".log" what language it is; the id is which one.
        const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${name}.log`, query: id });
        await this.stream(uri).begun;
        const document = await vscode.workspace.openTextDocument(uri);
        const editor = await vscode.window.showTextDocument(document, { preview: false });
        revealEnd(editor);
    }

    provideTextDocumentContent(uri: vscode.Uri): string {
        return this.stream(uri).content();
    }

    dispose(): void {
        for (const stream of this.streams.values()) {
            stream.dispose();
        }
        this.disposables.dispose();
    }

    private stream(uri: vscode.Uri): LogStream {
        const key = uri.toString();
        let stream = this.streams.get(key);
        if (stream === undefined) {
            const container: ContainerId = uri.query;
            stream = new LogStream(
                this.connection,
                container,
                this.model.get(container),
                (size) => {
                    const may = this.mayRefresh(uri, size);
                    if (may) {
                        this.changeEmitter.fire(uri);
                    }
                    return may;
                },
            );
            this.streams.set(key, stream);
        }
        return stream;
    }

    private close(uri: vscode.Uri): void {
        this.streams.get(uri.toString())?.dispose();
        this.streams.delete(uri.toString());
    }

    /**
     * Whether new text may be shown now: somebody sees it, and it takes nothing away that is being
     * read or selected.
     */
    private mayRefresh(uri: vscode.Uri, size: number): boolean {
        const editors = vscode.window.visibleTextEditors.filter(
            ({ document }) => document.uri.toString() === uri.toString(),
        );
        const isUsed = editors.some(
            ({ document, selection }) => !selection.isEmpty || this.ends.isReadElsewhere(document),
        );
        return editors.length > 0 && !(isUsed && size >= REPLACED_FROM_CHARACTERS);
    }

    private refreshShown(): void {
        for (const stream of this.streams.values()) {
            stream.refreshSoon();
        }
    }
}
