/**
 * The log of a container: entries `time stream F|P text` in `log` and, older, `log.1`
 * (native/README.md). A monitor appends whole entries, and rotates by renaming `log` over `log.1`.
 */
import { open, stat, type FileHandle } from "node:fs/promises";
import { StringDecoder } from "node:string_decoder";
import { errnoOf } from "./errors";
import type { LogLine } from "./protocol";

const BLOCK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const PARTIAL = "P".charCodeAt(0);

/** One entry as it was written. */
export interface LogEntry {
    /** RFC 3339. */
    time: string;
    stream: "stdout" | "stderr";
    /** More of the same line follows. */
    partial: boolean;
    /** Without the newline that ended the line, if one did. */
    data: Buffer;
}

/** The entry in `line`, which has no newline; undefined when it is damaged. */
export function parseEntry(line: Buffer): LogEntry | undefined {
    const timeEnd = line.indexOf(SPACE);
    const streamEnd = line.indexOf(SPACE, timeEnd + 1);
    if (timeEnd <= 0 || streamEnd < 0) {
        return undefined;
    }
    const stream = line.toString("latin1", timeEnd + 1, streamEnd);
    if (stream !== "stdout" && stream !== "stderr") {
        return undefined;
    }
    return {
        time: line.toString("latin1", 0, timeEnd),
        stream,
        partial: line[streamEnd + 1] === PARTIAL,
        data: line.subarray(streamEnd + 3),
    };
}

/** Makes text of entries; a character may be cut in two by the end of a partial one. */
export class EntryDecoder {
    readonly #decoders = { stdout: new StringDecoder("utf8"), stderr: new StringDecoder("utf8") };

    decode({ time, stream, partial, data }: LogEntry): LogLine {
        const decoder = this.#decoders[stream];
        return partial
            ? { time, stream, text: decoder.write(data), partial }
            : { time, stream, text: decoder.end(data) };
    }
}

/** Where reading begins in one of the two files. */
interface Start {
    file: FileHandle;
    position: number;
}

/** Reads the log forward, over rotations. */
export class LogCursor {
    readonly #log: string;
    #file: FileHandle | undefined;
    #position = 0;
    /** Bytes of an entry whose end has not been read yet. */
    #rest: Buffer = Buffer.alloc(0);

    private constructor(log: string) {
        this.#log = log;
    }

    /** Begins `tail` lines before the end, or with the oldest entry. `log` is the newer file. */
    static async open(log: string, tail?: number): Promise<LogCursor> {
        const cursor = new LogCursor(log);
        if (tail !== undefined) {
            const start = await tailStart(log, tail);
            cursor.#file = start?.file;
            cursor.#position = start?.position ?? 0;
        }
        return cursor;
    }

    /** The next entries, some at a time; none when there are no more now. */
    async read(): Promise<LogEntry[]> {
        const block = Buffer.allocUnsafe(BLOCK_BYTES);
        for (;;) {
            if (this.#file === undefined && !(await this.#advance())) {
                return [];
            }
            const length = await this.#fill(block);
            if (length > 0) {
                const entries = this.#cut(block.subarray(0, length));
                if (entries.length > 0) {
                    return entries;
                }
            } else if (!(await this.#advance())) {
                return [];
            }
        }
    }

    async close(): Promise<void> {
        await this.#file?.close();
        this.#file = undefined;
    }

    async #fill(block: Buffer): Promise<number> {
        const read = await this.#file?.read(block, 0, block.length, this.#position);
        this.#position += read?.bytesRead ?? 0;
        return read?.bytesRead ?? 0;
    }

