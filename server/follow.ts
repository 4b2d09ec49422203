/** Follows a container's log until the container has ended. */
import { watch, type FSWatcher } from "node:fs";
import path from "node:path";
import type { LogCursor, LogEntry } from "./logs";

/** Wakes up whenever something changes in a directory (inotify(7)). */
class DirectoryWatch {
    readonly #watcher: FSWatcher;
    #changed = false;
    #wake: () => void = () => undefined;

    constructor(directory: string) {
        const notice = () => {
            this.#changed = true;
            this.#wake();
        };
        this.#watcher = watch(directory, notice);
        // The directory was removed: whoever reads in it finds nothing more.
        this.#watcher.on("error", notice);
    }

    /** Resolves after a change since the last call, and when `signal` aborts. */
    async next(signal: AbortSignal): Promise<void> {
        if (!this.#changed && !signal.aborted) {
            await new Promise<void>((resolve) => {
                const done = () => {
                    signal.removeEventListener("abort", done);
                    resolve();
                };
                this.#wake = done;
                signal.addEventListener("abort", done);
            });
        }
        this.#changed = false;
    }

    close(): void {
        this.#watcher.close();
    }
}

/**
 * Entries as they are written to `log`, some at a time, until `ended` aborts and all that was
 * written before has been read. Throws the reason of `signal` when that aborts.
 */
export async function* followEntries(
    cursor: LogCursor,
    log: string,
    ended: AbortSignal,
    signal: AbortSignal,
): AsyncGenerator<LogEntry[]> {
    const changes = new DirectoryWatch(path.dirname(log));
    const either = AbortSignal.any([ended, signal]);
    try {
        for (;;) {
            signal.throwIfAborted();
            // Asked before reading: an end that comes later has everything written before it.
            const last = ended.aborted;
            const entries = await cursor.read();
            if (entries.length > 0) {
                yield entries;
            } else if (last) {
                return;
            } else {
                await changes.next(either);
            }
        }
    } finally {
        changes.close();
    }
}

/** All entries there are now, some at a time. */
export async function* presentEntries(
    cursor: LogCursor,
    signal: AbortSignal,
): AsyncGenerator<LogEntry[]> {
    for (;;) {
        signal.throwIfAborted();
        const entries = await cursor.read();
        if (entries.length === 0) {
            return;
        }
        yield entries;
    }
}
