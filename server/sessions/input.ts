/** The way of a client's input to a command: bounded, acknowledged, held until there is a command. */
import { McmError } from "../errors";
import { ErrorCode, INPUT_LIMIT_BYTES } from "../protocol";

/** Where input goes to. */
export interface InputSink {
    /** Calls `taken` when the data is out of this process, or can go nowhere any more. */
    write(data: Buffer, taken: () => void): void;
    end(): void;
}

export class InputQueue {
    readonly #acknowledge: (bytes: number) => void;
    readonly #early: Buffer[] = [];
    #sink: InputSink | undefined;
    #ended = false;
    #waiting = 0;

    /** `acknowledge` is told of input that was taken. */
    constructor(acknowledge: (bytes: number) => void) {
        this.#acknowledge = acknowledge;
    }

    /** Connects the command; what came early is written first. */
    connect(sink: InputSink): void {
        this.#sink = sink;
        for (const data of this.#early.splice(0)) {
            this.#pass(sink, data);
        }
        if (this.#ended) {
            sink.end();
        }
    }

    /** False when the client sent more than may wait: the input is not complete any more. */
    write(data: Buffer): boolean {
        if (this.#ended) {
            return true;
        }
        if (this.#waiting + data.length > INPUT_LIMIT_BYTES) {
            return false;
        }
        this.#waiting += data.length;
        if (this.#sink === undefined) {
            this.#early.push(data);
        } else {
            this.#pass(this.#sink, data);
        }
        return true;
    }

    end(): void {
        if (!this.#ended) {
            this.#ended = true;
            this.#sink?.end();
        }
    }

    #pass(sink: InputSink, data: Buffer): void {
        sink.write(data, () => {
            this.#waiting -= data.length;
            this.#acknowledge(data.length);
        });
    }
}

/** Why a session ends whose {@link InputQueue} refused input. */
export function inputOverflow(): McmError {
    return new McmError(
        ErrorCode.Invalid,
        "The session was ended: its command does not read, and too much input waits for it." +
            " Send more only once what was sent is acknowledged.",
    );
}
