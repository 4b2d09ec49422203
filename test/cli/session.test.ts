import assert from "node:assert/strict";
import { PassThrough, Writable } from "node:stream";
import { afterEach, beforeEach, suite, test } from "node:test";
import {
    createMessageConnection,
    StreamMessageReader,
    StreamMessageWriter,
    type MessageConnection,
} from "vscode-jsonrpc/node";
import { Client } from "../../server/cli/client";
import type { Io } from "../../server/cli/context";
import { CliError, EXIT } from "../../server/cli/errors";
import {
    requireTerminal,
    runSession,
    sessionExitCode,
    type SessionOptions,
    type SessionOutcome,
} from "../../server/cli/session";
import {
    AcknowledgeNotification,
    ExecRequest,
    InputAcknowledgeNotification,
    OutputProgress,
    PROTOCOL_VERSION,
    SessionInputEndNotification,
    SessionInputNotification,
    SessionResizeNotification,
    SessionSignalNotification,
    WINDOW_BYTES,
    type ExecParams,
    type SessionEnd,
} from "../../server/protocol";
import { eventually } from "../support/eventually";

const ENDED: SessionEnd = { exitCode: 0, signal: null, containerEnded: false };
/** What one read of a full pipe gives. */
const PIPE_BYTES = 64 * 1024;
const PLAIN: SessionOptions = { input: true, terminal: false, detachable: false };

/** A stream that stands for this process's terminal or pipes. */
class FakeOutput extends Writable {
    text = "";
    isTTY = true;
    rows = 40;
    columns = 120;

    override _write(data: Buffer, _: BufferEncoding, done: () => void): void {
        this.text += data.toString();
        done();
    }
}

class FakeInput extends PassThrough {
    isTTY = true;
    /** Every call of setRawMode. */
    readonly modes: boolean[] = [];

    setRawMode(mode: boolean): this {
        this.modes.push(mode);
        return this;
    }
}

