/** Editors that show the end of a growing document go on showing its end. */
import * as vscode from "vscode";

export class StickyEnds implements vscode.Disposable {
    /** By editor: the last line when its end was last shown. Absent: the user looks elsewhere. */
    private readonly ends = new WeakMap<vscode.TextEditor, number>();
    private readonly seen = new WeakSet<vscode.TextEditor>();
    private readonly disposables: vscode.Disposable[];

    /** @param scheme of the documents that this is for */
    constructor(private readonly scheme: string) {
        this.disposables = [
            vscode.workspace.onDidChangeTextDocument(({ document }) => this.grown(document)),
            vscode.window.onDidChangeTextEditorVisibleRanges(({ textEditor, visibleRanges }) =>
                this.scrolled(textEditor, visibleRanges),
            ),
        ];
    }

    /** Whether somebody looks at something else in it than its end. */
    isReadElsewhere(document: vscode.TextDocument): boolean {
        return vscode.window.visibleTextEditors.some(
            (editor) =>
                editor.document === document && this.seen.has(editor) && !this.ends.has(editor),
        );
    }

    dispose(): void {
        vscode.Disposable.from(...this.disposables).dispose();
    }

    private grown(document: vscode.TextDocument): void {
        if (document.uri.scheme !== this.scheme) {
            return;
        }
        for (const editor of vscode.window.visibleTextEditors) {
            if (editor.document === document && (this.ends.has(editor) || !this.seen.has(editor))) {
                const last = document.lineCount - 1;
                this.ends.set(editor, last);
                editor.revealRange(document.lineAt(last).range);
            }
        }
    }

    private scrolled(editor: vscode.TextEditor, visible: readonly vscode.Range[]): void {
        if (editor.document.uri.scheme !== this.scheme) {
            return;
        }
        this.seen.add(editor);
        const last = editor.document.lineCount - 1;
        // The event may tell of a moment before the last lines came.
        const end = Math.min(this.ends.get(editor) ?? last, last);
        if ((visible.at(-1)?.end.line ?? 0) >= end - 1) {
            this.ends.set(editor, end);
        } else {
            this.ends.delete(editor);
        }
    }
}
