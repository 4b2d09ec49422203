/** One more command in a running container, connected with a client. */
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";

import { McmError } from "../errors";
import type { EnterOptions } from "../invocation";
import type { EnteredEnd, EnteredProcess, Native } from "../native";
import { SHELL, type SessionEnd, type TerminalSize, type TraceStep } from "../protocol";
import type { ContainerProcess } from "../status";
import { inputOverflow, InputQueue } from "./input";
import { isEnding } from "./ending";
import { OutputSender } from "./output";
import { signalName } from "./signals";
import type { Session, SessionClient } from "./streams";

/** After the command's end, output that comes later than this, in milliseconds, is not its own: a
 * process that it left behind holds the pipe. */
const SILENCE_MS = 100;

/** What to try, in turn, for a command of a client. */
function candidates(command: string[]): string[][] {
    return command.length === 1 && command[0] === SHELL ? [["/bin/bash"], ["/bin/sh"]] : [command];
}

export class ExecSession implements Session {
    readonly #client: SessionClient;
    readonly #output: OutputSender;
    readonly #input: InputQueue;
    readonly #overflow = new AbortController();
    #entered: EnteredProcess | undefined;
    #size: TerminalSize | undefined;

    constructor(client: SessionClient) {
        this.#client = client;
        this.#output = new OutputSender((chunk) => client.output(chunk));
        this.#input = new InputQueue((bytes) => client.inputTaken(bytes));
    }

    /**
     * Runs the command to its end, when all its output is sent. Aborting `signal` hangs it up and
     * rejects with the signal's reason. Rejects with an McmError when it could not be started.
     */
    async run(native: Native, options: EnterOptions, signal: AbortSignal): Promise<SessionEnd> {
        const stop = AbortSignal.any([signal, this.#overflow.signal]);
        stop.throwIfAborted();
        const entered = await this.#enter(native, options, stop);
        const hangUp = () => {
            entered.hangUp();
            this.#output.drop();
        };
        stop.addEventListener("abort", hangUp, { once: true });
        try {
            if (stop.aborted) {
                hangUp();
            }
            this.#connect(entered, await entered.started);
            const end = await entered.ended;
            await this.#rest([entered.stdout, entered.stderr]);
            stop.throwIfAborted();
            return await sessionEnd(end, options.process);
        } finally {
            stop.removeEventListener("abort", hangUp);
            for (const stream of [entered.stdin, entered.stdout, entered.stderr]) {
                stream.destroy();
            }
        }
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
        this.#entered?.resize(size);
    }

    signal(number: number): void {
        this.#entered?.signal(number);
    }

    acknowledge(bytes: number): void {
        this.#output.window.acknowledge(bytes);
    }

    /** Starts the first candidate that is there. */
    async #enter(
        native: Native,
        options: EnterOptions,
        signal: AbortSignal,
    ): Promise<EnteredProcess> {
        const commands = candidates(options.command);
        for (const [index, command] of commands.entries()) {
            const entered = native.enter({ ...options, command });
            const hangUp = () => entered.hangUp();
            signal.addEventListener("abort", hangUp, { once: true });
            try {
                await entered.started;
                return entered;
            } catch (error) {
                entered.ended.catch(() => undefined);
                signal.throwIfAborted();
                if (index + 1 === commands.length || !isAbsent(error)) {
                    throw error;
                }
            } finally {
                signal.removeEventListener("abort", hangUp);
            }
        }
        throw new Error("There is no command to try.");
    }

    #connect(entered: EnteredProcess, trace: TraceStep[] | undefined): void {
        this.#entered = entered;
        this.#client.started(trace);
        for (const [name, stream] of [
            ["stdout", entered.stdout],
            ["stderr", entered.stderr],
        ] as const) {
            stream.on("data", (data: Buffer) => this.#output.write(name, data));
            stream.on("error", () => stream.destroy());
            this.#output.addSource(stream);
        }
        // A command may end or close its input before all of it is written: no failure of anybody.
        entered.stdin.on("error", () => undefined);
        this.#input.connect({
            write: (data, taken) => entered.stdin.write(data, taken),
            end: () => entered.stdin.end(),
        });
        if (this.#size !== undefined) {
            entered.resize(this.#size);
        }
    }

    /** Waits for the output that was written before the end. */
    async #rest(streams: Readable[]): Promise<void> {
        const progress = { pieces: 0 };
        streams.forEach((stream) => stream.on("data", () => progress.pieces++));
        const allEnded = Promise.all(streams.map(ended)).then(() => true);
        let before: number;
        do {
            before = progress.pieces;
            if (await Promise.race([allEnded, sleep(SILENCE_MS, false)])) {
                break;
            }
            // Timers fire before what has arrived is read: give that its turn.
            await setImmediate();
        } while (progress.pieces !== before || this.#output.paused);
        await this.#output.empty();
    }
}

function ended(stream: Readable): Promise<void> {
    return stream.readableEnded || stream.destroyed
        ? Promise.resolve()
        : new Promise((resolve) => {
              stream.once("end", resolve);
              stream.once("close", resolve);
          });
}

/** True when the exec failed because there is no such program. */
function isAbsent(error: unknown): boolean {
    return error instanceof McmError && error.data.step === "exec" && error.data.errno === "ENOENT";
}

async function sessionEnd(end: EnteredEnd, container: ContainerProcess): Promise<SessionEnd> {
    // A container's end kills everything in it, and nothing else does it so.
    const killed = end.signal === constants.signals.SIGKILL;
    return {
        exitCode: end.exitCode,
        signal: end.signal === null ? null : signalName(end.signal),
        containerEnded: killed && (await isEnding(container)),
    };
}
