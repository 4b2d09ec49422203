/** Notices a unix socket that appears, by the directory it appears in. */
import { existsSync, type FSWatcher, statSync, watch } from "node:fs";
import { basename, dirname } from "node:path";

export class SocketWatch {
    private watcher: FSWatcher | undefined;
    /** The watched directory and its inode: one that was made anew is another. */
    private watched: { directory: string; inode: number } | undefined;
    private disposed = false;

    /**
     * @param path need not exist, nor its directory
     * @param onAppear called when something new is there under that name; it may not answer yet
     */
    constructor(
        private readonly path: string,
        private readonly onAppear: () => void,
    ) {
        this.rearm();
    }

    dispose(): void {
        this.disposed = true;
        this.watcher?.close();
    }

    /** Watches the deepest directory on the way to the socket that exists. */
    private rearm(): void {
        let directory = dirname(this.path);
        while (!existsSync(directory)) {
            directory = dirname(directory);
        }
        const inode = statSync(directory).ino;
        if (directory === this.watched?.directory && inode === this.watched.inode) {
            return;
        }
        this.watcher?.close();
        this.watched = { directory, inode };
        this.watcher = watch(directory, { persistent: false }, (_, name) => this.changed(name));
        this.watcher.on("error", () => this.changed(null));
        // Made while nobody watched yet.
        if (existsSync(this.path)) {
            this.onAppear();
        }
    }

    private changed(name: string | null): void {
        if (this.disposed) {
            return;
        }
        const before = this.watched;
        this.rearm();
        const isOurs = name === null || name === basename(this.path);
        if (before === this.watched && isOurs && existsSync(this.path)) {
            this.onAppear();
        }
    }
}
