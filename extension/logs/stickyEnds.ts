/** Editors that show the end of a growing document go on showing its end. */
import * as vscode from "vscode";

/** How an editor looked when that last changed. */
interface View {
    /** First line that was visible. */
    start: number;
    /** Whether the end is to be shown: from the beginning, and until the user scrolls up. */
    follows: boolean;
}

export class StickyEnds implements vscode.Disposable {
    private readonly views = new WeakMap<vscode.TextEditor, View>();
    private readonly disposables: vscode.Disposable;

    /** @param scheme of the documents that this is for */
    constructor(private readonly scheme: string) {
        this.disposables = vscode.Disposable.from(
            vscode.workspace.onDidChangeTextDocument(({ document }) => this.grown(document)),
            vscode.window.onDidChangeTextEditorVisibleRanges(({ textEditor, visibleRanges }) =>
                this.scrolled(textEditor, visibleRanges),
            ),
        );
    }

    /** Whether somebody looks at something else in it than its end. */
    isReadElsewhere(document: vscode.TextDocument): boolean {
        return vscode.window.visibleTextEditors.some(
            (editor) => editor.document === document && this.views.get(editor)?.follows === false,
        );
    }

    dispose(): void {
        this.disposables.dispose();
    }

    private grown(document: vscode.TextDocument): void {
        for (const editor of vscode.window.visibleTextEditors) {
            const isOurs = editor.document === document && document.uri.scheme === this.scheme;
            if (isOurs && this.views.get(editor)?.follows !== false) {
                revealEnd(editor);
            }
        }
    }

    private scrolled(editor: vscode.TextEditor, visible: readonly vscode.Range[]): void {
        const [first] = visible;
        if (editor.document.uri.scheme !== this.scheme || first === undefined) {
            return;
        }
        const start = first.start.line;
        const end = visible.at(-1)?.end.line ?? start;
        const before = this.views.get(editor) ?? { start: 0, follows: true };
        const atEnd = end >= editor.document.lineCount - 2;
        // A smaller window, or an event from before the last lines came, does not show the end
        // either; but only the user goes up.
        const follows = atEnd || (before.follows && start >= before.start);
        this.views.set(editor, { start, follows });
        if (follows && !atEnd) {
            revealEnd(editor);
        }
    }
}

/** Scrolls an editor to the last line of its document. */
export function revealEnd(editor: vscode.TextEditor): void {
    const { document } = editor;
    editor.revealRange(document.lineAt(document.lineCount - 1).range);
}