suite("a session", () => {
    let stdin: FakeInput;
    let stdout: FakeOutput;
    let stderr: FakeOutput;
    let backend: MessageConnection;
    let client: Client;
    let toClient: PassThrough;
    let signals: number;

    beforeEach(async () => {
        [stdin, stdout, stderr] = [new FakeInput(), new FakeOutput(), new FakeOutput()];
        const toBackend = new PassThrough();
        toClient = new PassThrough();
        backend = createMessageConnection(
            new StreamMessageReader(toBackend),
            new StreamMessageWriter(toClient),
        );
        backend.onRequest("initialize", () => ({
            capabilities: { experimental: { protocolVersion: PROTOCOL_VERSION } },
        }));
        backend.listen();
        const connection = createMessageConnection(
            new StreamMessageReader(toClient),
            new StreamMessageWriter(toBackend),
        );
        client = await Client.open(connection, () => toBackend.end());
        signals = signalListeners();
    });

    afterEach(() => {
        assert.equal(signalListeners(), signals, "a listener on a signal was left");
        client.close();
        backend.dispose();
    });

    function signalListeners(): number {
        const names = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];
        return names.reduce((sum, name) => sum + process.listenerCount(name), 0);
    }

    function run(options: SessionOptions): Promise<SessionOutcome> {
        const io = { stdin, stdout, stderr } as unknown as Io;
        return runSession(
            client,
            (token, terminal, cancellation) =>
                client.request(
                    ExecRequest,
                    { container: "web", command: ["sh"], terminal, token },
                    cancellation,
                ),
            options,
            io,
        );
    }

    /** Answers the exec; what `session` resolves to is how it ends. */
    function serve(session: (params: ExecParams) => Promise<SessionEnd>): void {
        backend.onRequest(ExecRequest, session);
    }

    test("writes both streams where they belong and acknowledges what was written", async () => {
        let acknowledged = 0;
        backend.onNotification(AcknowledgeNotification, ({ bytes }) => {
            acknowledged += bytes;
        });
        serve(async ({ token }) => {
            const send = (stream: "stdout" | "stderr", text: string): Promise<void> =>
                backend.sendProgress(OutputProgress, token, {
                    stream,
                    data: Buffer.from(text).toString("base64"),
                });
            await send("stdout", "out €");
            await send("stderr", "\x1b[1merr");
            await eventually(() => acknowledged === 14, "everything is acknowledged");
            return ENDED;
        });
        assert.deepEqual(await run(PLAIN), { kind: "ended", end: ENDED });
        assert.deepEqual([stdout.text, stderr.text], ["out €", "\x1b[1merr"]);
    });

    test("sends no more input than the window until the backend has taken some", async () => {
        let received = 0;
        let ended = false;
        backend.onNotification(SessionInputNotification, ({ data }) => {
            received += Buffer.from(data, "base64").length;
        });
        backend.onNotification(SessionInputEndNotification, () => {
            ended = true;
        });
        const size = 4 * WINDOW_BYTES;
        serve(async ({ token }) => {
            await eventually(() => received >= WINDOW_BYTES, "a window of input");
            await backend.sendRequest("barrier").catch(() => undefined); // everything sent has come
            assert.equal(received, WINDOW_BYTES);
            for (let taken = 0; taken < size;) {
                const bytes = received - taken;
                taken = received;
                await backend.sendNotification(InputAcknowledgeNotification, { token, bytes });
                await eventually(() => received > taken || ended, "more input, or its end");
            }
            return ENDED;
        });
        for (let sent = 0; sent < size; sent += PIPE_BYTES) {
            stdin.write(Buffer.alloc(PIPE_BYTES));
        }
        stdin.end();
        await run(PLAIN);
        assert.deepEqual([received, ended], [size, true]);
    });

    test("without -i the command's input ends at once, and ours is left alone", async () => {
        const ended = new Promise<void>((resolve) => {
            backend.onNotification(SessionInputEndNotification, () => resolve());
        });
        serve(() => ended.then(() => ENDED));
        stdin.write("not for the command");
        await run({ ...PLAIN, input: false });
        assert.equal(String(stdin.read()), "not for the command");
    });

    test("with a terminal sends its size and its changes, and leaves it as it was", async () => {
        serve(async ({ terminal }) => {
            assert.deepEqual(terminal, { rows: 40, columns: 120 });
            assert.deepEqual(stdin.modes, [true]);
            const resized = new Promise((resolve) => {
                backend.onNotification(SessionResizeNotification, ({ rows, columns }) => {
                    resolve({ rows, columns });
                });
            });
            stdout.rows = 41;
            stdout.emit("resize");
            assert.deepEqual(await resized, { rows: 41, columns: 120 });
            return ENDED;
        });
        await run({ ...PLAIN, terminal: true });
        assert.deepEqual(stdin.modes, [true, false]);
        assert.equal(stdout.listenerCount("resize"), 0);
    });

    test("gives Ctrl-C to the command", async () => {
        const signalled = new Promise<string>((resolve) => {
            backend.onNotification(SessionSignalNotification, ({ signal }) => resolve(signal));
        });
        serve(async () => {
            process.emit("SIGINT");
            assert.equal(await signalled, "SIGINT");
            return { ...ENDED, exitCode: null, signal: "SIGINT" };
        });
        assert.equal(sessionExitCode(await run(PLAIN)), 130);
    });

    for (const signal of ["SIGTERM", "SIGHUP"] as const) {
        test(`hangs up and gives the terminal back when ${signal} comes`, async () => {
            let cancelled = false;
            backend.onRequest(ExecRequest, async (_, cancellation) => {
                process.emit(signal);
                await new Promise((resolve) => cancellation.onCancellationRequested(resolve));
                cancelled = true;
                return ENDED;
            });
            const outcome = await run({ ...PLAIN, terminal: true });
            assert.deepEqual(outcome, { kind: "left", signal });
            assert.equal(sessionExitCode(outcome), signal === "SIGTERM" ? 143 : 129);
            assert.deepEqual([cancelled, stdin.modes], [true, [true, false]]);
        });
    }

    test("is left with the detach keys, and what was typed before them arrives", async () => {
        let typed = "";
        backend.onNotification(SessionInputNotification, ({ data }) => {
            typed += Buffer.from(data, "base64").toString();
        });
        backend.onRequest(ExecRequest, async (_, cancellation) => {
            stdin.write("ls\x10");
            stdin.write("\x11exit\n");
            await new Promise((resolve) => cancellation.onCancellationRequested(resolve));
            return ENDED;
        });
        const outcome = await run({ input: true, terminal: true, detachable: true });
        assert.deepEqual(outcome, { kind: "detached" });
        assert.equal(sessionExitCode(outcome), EXIT.ok);
        assert.equal(typed, "ls");
        assert.deepEqual(stdin.modes, [true, false]);
    });

    test("that is refused gives the terminal back", async () => {
        serve(() => Promise.reject(new Error("no such thing")));
        await assert.rejects(run({ ...PLAIN, terminal: true }), /no such thing/);
        assert.deepEqual(stdin.modes, [true, false]);
    });

    test("ends in a sentence when the backend goes away", async () => {
        serve(() => {
            toClient.destroy();
            return new Promise(() => undefined);
        });
        await assert.rejects(run({ ...PLAIN, terminal: true }), (error) => {
            assert(error instanceof CliError);
            assert.match(error.message, /the backend went away; containers run on/);
            return true;
        });
        assert.deepEqual(stdin.modes, [true, false]);
    });

    test("never takes an unknown end for success", () => {
        const end = { exitCode: null, signal: null, containerEnded: true };
        assert.equal(sessionExitCode({ kind: "ended", end }), EXIT.failed);
        assert.equal(sessionExitCode({ kind: "ended", end: { ...end, signal: "SIGKILL" } }), 137);
        assert.equal(sessionExitCode({ kind: "ended", end: { ...end, exitCode: 3 } }), 3);
    });

    test("with a terminal is refused where there is none", () => {
        const io = { stdin, stdout, stderr } as unknown as Io;
        requireTerminal(io, true);
        stdin.isTTY = false;
        assert.throws(() => requireTerminal(io, true), /--tty needs a terminal, and the input/);
        requireTerminal(io, false);
        stdout.isTTY = false;
        assert.throws(() => requireTerminal(io, false), /--tty needs a terminal, and the output/);
    });
});

test("a backend of another protocol is refused with what to do", async () => {
    const [toBackend, toClient] = [new PassThrough(), new PassThrough()];
    const backend = createMessageConnection(
        new StreamMessageReader(toBackend),
        new StreamMessageWriter(toClient),
    );
    backend.onRequest("initialize", () => ({
        capabilities: { experimental: { protocolVersion: PROTOCOL_VERSION + 1 } },
    }));
    backend.listen();
    const connection = createMessageConnection(
        new StreamMessageReader(toClient),
        new StreamMessageWriter(toBackend),
    );
    let closed = false;
    await assert.rejects(
        Client.open(connection, () => (closed = true)),
        /speaks protocol 2, this mcm 1; end it with `mcm backend stop`/,
    );
    assert(closed);
    backend.dispose();
});
