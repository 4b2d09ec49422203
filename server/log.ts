/** The backend's log: one line an event, in a bounded file and to whoever listens. */
import { appendFileSync, renameSync, statSync } from "node:fs";

export type LogLevel = "info" | "warn" | "error";

export interface LogEntry {
    /** RFC 3339. */
    time: string;
    level: LogLevel;
    /** One line. */
    message: string;
}

export type LogListener = (entry: LogEntry) => void;

/** Characters of an entry that are kept: a command line may be long. */
const ENTRY_LENGTH = 4096;

/** Bytes after which the file is put aside as `.1`, over an older one. */
const ROTATE_BYTES = 1024 * 1024;

export class Log {
    private readonly listeners = new Set<LogListener>();
    private size: number;

    /** Appends to `file`, mode 0600; keeps nothing when there is none. */
    constructor(readonly file?: string) {
        this.size = file === undefined ? 0 : (statSync(file, { throwIfNoEntry: false })?.size ?? 0);
    }

    info(message: string): void {
        this.write("info", message);
    }

    warn(message: string): void {
        this.write("warn", message);
    }

    error(message: string): void {
        this.write("error", message);
    }

    /** Hears every entry from now on; the function returned ends that. */
    onEntry(listener: LogListener): () => void {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
    }

    private write(level: LogLevel, message: string): void {
        const entry = {
            time: new Date().toISOString(),
            level,
            message: oneLine(message.slice(0, ENTRY_LENGTH)),
        };
        this.append(`${entry.time} ${level} ${entry.message}\n`);
        for (const listener of this.listeners) {
            listener(entry);
        }
    }

    /** A log that cannot be written (a full disk) stops nothing else. */
    private append(line: string): void {
        if (this.file === undefined) {
            return;
        }
        try {
            if (this.size + line.length > ROTATE_BYTES) {
                renameSync(this.file, `${this.file}.1`);
                this.size = 0;
            }
            appendFileSync(this.file, line, { mode: 0o600 });
            this.size += Buffer.byteLength(line);
        } catch {
            // Nowhere is left to say it.
        }
    }
}

/** Keeps what a client sent from writing lines or escape sequences of its own. */
function oneLine(text: string): string {
    return text.replace(/\p{Cc}/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
