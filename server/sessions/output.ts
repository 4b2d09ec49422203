/** The way of a session's output to its client: in order, in large pieces, within a window. */
import type { OutputChunk } from "../protocol";
import { Window } from "./window";

/** A message carries at most this; larger ones cost more copying than they save. */
const MESSAGE_BYTES = 256 * 1024;

/** More than this waiting here and the sources pause. */
const QUEUE_BYTES = 512 * 1024;

/** Messages on their way to the socket at a time: one is encoded while another is written. */
const MESSAGES_UNDER_WAY = 2;

type StreamName = OutputChunk["stream"];

/** Where output comes from: a pipe or a socket. */
export interface Source {
    pause(): void;
    resume(): void;
}

/**
 * Sends what is written to it. What was read in one turn of the event loop is joined to one message,
 * and so is what comes while messages are under way: a key's echo goes out at once, a flood in large
 * pieces. When the client has not acknowledged a window's worth, or does not take messages from its
 * socket, the sources are paused, so a flood fills no memory.
 */
export class OutputSender {
    readonly window = new Window();
    readonly #send: (chunk: OutputChunk) => Promise<void>;
    readonly #sources = new Set<Source>();
    readonly #queue: { stream: StreamName; pieces: Buffer[] }[] = [];
    #queued = 0;
    #underWay = 0;
    #scheduled = false;
    #paused = false;
    #dropped = false;
    #whenEmpty: (() => void)[] = [];

    /** `send` resolves when the chunk has left this process, and rejects when the client is gone. */
    constructor(send: (chunk: OutputChunk) => Promise<void>) {
        this.#send = send;
        this.window.onFree(() => this.#flush());
    }

    /** True while the sources are held back. */
    get paused(): boolean {
        return this.#paused;
    }

    addSource(source: Source): void {
        this.#sources.add(source);
        if (this.#paused) {
            source.pause();
        }
    }

    write(stream: StreamName, data: Buffer): void {
        if (this.#dropped || data.length === 0) {
            return;
        }
        const last = this.#queue.at(-1);
        if (last?.stream === stream) {
            last.pieces.push(data);
        } else {
            this.#queue.push({ stream, pieces: [data] });
        }
        this.#queued += data.length;
        if (!this.#scheduled) {
            this.#scheduled = true;
            setImmediate(() => {
                this.#scheduled = false;
                this.#flush();
            });
        }
        this.#settle();
    }

    /** Resolves when everything that was written has been sent, or dropped. */
    empty(): Promise<void> {
        if (this.#queued === 0 && this.#underWay === 0) {
            return Promise.resolve();
        }
        return new Promise((resolve) => this.#whenEmpty.push(resolve));
    }

    /** The client is gone: what waits and what comes is thrown away, and nothing is held back. */
    drop(): void {
        this.#dropped = true;
        this.#queue.length = 0;
        this.#queued = 0;
        this.#settle();
    }

    #flush(): void {
        while (this.#queued > 0 && this.#underWay < MESSAGES_UNDER_WAY && this.window.free > 0) {
            const { stream, data } = this.#take(Math.min(MESSAGE_BYTES, this.window.free));
            this.window.use(data.length);
            this.#underWay++;
            this.#send({ stream, data: data.toString("base64") }).then(
                () => this.#sent(),
                () => {
                    this.drop();
                    this.#sent();
                },
            );
        }
        this.#settle();
    }

    #sent(): void {
        this.#underWay--;
        this.#flush();
    }

    /** Takes up to `size` bytes of one stream from the front of the queue. */
    #take(size: number): { stream: StreamName; data: Buffer } {
        const front = this.#queue[0];
        if (front === undefined) {
            throw new Error("The queue of output is empty.");
        }
        const taken: Buffer[] = [];
        let length = 0;
        let piece: Buffer | undefined;
        while (length < size && (piece = front.pieces[0]) !== undefined) {
            const part = piece.subarray(0, size - length);
            taken.push(part);
            length += part.length;
            if (part.length === piece.length) {
                front.pieces.shift();
            } else {
                front.pieces[0] = piece.subarray(part.length);
            }
        }
        if (front.pieces.length === 0) {
            this.#queue.shift();
        }
        this.#queued -= length;
        const [only] = taken;
        const data = taken.length === 1 && only !== undefined ? only : Buffer.concat(taken, length);
        return { stream: front.stream, data };
    }

    /** Pauses or resumes the sources as the queue demands, and tells who waits for its end. */
    #settle(): void {
        const pause = this.#queued >= QUEUE_BYTES;
        if (pause !== this.#paused) {
            this.#paused = pause;
            for (const source of this.#sources) {
                if (pause) {
                    source.pause();
                } else {
                    source.resume();
                }
            }
        }
        if (this.#queued === 0 && this.#underWay === 0) {
            for (const resolve of this.#whenEmpty.splice(0)) {
                resolve();
            }
        }
    }
}
