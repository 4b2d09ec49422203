/** What feeds one log document: the container's log, followed for as long as it runs. */
import * as vscode from "vscode";
import {
    AcknowledgeNotification,
    type ContainerId,
    type ContainerSummary,
    type LogLine,
    LogProgress,
    LogsRequest,
} from "../../server/protocol";
import { isLive } from "../liveness";
import type { Connection } from "../connection";
import { LogText, MAX_CHARACTERS } from "./text";

/** Milliseconds between refreshes of a document. */
const REFRESH_MS = { atLeast: 200, atMost: 5000 };

/** A refresh takes VS Code some time, more for a large document: it is given this many times as
 * long before the next, so that a flood leaves the editor responsive. */
const REST = 10;

/** A container that has written nothing does not say so: milliseconds until that is shown. */
const PATIENCE_MS = 300;

/** Shorter lines than this on average and the bound is in lines. */
const MAX_LINES = MAX_CHARACTERS / 32;

export class LogStream implements vscode.Disposable {
    private readonly text = new LogText();
    private readonly disposables: vscode.Disposable[];
    private following: vscode.CancellationTokenSource | undefined;
    private token = "";
    /** Whether {@link content} says something else than what is shown. */
    private stale = false;
    /** Bytes of it that nobody has seen yet. */
    private unshown = 0;
    private timer: NodeJS.Timeout | undefined;
    /** When the last refresh began, and how long it or the one before took; milliseconds. */
    private refreshedAt = 0;
    private refreshTook = 0;
    private failure: string | undefined;
    /** Which of the container's runs is followed, and which is the last one. */
    private followedRun: string | undefined;
    private lastRun: string | undefined;

    /** Resolves when there is something to show, or nothing came for a moment. */
    readonly begun: Promise<void>;
    private begin: () => void = () => undefined;

    /**
     * @param refresh shows {@link content} anew, which is so many characters long now; returns
     *     false when that has to wait. Nothing is acknowledged before, so a flood has to wait too.
     */
    constructor(
        private readonly connection: Connection,
        readonly container: ContainerId,
        known: ContainerSummary | undefined,
        private readonly refresh: (size: number) => boolean,
    ) {
        this.begun = new Promise((resolve) => {
            this.begin = resolve;
            setTimeout(resolve, PATIENCE_MS);
        });
        this.lastRun = runOf(known);
        this.disposables = [
            connection.onDidChangeState((state) => {
                if (state === "connected") {
                    void this.follow();
                }
            }),
        ];
        void this.follow();
    }

    /** The document's text. */
    content(): string {
        if (this.failure !== undefined) {
            return this.failure;
        }
        const text = this.text.toString();
        if (text === "") {
            return vscode.l10n.t("This container has written nothing.");
        }
        return this.text.cut ? `${vscode.l10n.t("[Earlier lines are not shown.]")}\n${text}` : text;
    }

    /** A container that was started again has more to say. */
    containerChanged(container: ContainerSummary | undefined): void {
        this.lastRun = runOf(container) ?? this.lastRun;
        this.followLastRun();
    }

    /** Shows what has not been shown yet, if there is something. */
    refreshSoon(): void {
        if (!this.stale || this.timer !== undefined) {
            return;
        }
        const { atLeast, atMost } = REFRESH_MS;
        const delay = Math.min(Math.max(atLeast, this.refreshTook * REST), atMost);
        this.timer = setTimeout(() => {
            this.timer = undefined;
            this.show();
        }, delay);
    }

    /** A refresh has arrived. */
    shown(): void {
        this.refreshTook = performance.now() - this.refreshedAt;
    }

    dispose(): void {
        clearTimeout(this.timer);
        this.following?.cancel();
        vscode.Disposable.from(...this.disposables).dispose();
    }

    private followLastRun(): void {
        if (this.lastRun !== this.followedRun && this.following === undefined) {
            void this.follow();
        }
    }

    private async follow(): Promise<void> {
        this.following?.cancel();
        const following = new vscode.CancellationTokenSource();
        this.following = following;
        this.followedRun = this.lastRun;
        const token = crypto.randomUUID();
        this.token = token;
        this.unshown = 0;
        this.text.clear();
        this.failure = undefined;
        const { container } = this;
        const progress = this.connection.onProgress(LogProgress, token, (lines) =>
            this.take(lines),
        );
        try {
            await this.connection.request(
                LogsRequest,
                { container, token, tail: MAX_LINES, follow: true },
                following.token,
            );
        } catch (error) {
            if (!following.token.isCancellationRequested && this.text.length === 0) {
                this.failure = (error as Error).message;
            }
        } finally {
            progress.dispose();
            if (this.following === following) {
                this.following = undefined;
                this.begin();
                this.followLastRun();
            }
        }
    }

    private take(lines: readonly LogLine[]): void {
        this.text.append(lines);
        this.unshown += lines.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
        this.stale = true;
        this.begin();
        this.refreshSoon();
    }

    private show(): void {
        this.refreshedAt = performance.now();
        if (this.refresh(this.text.length)) {
            const bytes = this.unshown;
            this.unshown = 0;
            this.stale = false;
            this.connection.notify(AcknowledgeNotification, { token: this.token, bytes });
        }
    }
}

/** Tells the runs of a container apart: when the present one, or else the last one, began. */
function runOf(container: ContainerSummary | undefined): string | undefined {
    const state = container?.state;
    if (state !== undefined && isLive(state)) {
        return state.startedAt;
    }
    return state?.kind === "exited" ? state.exit.startedAt : undefined;
}
