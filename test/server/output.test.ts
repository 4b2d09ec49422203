import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { INPUT_LIMIT_BYTES, WINDOW_BYTES, type OutputChunk } from "../../server/protocol";
import { FrameDecoder, ToMonitor, encodeFrames, encodeSize } from "../../server/sessions/frames";
import { InputQueue } from "../../server/sessions/input";
import { OutputSender } from "../../server/sessions/output";
import { Streams } from "../../server/sessions/streams";
import { Window } from "../../server/sessions/window";

/** A client whose socket takes messages when it is told to. */
function client() {
    const messages: { stream: string; data: Buffer }[] = [];
    const waiting: (() => void)[] = [];
    const state = { held: false, gone: false };
    const send = ({ stream, data }: OutputChunk) => {
        if (state.gone) {
            return Promise.reject(new Error("gone"));
        }
        messages.push({ stream, data: Buffer.from(data, "base64") });
        return state.held
            ? new Promise<void>((resolve) => waiting.push(resolve))
            : Promise.resolve();
    };
    const release = async () => {
        state.held = false;
        waiting.splice(0).forEach((resolve) => resolve());
        await setImmediate();
    };
    const bytes = () => messages.reduce((sum, { data }) => sum + data.length, 0);
    return { messages, send, state, release, bytes };
}

function source() {
    const state = { paused: false };
    return {
        state,
        pause: () => void (state.paused = true),
        resume: () => void (state.paused = false),
    };
}

suite("output", () => {
    test("goes out at once when nothing is under way", async () => {
        const { messages, send } = client();
        new OutputSender(send).write("stdout", Buffer.from("a"));
        await setImmediate();
        assert.deepEqual(messages, [{ stream: "stdout", data: Buffer.from("a") }]);
    });

    test("that comes while messages are under way is joined, in order, streams apart", async () => {
        const { messages, send, state, release } = client();
        state.held = true;
        const output = new OutputSender(send);
        output.write("stdout", Buffer.from("1"));
        await setImmediate();
        output.write("stdout", Buffer.from("2"));
        await setImmediate();
        for (const [stream, text] of [
            ["stdout", "3"],
            ["stdout", "4"],
            ["stderr", "5"],
            ["stderr", "6"],
            ["stdout", "7"],
        ] as const) {
            output.write(stream, Buffer.from(text));
        }
        await release();
        await output.empty();
        assert.deepEqual(
            messages.map(({ stream, data }) => `${stream} ${data.toString()}`),
            ["stdout 1", "stdout 2", "stdout 34", "stderr 56", "stdout 7"],
        );
    });

    test("never has more than a window unacknowledged, and pauses its sources", async () => {
        const { send, bytes } = client();
        const output = new OutputSender(send);
        const pipe = source();
        output.addSource(pipe);
        let written = 0;
        while (!pipe.state.paused) {
            output.write("stdout", Buffer.alloc(65_536));
            written += 65_536;
            await setImmediate();
        }
        assert.equal(bytes(), WINDOW_BYTES);
        assert.ok(written < WINDOW_BYTES + 1024 * 1024, `${written}`);
        output.window.acknowledge(100);
        await setImmediate();
        assert.equal(bytes(), WINDOW_BYTES + 100);
        output.window.acknowledge(WINDOW_BYTES - 100);
        await output.empty();
        assert.equal(pipe.state.paused, false);
        assert.equal(bytes(), written);
    });

    test("pauses its sources when the socket takes nothing, though the window is open", () => {
        const { send, state } = client();
        state.held = true;
        const output = new OutputSender(send);
        const pipe = source();
        output.addSource(pipe);
        for (let i = 0; i < 8 && !pipe.state.paused; i++) {
            output.write("stdout", Buffer.alloc(65_536));
        }
        assert.equal(pipe.state.paused, true);
    });

    test("pauses a source that is added while all are held back", () => {
        const { send, state } = client();
        state.held = true;
        const output = new OutputSender(send);
        output.write("stdout", Buffer.alloc(1024 * 1024));
        const late = source();
        output.addSource(late);
        assert.equal(late.state.paused, true);
    });

    test("for a client that is gone is thrown away and holds nothing back", async () => {
        const { send, state } = client();
        const output = new OutputSender(send);
        const pipe = source();
        output.addSource(pipe);
        state.gone = true;
        output.write("stdout", Buffer.alloc(4 * WINDOW_BYTES));
        await output.empty();
        output.write("stdout", Buffer.alloc(4 * WINDOW_BYTES));
        assert.equal(pipe.state.paused, false);
    });

    test("of any size arrives whole", async () => {
        const { messages, send } = client();
        const output = new OutputSender(send);
        const data = Buffer.from(Array.from({ length: 700_001 }, (_, i) => i % 251));
        output.write("stdout", data);
        await output.empty();
        assert.ok(Buffer.concat(messages.map((message) => message.data)).equals(data));
    });
});

