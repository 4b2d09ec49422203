/** Starts, stops and restarts the backend, and knows how that went. */
import { existsSync } from "node:fs";
import path from "node:path";
import * as vscode from "vscode";
import { BackendShutdownRequest } from "../server/protocol";
import { endOutdated } from "./client";
import { BackendUnavailable, type Connection, type ConnectionState } from "./connection";
import { firstStep, nextStep, type Outcome, type Result, type Step } from "./elevation/ladder";
import { isHeld, type Lock, takeLock } from "./elevation/lock";
import { startThroughPrompt } from "./elevation/prompt";
import { quoteForShell } from "./elevation/quoting";
import { backendCommand, startDirectly } from "./elevation/start";
import { startInTerminal } from "./elevation/terminal";
import { relayBackendLog } from "./output";

/** Also the values of the context key {@link CONTEXT_KEY}, which chooses the view's welcome. */
export type BackendState = "stopped" | "starting" | "connected" | "denied";

export const CONTEXT_KEY = "myContainerManager.backend";

/** How often a window looks whether another one is still asking for the password; a lock that is
 * released in a directory without a watcher has no event. Milliseconds. */
const OTHER_WINDOW_POLL_MS = 500;

/** How long a backend that was told to stop may take to go, in milliseconds. */
const STOP_PATIENCE_MS = 5000;

/** A backend that root started is started again when it died, but not for ever. */
const REVIVALS = { atMost: 3, withinMs: 60_000 };

export class Backend implements vscode.Disposable {
    private readonly stateEmitter = new vscode.EventEmitter<BackendState>();
    private readonly disposables: vscode.Disposable;
    private readonly uid = process.getuid?.() ?? -1;
    private readonly argv: readonly string[];
    private readonly revivals: number[] = [];
    private currentState: BackendState = "stopped";
    private lastConnectionState: ConnectionState;
    private climbing: Promise<boolean> | undefined;
    private stopping = false;

    readonly onDidChangeState = this.stateEmitter.event;

    constructor(
        private readonly context: vscode.ExtensionContext,
        private readonly connection: Connection,
        private readonly output: vscode.LogOutputChannel,
    ) {
        const server = path.join(context.extensionPath, "out", "server.js");
        const electron = process.versions.electron !== undefined;
        this.argv = backendCommand(process.execPath, server, this.uid, electron);
        this.lastConnectionState = connection.state;
        this.disposables = vscode.Disposable.from(
            this.stateEmitter,
            relayBackendLog(connection, output),
            connection.onDidChangeState((state) => this.connectionChanged(state)),
        );
    }

    get state(): BackendState {
        return this.currentState;
    }

    /** Uses a backend that runs already, without starting one and without a word. */
    async find(): Promise<void> {
        if (!(await this.connection.connect()) && this.climbing === undefined) {
            this.setState("stopped");
        }
    }

    /**
     * Makes sure that a backend runs and is connected, asking for a password if there is no other
     * way. Says why when it could not, unless the user did not want to. Calls while one is under
     * way share its end.
     *
     * @returns whether it runs
     */
    start(): Promise<boolean> {
        this.climbing ??= this.climb().finally(() => {
            this.climbing = undefined;
        });
        return this.climbing;
    }

    /** Ends the backend for all windows. Containers run on. */
    async stop(): Promise<void> {
        this.stopping = true;
        try {
            const gone = this.goneOrLate();
            await this.connection.request(BackendShutdownRequest);
            await gone;
        } catch (error) {
            // Not there, or it went before it had answered: stopped in any case.
            if (!(error instanceof BackendUnavailable)) {
                throw error;
            }
        } finally {
            this.stopping = false;
        }
        await this.connection.disconnect();
        this.output.info("The backend was stopped. Containers run on.");
    }

    /** Stops it, if it runs, and starts it again. */
    async restart(): Promise<void> {
        await this.stop();
        await this.start();
    }

    dispose(): void {
        this.disposables.dispose();
    }

    private async climb(): Promise<boolean> {
        this.setState("starting");
        let outcome: Outcome;
        let lock: Lock | undefined;
        try {
            let step: Step = firstStep;
            while (step.kind !== "end") {
                const result: Result = await this.perform(step, (taken) => (lock = taken));
                this.output.debug(`${step.kind}: ${JSON.stringify(result)}`);
                step = nextStep(step, result, this.uid);
            }
            outcome = step.outcome;
        } catch (error) {
            outcome = { kind: "failed", reason: (error as Error).message };
        } finally {
            await lock?.release();
        }
        if (this.connection.state === "connected") {
            // Meanwhile one was started elsewhere, whatever came of asking here.
            outcome = { kind: "running" };
        }
        this.conclude(outcome);
        return outcome.kind === "running";
    }

