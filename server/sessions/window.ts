/** What keeps a stream from running ahead of its client. */
import { WINDOW_BYTES } from "../protocol";

/** The bytes that may still be sent before the client has acknowledged some. */
export class Window {
    #free: number;
    #listeners = new Set<() => void>();

    constructor(readonly size = WINDOW_BYTES) {
        this.#free = size;
    }

    /** Not above 0 when nothing may be sent now. */
    get free(): number {
        return this.#free;
    }

    /** Takes note that `bytes` were sent. */
    use(bytes: number): void {
        this.#free -= bytes;
    }

    /** The client has consumed `bytes`. One that acknowledges too much gains nothing. */
    acknowledge(bytes: number): void {
        this.#free = Math.min(this.size, this.#free + bytes);
        if (this.#free > 0) {
            for (const listener of this.#listeners) {
                listener();
            }
        }
    }

    /** Calls `listener` whenever an acknowledgement leaves something free. */
    onFree(listener: () => void): { dispose(): void } {
        this.#listeners.add(listener);
        return { dispose: () => this.#listeners.delete(listener) };
    }

    /** Resolves when something is free; rejects with the signal's reason when that aborts. */
    async available(signal: AbortSignal): Promise<void> {
        signal.throwIfAborted();
        while (this.#free <= 0) {
            await new Promise<void>((resolve, reject) => {
                const done = (settle: () => void) => () => {
                    freed.dispose();
                    signal.removeEventListener("abort", aborted);
                    settle();
                };
                const aborted = done(() => reject(signal.reason as Error));
                const freed = this.onFree(done(resolve));
                signal.addEventListener("abort", aborted);
            });
        }
    }
}
