/**
 * Hears of changes to containers, whoever makes them: watches the directories in which every change
 * of a state shows (inotify(7)), and tells subscribers what the containers concerned are now.
 *
 * Watched are the containers' directory (new, removed), the claims (the end of an edit of a
 * config.json) and the runtime directory of each container (started, ended). Not the containers'
 * own directories: each line of a log would be an event.
 */
import { mkdirSync, readdirSync, watch, type FSWatcher } from "node:fs";
import path from "node:path";
import type { Log } from "./log";
import type { Paths } from "./paths";
import type { ContainerId, ContainerSummary, DidChangeParams } from "./protocol";
import { editedContainer } from "./registry";
import type { Store } from "./store";
import { summaryOf } from "./summary";

/** Events this close together, in milliseconds, are told as one change. */
const QUIET_MS = 25;

/** How often running containers are looked at, in milliseconds: of one whose monitor was killed no
 * file tells the end. */
const CHECK_MS = 5000;

const ID = /^[0-9a-f]{12}$/;

/** What was told of one that is gone; forgotten at the next look at what runs. */
const REMOVED = "";

export type ChangeListener = (change: DidChangeParams) => void;

export class Changes {
    private readonly listeners = new Set<ChangeListener>();
    private readonly watchers: FSWatcher[] = [];
    /** By container: its runtime directory. */
    private readonly runWatchers = new Map<ContainerId, FSWatcher>();
    /** What subscribers were told last, so that nothing is told twice. */
    private readonly told = new Map<ContainerId, string>();
    private readonly touched = new Set<ContainerId>();
    private timer: NodeJS.Timeout | undefined;
    private check: NodeJS.Timeout | undefined;
    private telling: Promise<void> = Promise.resolve();
    private disposed = false;

    constructor(
        private readonly paths: Paths,
        private readonly store: Store,
        private readonly log: Log,
    ) {}

    /** Hears of every change from now on; the function returned ends that. */
    subscribe(listener: ChangeListener): () => void {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
    }

    /** Begins to watch; once more, or after the end, does nothing. Throws what making the directories throws. */
    start(): void {
        if (this.check !== undefined || this.disposed) {
            return;
        }
        const { containers, claims, runContainers } = this.paths;
        for (const directory of [containers, claims, runContainers]) {
            mkdirSync(directory, { recursive: true, mode: 0o700 });
        }
        this.watch(containers, (name) => this.touchId(name));
        this.watch(claims, (name) => this.touchId(editedContainer(name)));
        this.watch(runContainers, (name) => {
            this.watchRun(name);
            this.touchId(name);
        });
        readdirSync(runContainers).forEach((name) => this.watchRun(name));
        this.check = setInterval(() => this.look(), CHECK_MS);
        this.check.unref();
    }

    /** To be told when a container may have changed: subscribers hear of it if it has. */
    touch(id: ContainerId): void {
        if (this.disposed) {
            return;
        }
        this.touched.add(id);
        this.timer ??= setTimeout(() => {
            this.timer = undefined;
            this.telling = this.telling.then(() => this.tell());
        }, QUIET_MS);
    }

    /** Ends watching for good. */
    dispose(): void {
        this.disposed = true;
        clearTimeout(this.timer);
        clearInterval(this.check);
        this.listeners.clear();
        for (const watcher of [...this.watchers, ...this.runWatchers.values()]) {
            watcher.close();
        }
    }

    private touchId(name: string | undefined): void {
        if (name !== undefined && ID.test(name)) {
            this.touch(name);
        }
    }

    private watch(directory: string, onName: (name: string) => void): void {
        try {
            const watcher = watch(directory, (_event, name) => onName(name ?? ""));
            watcher.on("error", (error) =>
                this.log.warn(`Watching ${directory}: ${String(error)}`),
            );
            this.watchers.push(watcher);
        } catch (error) {
            this.log.warn(`Watching ${directory}: ${String(error)}`);
        }
    }

    /** Watches a container's runtime directory, or stops when it has gone. */
    private watchRun(id: string): void {
        if (!ID.test(id)) {
            return;
        }
        this.runWatchers.get(id)?.close();
        this.runWatchers.delete(id);
        try {
            const watcher = watch(path.join(this.paths.runContainers, id), () => this.touch(id));
            watcher.on("error", () => watcher.close());
            this.runWatchers.set(id, watcher);
        } catch {
            // Gone already, which the directory above tells too.
        }
    }

    /** Looks at what runs without having been told that it changed. */
    private look(): void {
        for (const [id, text] of this.told) {
            if (text === REMOVED) {
                this.told.delete(id);
            }
        }
        this.store.runningIds().forEach((id) => this.touch(id));
    }

    /** Tells what the touched containers are now. */
    private async tell(): Promise<void> {
        const ids = [...this.touched];
        this.touched.clear();
        try {
            const change: DidChangeParams = { changed: [], removed: [] };
            const containers = await Promise.all(ids.map((id) => this.store.get(id)));
            containers.forEach((container, index) => {
                const summary = container && summaryOf(container);
                this.note(ids[index] ?? "", summary, change);
            });
            if (change.changed.length + change.removed.length > 0) {
                this.listeners.forEach((listener) => listener(change));
            }
            for (const id of change.removed) {
                await this.store.forget(id);
            }
        } catch (error) {
            this.log.error(`Looking at changes: ${String(error)}`);
        }
    }

    private note(
        id: ContainerId,
        summary: ContainerSummary | undefined,
        change: DidChangeParams,
    ): void {
        const text = summary === undefined ? REMOVED : JSON.stringify(summary);
        if (this.told.get(id) === text) {
            return;
        }
        this.told.set(id, text);
        if (summary === undefined) {
            change.removed.push(id);
        } else {
            change.changed.push(summary);
        }
    }
}
