/** A client connected with a container's own command, through its monitor's socket. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

import { errnoOf } from "../errors";
import type { TerminalSize } from "../protocol";
import {
    encodeFrames,
    encodeSize,
    FrameDecoder,
    FromMonitor,
    ToMonitor,
    type Frame,
} from "./frames";
import { inputOverflow, InputQueue } from "./input";
import { OutputSender } from "./output";
import type { Session, SessionClient } from "./streams";

export class AttachSession implements Session {
    readonly #client: SessionClient;
    #kill: (number: number) => void = () => undefined;
    readonly #output: OutputSender;
    readonly #input: InputQueue;
    readonly #overflow = new AbortController();
    #socket: Socket | undefined;
    #size: TerminalSize | undefined;

    /** `size` is that of the client's terminal, when it has one. */
    constructor(client: SessionClient, size: TerminalSize | undefined) {
        this.#client = client;
        this.#size = size;
        this.#output = new OutputSender((chunk) => client.output(chunk));
        this.#input = new InputQueue((bytes) => client.inputTaken(bytes));
    }

    /**
     * Relays until the monitor tells the end, or closes the connection, and everything it said is
     * sent. False when nobody listens there: the container has ended. Aborting `signal` detaches and
     * rejects with the signal's reason.
     */
    async run(socketPath: string, signal: AbortSignal): Promise<boolean> {
        const stop = AbortSignal.any([signal, this.#overflow.signal]);
        stop.throwIfAborted();
        const socket = await connected(socketPath);
        if (socket === undefined) {
            return false;
        }
        const detach = () => {
            socket.destroy();
            this.#output.drop();
        };
        stop.addEventListener("abort", detach, { once: true });
        try {
            const ended = this.#connect(socket);
            if (stop.aborted) {
                detach();
            }
            await ended;
            await this.#output.empty();
            stop.throwIfAborted();
            return true;
        } finally {
            stop.removeEventListener("abort", detach);
            socket.destroy();
        }
    }

    /** Tells how the container's command is signalled. */
    onSignal(kill: (number: number) => void): void {
        this.#kill = kill;
    }

    /** Tells the client that output follows. */
    begin(): void {
        this.#client.started();
    }

    /** Sends output that is not the monitor's: the log of a container that has ended. */
    replay(stream: "stdout" | "stderr", data: Buffer): void {
        this.#output.write(stream, data);
    }

    /** Resolves when everything has been sent. */
    flushed(): Promise<void> {
        return this.#output.empty();
    }

    /** The client is gone: what it was to get is thrown away. */
    drop(): void {
        this.#output.drop();
    }

    input(data: Buffer): void {
        if (!this.#input.write(data)) {
            this.#overflow.abort(inputOverflow());
        }
    }

    endInput(): void {
        this.#input.end();
    }

    resize(size: TerminalSize): void {
        this.#size = size;
        this.#socket?.write(encodeSize(size.rows, size.columns));
    }

    signal(number: number): void {
        this.#kill(number);
    }

    acknowledge(bytes: number): void {
        this.#output.window.acknowledge(bytes);
    }

    /** Resolves when the monitor has nothing more to say. */
    #connect(socket: Socket): Promise<void> {
        this.#socket = socket;
        if (this.#size !== undefined) {
            this.resize(this.#size);
        }
        this.#client.started();
        const decoder = new FrameDecoder();
        const ended = new Promise<void>((resolve) => {
            socket.on("data", (chunk) => {
                for (const frame of decoder.push(chunk)) {
                    this.#take(frame, resolve);
                }
            });
            socket.on("close", () => resolve());
        });
        // "close" follows; that the monitor went is no failure of ours.
        socket.on("error", () => undefined);
        this.#output.addSource(socket);
        this.#input.connect({
            write: (data, taken) => socket.write(encodeFrames(ToMonitor.Input, data), taken),
            end: () => socket.write(encodeFrames(ToMonitor.InputEnd, Buffer.alloc(0))),
        });
        return ended;
    }

    #take({ type, payload }: Frame, onEnd: () => void): void {
        switch (type) {
            case FromMonitor.Stdout:
                this.#output.write("stdout", payload);
                break;
            case FromMonitor.Stderr:
                this.#output.write("stderr", payload);
                break;
            case FromMonitor.End:
                onEnd();
                break;
        }
    }
}

/** Lets the monitor of a container that has ended know that its end was seen. */
export async function dismissMonitor(socketPath: string): Promise<void> {
    (await connected(socketPath))?.destroy();
}

/** A connection to the socket, or undefined when nobody listens on it. */
async function connected(socketPath: string): Promise<Socket | undefined> {
    const socket = connect(socketPath);
    try {
        await once(socket, "connect");
        return socket;
    } catch (error) {
        socket.destroy();
        if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ECONNREFUSED") {
            return undefined;
        }
        throw error;
    }
}
