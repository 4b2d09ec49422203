/**
 * What the extension knows of the containers: the last list, the last samples, and what is being
 * done to each. Views read it and listen; they never ask the backend themselves.
 */
import type {
    Disposable,
    Event,
    NotificationType,
    RequestType,
    RequestType0,
} from "vscode-jsonrpc";
import { Emitter } from "vscode-jsonrpc";
import type {
    ContainerId,
    ContainerSummary,
    DidChangeParams,
    StatsSample,
    Usage,
} from "../server/protocol";
import { isLive } from "./liveness";
import {
    DidChangeNotification,
    ListRequest,
    StatsNotification,
    StatsSubscribeRequest,
    StatsUnsubscribeRequest,
} from "../server/protocol";

export type ConnectionState = "disconnected" | "connecting" | "connected";

/** The part of the connection that the model needs. */
export interface Source {
    readonly state: ConnectionState;
    readonly onDidChangeState: Event<ConnectionState>;
    request<R, E>(type: RequestType0<R, E>): Promise<R>;
    request<P, R, E>(type: RequestType<P, R, E>, params: P): Promise<R>;
    onNotification<P>(type: NotificationType<P>, handler: (params: P) => void): Disposable;
}

/** What is being done to a container, from the request to its reply. */
export type Activity =
    | "starting"
    | "stopping"
    | "restarting"
    | "pausing"
    | "resuming"
    | "limiting"
    | "killing"
    | "removing"
    | "renaming";

export interface ModelChange {
    /** Containers whose row says something else now; those that are gone are not among them. */
    changed: readonly ContainerId[];
    /** Containers came, went, or changed their state or name: rows may have moved. */
    structure: boolean;
}

/** Samples kept per container. At the default interval this is the last minute. */
export const HISTORY_LENGTH = 60;

export class ContainerModel implements Disposable {
    private readonly changeEmitter = new Emitter<ModelChange>();
    private readonly sampleEmitter = new Emitter<StatsSample>();
    private readonly containers = new Map<ContainerId, ContainerSummary>();
    private readonly histories = new Map<ContainerId, Usage[]>();
    private readonly activities = new Map<ContainerId, Activity>();
    private readonly failures = new Map<ContainerId, string>();
    private readonly intervals = new Map<string, number>();
    private readonly disposables: Disposable[];
    /** Changes that came while the list was under way; they are newer than it. */
    private pending: DidChangeParams[] | undefined;
    private loading: Promise<void> | undefined;
    private isLoaded = false;
    private subscribedInterval: number | undefined;
    private lastSample: StatsSample | undefined;

    /** Fires after the containers, or what is being done to them, changed. */
    readonly onDidChange: Event<ModelChange> = this.changeEmitter.event;
    /** Fires after each sample. */
    readonly onDidSample: Event<StatsSample> = this.sampleEmitter.event;

    constructor(private readonly source: Source) {
        this.disposables = [
            this.changeEmitter,
            this.sampleEmitter,
            source.onDidChangeState((state) => this.connectionChanged(state)),
            source.onNotification(DidChangeNotification, (params) => this.apply(params)),
            source.onNotification(StatsNotification, (sample) => this.take(sample)),
        ];
        this.connectionChanged(source.state);
    }

    dispose(): void {
        for (const disposable of this.disposables) {
            disposable.dispose();
        }
    }

    /** All containers, in no particular order. */
    get all(): ContainerSummary[] {
        return [...this.containers.values()];
    }

    /** Whether the list is known: connected, and the first answer is here. */
    get loaded(): boolean {
        return this.isLoaded;
    }

    /** The last sample: how large this computer is, and what was used. */
    get sample(): StatsSample | undefined {
        return this.lastSample;
    }

    get(id: ContainerId): ContainerSummary | undefined {
        return this.containers.get(id);
    }

    /** The last figures of a running container. */
    usage(id: ContainerId): Usage | undefined {
        return this.histories.get(id)?.at(-1);
    }

    /** The last {@link HISTORY_LENGTH} figures of a running container, oldest first. */
    history(id: ContainerId): readonly Usage[] {
        return this.histories.get(id) ?? [];
    }

    activity(id: ContainerId): Activity | undefined {
        return this.activities.get(id);
    }

    /** Why the last thing asked of this container failed, in words. */
    failure(id: ContainerId): string | undefined {
        return this.failures.get(id);
    }

