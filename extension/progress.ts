/** Progress of what may take a while. */
import * as vscode from "vscode";

/** What takes longer than so many milliseconds is shown, with a way to cancel it. */
const PATIENCE = 1000;

/**
 * Does `work`, and shows a notification with `title` and a Cancel button when that takes longer
 * than a moment.
 */
export async function withSlowProgress<T>(
    title: string,
    work: (token: vscode.CancellationToken) => Promise<T>,
): Promise<T> {
    const source = new vscode.CancellationTokenSource();
    const done = work(source.token);
    const timer = setTimeout(() => {
        const options = {
            location: vscode.ProgressLocation.Notification,
            title,
            cancellable: true,
        };
        void vscode.window.withProgress(options, async (_, token) => {
            token.onCancellationRequested(() => source.cancel());
            // How it ends is for the caller to tell.
            await done.catch(() => undefined);
        });
    }, PATIENCE);
    try {
        return await done;
    } finally {
        clearTimeout(timer);
        source.dispose();
    }
}