suite("a window", () => {
    test("gains nothing from an acknowledgement of what was not sent", () => {
        const window = new Window();
        window.acknowledge(10 * WINDOW_BYTES);
        assert.equal(window.free, WINDOW_BYTES);
    });

    test("that is used up is waited for, until its signal aborts", async () => {
        const window = new Window(10);
        window.use(12);
        const never = new AbortController();
        let free = false;
        const waiting = window.available(never.signal).then(() => (free = true));
        window.acknowledge(2);
        await setImmediate();
        assert.equal(free, false);
        window.acknowledge(1);
        await waiting;
        window.use(5);
        const rejected = assert.rejects(window.available(never.signal), /enough/);
        never.abort(new Error("enough"));
        await rejected;
    });
});

suite("input", () => {
    function sink() {
        const written: string[] = [];
        const taken: (() => void)[] = [];
        return {
            written,
            taken,
            write: (data: Buffer, done: () => void) => {
                written.push(data.toString());
                taken.push(done);
            },
            end: () => void written.push("END"),
        };
    }

    test("that is early is held until there is a command, in order, with its end", () => {
        const queue = new InputQueue(() => undefined);
        queue.write(Buffer.from("a"));
        queue.write(Buffer.from("b"));
        queue.end();
        const to = sink();
        queue.connect(to);
        assert.deepEqual(to.written, ["a", "b", "END"]);
    });

    test("is acknowledged when it was taken, and not before", () => {
        const acknowledged: number[] = [];
        const queue = new InputQueue((bytes) => acknowledged.push(bytes));
        const to = sink();
        queue.connect(to);
        queue.write(Buffer.from("abc"));
        assert.deepEqual(acknowledged, []);
        to.taken[0]!();
        assert.deepEqual(acknowledged, [3]);
    });

    test("is refused past its limit, and counted only while it waits", () => {
        const queue = new InputQueue(() => undefined);
        const to = sink();
        queue.connect(to);
        assert.equal(queue.write(Buffer.alloc(INPUT_LIMIT_BYTES)), true);
        assert.equal(queue.write(Buffer.alloc(1)), false);
        to.taken[0]!();
        assert.equal(queue.write(Buffer.alloc(1)), true);
    });

    test("after its end goes nowhere", () => {
        const queue = new InputQueue(() => undefined);
        const to = sink();
        queue.connect(to);
        queue.end();
        queue.end();
        queue.write(Buffer.from("late"));
        assert.deepEqual(to.written, ["END"]);
    });
});

suite("frames of a monitor", () => {
    test("are decoded whatever the pieces are that they come in", () => {
        const stream = Buffer.concat([
            Buffer.from([0, 0, 3]),
            Buffer.from("abc"),
            Buffer.from([1, 0, 0]),
            Buffer.from([1, 1, 0]),
            Buffer.alloc(256, "x"),
        ]);
        const expected = [
            { type: 0, payload: "abc" },
            { type: 1, payload: "" },
            { type: 1, payload: "x".repeat(256) },
        ];
        for (const size of [1, 2, 3, 5, 100, stream.length]) {
            const decoder = new FrameDecoder();
            const frames = [];
            for (let at = 0; at < stream.length; at += size) {
                for (const { type, payload } of decoder.push(stream.subarray(at, at + size))) {
                    frames.push({ type, payload: payload.toString() });
                }
            }
            assert.deepEqual(frames, expected, `pieces of ${size}`);
        }
    });

    test("of input are as many as a 16-bit length makes necessary", () => {
        const data = Buffer.alloc(65_536, "x");
        const encoded = encodeFrames(ToMonitor.Input, data);
        assert.deepEqual([...encoded.subarray(0, 3)], [0, 0xff, 0xff]);
        assert.deepEqual([...encoded.subarray(3 + 65_535)], [0, 0, 1, "x".charCodeAt(0)]);
    });

    test("tell a size and the end of input", () => {
        assert.deepEqual([...encodeSize(24, 300)], [1, 0, 4, 0, 24, 1, 44]);
        assert.deepEqual([...encodeFrames(ToMonitor.InputEnd, Buffer.alloc(0))], [2, 0, 0]);
    });
});

suite("the streams of a client", () => {
    test("have tokens of their own, which are free again when a stream ends", () => {
        const streams = new Streams();
        const stream = { acknowledge: () => undefined };
        const remove = streams.add("t", stream);
        assert.throws(() => streams.add("t", stream), /no other stream/);
        assert.equal(streams.stream("t"), stream);
        remove();
        assert.equal(streams.stream("t"), undefined);
        streams.add("t", stream);
    });

    test("without input take none", () => {
        const streams = new Streams();
        streams.add("log", { acknowledge: () => undefined });
        assert.equal(streams.session("log"), undefined);
        assert.equal(streams.session("unknown"), undefined);
    });
});