    #cut(block: Buffer): LogEntry[] {
        const data = this.#rest.length === 0 ? block : Buffer.concat([this.#rest, block]);
        const entries: LogEntry[] = [];
        let start = 0;
        let end: number;
        while ((end = data.indexOf(NEWLINE, start)) >= 0) {
            const entry = parseEntry(data.subarray(start, end));
            if (entry !== undefined) {
                entries.push(entry);
            }
            start = end + 1;
        }
        this.#rest = Buffer.from(data.subarray(start));
        return entries;
    }

    /** Moves on when the file at hand is complete; false when it is the newest there is. */
    async #advance(): Promise<boolean> {
        const current = this.#file;
        if (current !== undefined) {
            const inode = (await current.stat()).ino;
            if (inode === (await inodeOf(this.#log))) {
                return false;
            }
            // Entries may have been appended between the last read and the rotation.
            if ((await current.stat()).size > this.#position) {
                return true;
            }
        }
        const next = await this.#next(current);
        if (next === undefined) {
            return false;
        }
        await current?.close();
        this.#file = next;
        this.#position = 0;
        this.#rest = Buffer.alloc(0);
        return true;
    }

    /**
     * The file after `current`, or the oldest. A rotation may happen at any moment: the newer file
     * is opened first, and is the next one if `current` is the older one still.
     */
    async #next(current: FileHandle | undefined): Promise<FileHandle | undefined> {
        const inode = current === undefined ? undefined : (await current.stat()).ino;
        const newer = await openIfThere(this.#log);
        const older = await openIfThere(`${this.#log}.1`);
        if (older !== undefined && (await older.stat()).ino !== inode) {
            await newer?.close();
            return older;
        }
        await older?.close();
        return newer;
    }
}

async function inodeOf(file: string): Promise<number | undefined> {
    try {
        return (await stat(file)).ino;
    } catch (error) {
        if (errnoOf(error) === "ENOENT") {
            return undefined;
        }
        throw error;
    }
}

async function openIfThere(file: string): Promise<FileHandle | undefined> {
    try {
        return await open(file, "r");
    } catch (error) {
        if (errnoOf(error) === "ENOENT") {
            return undefined;
        }
        throw error;
    }
}

/** Finds where the last `lines` lines begin; a line that has no end yet is one too. */
async function tailStart(log: string, lines: number): Promise<Start | undefined> {
    const newer = (await openIfThere(log)) ?? (await openIfThere(`${log}.1`));
    if (newer === undefined) {
        return undefined;
    }
    const count = { ends: 0, wanted: lines, last: true };
    const position = await scanBack(newer, count);
    if (position !== undefined) {
        return { file: newer, position };
    }
    const older = await openIfThere(`${log}.1`);
    if (older === undefined || (await older.stat()).ino === (await newer.stat()).ino) {
        await older?.close();
        return { file: newer, position: 0 };
    }
    await newer.close();
    return { file: older, position: (await scanBack(older, count)) ?? 0 };
}

/** What was seen on the way back. */
interface Count {
    /** Ends of lines. */
    ends: number;
    wanted: number;
    /** The next entry is the last of all. */
    last: boolean;
}

/** Goes back over entries until there were more ends than wanted; undefined at the file's begin. */
async function scanBack(file: FileHandle, count: Count): Promise<number | undefined> {
    let blockStart = (await file.stat()).size;
    // What was read and lies before the first newline: the end of an entry that begins earlier.
    let head: Buffer = Buffer.alloc(0);
    while (blockStart > 0) {
        const length = Math.min(BLOCK_BYTES, blockStart);
        blockStart -= length;
        const block = Buffer.allocUnsafe(length);
        await file.read(block, 0, length, blockStart);
        const data = Buffer.concat([block, head]);
        let end = data.lastIndexOf(NEWLINE);
        while (end >= 0) {
            const before = end === 0 ? -1 : data.lastIndexOf(NEWLINE, end - 1);
            if (before < 0 && blockStart > 0) {
                break;
            }
            if (endsLine(data.subarray(before + 1, end), count)) {
                return blockStart + end + 1;
            }
            end = before;
        }
        head = end < 0 ? data : data.subarray(0, end + 1);
    }
    return undefined;
}

/** Counts an entry that ends a line; true when that is one too many. */
function endsLine(line: Buffer, count: Count): boolean {
    const entry = parseEntry(line);
    if (entry !== undefined && (!entry.partial || count.last)) {
        count.ends++;
    }
    count.last = false;
    return count.ends > count.wanted;
}