    /** Keeps on the container's row why something failed, until something else is done to it. */
    noteFailure(id: ContainerId, message: string): void {
        this.failures.set(id, message);
        this.changeEmitter.fire({ changed: [id], structure: false });
    }

    /** Does `work` while the container's row shows `activity`. */
    async during<T>(id: ContainerId, activity: Activity, work: () => Promise<T>): Promise<T> {
        this.activities.set(id, activity);
        this.failures.delete(id);
        this.changeEmitter.fire({ changed: [id], structure: false });
        try {
            return await work();
        } finally {
            this.activities.delete(id);
            if (this.containers.has(id)) {
                this.changeEmitter.fire({ changed: [id], structure: false });
            }
        }
    }

    /** Takes a summary that a reply brought, so that nobody has to wait for the notification. */
    update(summary: ContainerSummary): void {
        this.apply({ changed: [summary], removed: [] });
    }

    /** Asks for the list again, or for the first time. */
    refresh(): Promise<void> {
        this.loading ??= this.load().finally(() => {
            this.loading = undefined;
        });
        return this.loading;
    }

    /**
     * Asks for samples every so many milliseconds on behalf of one view, or for none any more. The
     * backend is asked for the shortest interval that any view wants.
     */
    wantSamples(view: string, intervalMs: number | undefined): void {
        if (intervalMs === undefined) {
            this.intervals.delete(view);
        } else {
            this.intervals.set(view, intervalMs);
        }
        this.subscribe();
    }

    private connectionChanged(state: ConnectionState): void {
        switch (state) {
            case "connected":
                this.subscribedInterval = undefined;
                this.subscribe();
                // A failure here means that the connection is gone again: its state says so.
                this.refresh().catch(() => undefined);
                break;
            case "connecting":
                // Containers run on while the backend is away: what was known stays on screen.
                break;
            case "disconnected":
                this.forget();
                break;
        }
    }

    private forget(): void {
        this.isLoaded = false;
        this.lastSample = undefined;
        for (const known of [this.containers, this.histories, this.activities, this.failures]) {
            known.clear();
        }
        this.changeEmitter.fire({ changed: [], structure: true });
    }

    private async load(): Promise<void> {
        const pending: DidChangeParams[] = [];
        this.pending = pending;
        let list: ContainerSummary[];
        try {
            list = await this.source.request(ListRequest);
        } finally {
            this.pending = undefined;
        }
        this.isLoaded = true;
        this.containers.clear();
        for (const container of list) {
            this.containers.set(container.id, container);
        }
        for (const params of pending) {
            this.merge(params);
        }
        for (const known of [this.histories, this.activities, this.failures]) {
            for (const id of known.keys()) {
                if (!this.containers.has(id)) {
                    known.delete(id);
                }
            }
        }
        this.changeEmitter.fire({ changed: [...this.containers.keys()], structure: true });
    }

    private apply(params: DidChangeParams): void {
        this.pending?.push(params);
        this.merge(params);
        this.changeEmitter.fire({
            changed: params.changed.map((container) => container.id),
            structure: true,
        });
    }

    private merge({ changed, removed }: DidChangeParams): void {
        for (const id of removed) {
            for (const known of [this.containers, this.histories, this.failures]) {
                known.delete(id);
            }
        }
        for (const container of changed) {
            this.containers.set(container.id, container);
            if (!isLive(container.state)) {
                this.histories.delete(container.id);
            }
        }
    }

    private take(sample: StatsSample): void {
        this.lastSample = sample;
        for (const [id, usage] of Object.entries(sample.usage)) {
            if (!this.containers.has(id)) {
                continue;
            }
            const history = this.histories.get(id) ?? [];
            history.push(usage);
            if (history.length > HISTORY_LENGTH) {
                history.shift();
            }
            this.histories.set(id, history);
        }
        this.sampleEmitter.fire(sample);
    }

    private subscribe(): void {
        if (this.source.state !== "connected") {
            return;
        }
        const wanted = this.intervals.size > 0 ? Math.min(...this.intervals.values()) : undefined;
        if (wanted === this.subscribedInterval) {
            return;
        }
        this.subscribedInterval = wanted;
        const reply =
            wanted === undefined
                ? this.source.request(StatsUnsubscribeRequest)
                : this.source.request(StatsSubscribeRequest, { intervalMs: wanted });
        // Fails only with the connection, and is then asked again by the next one.
        reply.catch(() => undefined);
    }
}
