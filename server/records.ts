/**
 * The small files that say what a container is and does. Each is replaced as a whole by rename(2), so
 * one that looks as it did is the one that was read. They are read synchronously: nearly always from
 * the page cache, where a trip through Node's thread pool would take ten times the read.
 */
import {
    closeSync,
    constants,
    fstatSync,
    lstatSync,
    openSync,
    readFileSync,
    type Stats,
} from "node:fs";
import { errnoOf } from "./errors";

/** Most bytes: a config of the largest environment and command, each character escaped. */
const RECORD_BYTES = 16 * 1024 * 1024;

/** One that was changed this shortly before, in milliseconds, may change again and look the same. */
const SETTLED_MS = 100;

/** What is in the place of a record cannot be one; the message says what it is instead. */
export class UnfitRecord extends Error {}

/** A record as it is on disk now; undefined when there is none. Throws {@link UnfitRecord}. */
export function readRecord(file: string): string | undefined {
    return readWithStats(file)?.text;
}

/** A record that is read and parsed again only when it has changed. */
export class RecordFile<Value> {
    private last: { stats: Stats; value: Value } | undefined;

    /** @param parse may throw; what it threw is not remembered */
    constructor(
        private readonly file: string,
        private readonly parse: (text: string) => Value,
    ) {}

    /** What it says; undefined when there is none. Throws {@link UnfitRecord} and what parsing throws. */
    read(): Value | undefined {
        if (this.last !== undefined && this.looksLike(this.last.stats)) {
            return this.last.value;
        }
        this.last = undefined;
        const read = readWithStats(this.file);
        if (read === undefined) {
            return undefined;
        }
        const { text, stats } = read;
        const value = this.parse(text);
        if (Date.now() - stats.ctimeMs > SETTLED_MS) {
            this.last = { stats, value };
        }
        return value;
    }

    /** What it said when it was last read, if it was. */
    get remembered(): Value | undefined {
        return this.last?.value;
    }

    private looksLike(before: Stats): boolean {
        const now = lstatSync(this.file, { throwIfNoEntry: false });
        return (
            now?.ino === before.ino &&
            now.size === before.size &&
            now.mtimeMs === before.mtimeMs &&
            now.ctimeMs === before.ctimeMs
        );
    }
}

function readWithStats(file: string): { text: string; stats: Stats } | undefined {
    let descriptor: number;
    try {
        // O_NONBLOCK: opening a pipe would wait for somebody to write to it.
        const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
        descriptor = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch (error) {
        requireAbsent(error);
        return undefined;
    }
    try {
        const stats = fstatSync(descriptor);
        if (!stats.isFile()) {
            throw new UnfitRecord(`is ${kindOf(stats)}, not a file`);
        }
        if (stats.size > RECORD_BYTES) {
            throw new UnfitRecord(`has ${stats.size} bytes, more than ${RECORD_BYTES}`);
        }
        return { text: readFileSync(descriptor, "utf8"), stats };
    } finally {
        closeSync(descriptor);
    }
}

/** What cannot be opened as a file, and what it is. */
const UNFIT = new Map([
    ["ELOOP", "is a symbolic link, not a file"],
    ["ENXIO", "is a socket, not a file"],
]);

/** Throws what kept a record from being opened, unless it is that there is none. */
function requireAbsent(error: unknown): void {
    const errno = errnoOf(error) ?? "";
    if (errno !== "ENOENT" && errno !== "ENOTDIR") {
        const unfit = UNFIT.get(errno);
        throw unfit === undefined ? error : new UnfitRecord(unfit);
    }
}

function kindOf(stats: Stats): string {
    return stats.isDirectory() ? "a directory" : stats.isFIFO() ? "a named pipe" : "a device";
}