    private async perform(
        step: Exclude<Step, { kind: "end" }>,
        keep: (lock: Lock) => void,
    ): Promise<Result> {
        switch (step.kind) {
            case "connect":
            case "connectToStarted":
                return this.knock();
            case "replace":
                this.output.info("Ending a backend of another version. Containers run on.");
                await endOutdated(this.connection.socketPath);
                return { kind: "absent" };
            case "direct":
                this.logPrivileged(this.argv);
                return startDirectly(this.argv);
            case "lock": {
                const lock = await takeLock(this.context.globalStorageUri.fsPath);
                if (lock !== undefined) {
                    keep(lock);
                }
                return { kind: lock === undefined ? "busy" : "locked" };
            }
            case "waitForOther":
                return this.waitForOther();
            case "prompt":
                this.logPrivileged(["pkexec", ...this.argv]);
                return startThroughPrompt(this.argv);
            case "terminal":
                this.logPrivileged(["sudo", "--", ...this.argv]);
                return startInTerminal(this.argv, this.connection);
        }
    }

    private async knock(): Promise<Result> {
        const attempt = await this.connection.knock();
        return attempt.kind === "refused" ? { kind: "failed", reason: attempt.reason } : attempt;
    }

    private async waitForOther(): Promise<Result> {
        const directory = this.context.globalStorageUri.fsPath;
        while (await isHeld(directory)) {
            await new Promise((resolve) => setTimeout(resolve, OTHER_WINDOW_POLL_MS));
        }
        return { kind: (await this.connection.connect()) ? "connected" : "released" };
    }

    /** A backend that ends closes its connections last; until then it might be taken for the next. */
    private goneOrLate(): Promise<void> {
        return new Promise((resolve) => {
            const timer = setTimeout(done, STOP_PATIENCE_MS);
            const listener = this.connection.onDidChangeState(done);
            function done(): void {
                clearTimeout(timer);
                listener.dispose();
                resolve();
            }
        });
    }

    private conclude(outcome: Outcome): void {
        switch (outcome.kind) {
            case "running":
                this.setState("connected");
                break;
            case "dismissed":
                this.setState("stopped");
                break;
            case "denied":
                this.output.error(`Access was refused: ${outcome.reason}`);
                this.setState("denied");
                break;
            case "failed":
                this.output.error(`The backend did not start: ${outcome.reason}`);
                this.setState("stopped");
                void this.tellFailure(outcome.reason);
                break;
        }
    }

    private async tellFailure(reason: string): Promise<void> {
        const checkComputer = vscode.l10n.t("Check This Computer");
        const showLog = vscode.l10n.t("Show Log");
        const chosen = await vscode.window.showErrorMessage(
            vscode.l10n.t("The backend did not start: {0}", reason),
            checkComputer,
            showLog,
        );
        if (chosen === showLog) {
            this.output.show();
        } else if (chosen === checkComputer) {
            await vscode.commands.executeCommand("myContainerManager.checkComputer");
        }
    }

    private connectionChanged(state: ConnectionState): void {
        const wasConnected = this.lastConnectionState === "connected";
        this.lastConnectionState = state;
        if (state === "connected") {
            this.setState("connected");
        } else if (wasConnected && state === "connecting" && this.mayRevive()) {
            void this.start();
        } else if (state === "disconnected" && this.climbing === undefined) {
            this.setState("stopped");
        }
    }

    /**
     * Whether a backend that was just lost is to be started again without asking: only where that
     * needs no password, only if it died (one that was stopped takes its socket along), and not
     * if it keeps dying.
     */
    private mayRevive(): boolean {
        const since = Date.now() - REVIVALS.withinMs;
        while (this.revivals[0] !== undefined && this.revivals[0] < since) {
            this.revivals.shift();
        }
        const may =
            this.uid === 0 &&
            !this.stopping &&
            existsSync(this.connection.socketPath) &&
            this.revivals.length < REVIVALS.atMost;
        if (may) {
            this.revivals.push(Date.now());
        }
        return may;
    }

    private logPrivileged(argv: readonly string[]): void {
        this.output.info(`Starting the backend: ${quoteForShell(argv)}`);
    }

    private setState(state: BackendState): void {
        this.currentState = state;
        this.stateEmitter.fire(state);
        void vscode.commands.executeCommand("setContext", CONTEXT_KEY, state);
    }
}
