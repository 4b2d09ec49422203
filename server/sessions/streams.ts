/** The streams of one client: what its notifications with a token are for. */
import { invalid } from "../errors";
import type { OutputChunk, TerminalSize, TraceStep } from "../protocol";

/** Something that a client acknowledges: a session's output, or a log. */
export interface Stream {
    acknowledge(bytes: number): void;
}

/** A command that a client is connected with. */
export interface Session extends Stream {
    input(data: Buffer): void;
    endInput(): void;
    resize(size: TerminalSize): void;
    /** By the signal's number. */
    signal(number: number): void;
}

/** How a session speaks to its client. */
export interface SessionClient {
    /** Resolves when the chunk has left this process; rejects when the client is gone. */
    output(chunk: OutputChunk): Promise<void>;
    started(trace?: TraceStep[]): void;
    inputTaken(bytes: number): void;
}

export class Streams {
    readonly #streams = new Map<string, Stream>();

    /** Makes the stream reachable; the returned function ends that. Throws Invalid for a token that
     * is in use. */
    add(token: string, stream: Stream): () => void {
        if (this.#streams.has(token)) {
            throw invalid("token", token, "a token that no other stream of this client has");
        }
        this.#streams.set(token, stream);
        return () => this.#streams.delete(token);
    }

    stream(token: string): Stream | undefined {
        return this.#streams.get(token);
    }

    /** Undefined also for a stream without input: a session has ended when its client hears of it,
     * so a notification that finds none is late, not wrong. */
    session(token: string): Session | undefined {
        const stream = this.#streams.get(token);
        return stream !== undefined && "input" in stream ? (stream as Session) : undefined;
    }
}
