import assert from "node:assert/strict";
import { once } from "node:events";
import { duplexPair, PassThrough } from "node:stream";
import { test } from "node:test";
import type { Message } from "vscode-jsonrpc";
import { BoundedMessageReader, MESSAGE_LIMIT, openLink } from "../../server/transport";

/** What a reader makes of chunks: messages, and the error it ended with. */
async function read(
    ...chunks: (string | Buffer)[]
): Promise<{ messages: Message[]; error?: string }> {
    const stream = new PassThrough();
    const reader = new BoundedMessageReader(stream);
    const messages: Message[] = [];
    let error: string | undefined;
    reader.onError((thrown) => (error = thrown.message));
    reader.listen((message) => void messages.push(message));
    for (const chunk of chunks) {
        stream.write(chunk);
    }
    stream.end();
    if (!stream.closed) {
        await once(stream, "close");
    }
    return { messages, error };
}

function frame(value: unknown): string {
    const body = JSON.stringify(value);
    return `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

const FIRST = { jsonrpc: "2.0", id: 1, method: "é€😀" };
const SECOND = { jsonrpc: "2.0", id: 2, method: "b" };

test("messages come out as they were put in, however they were cut", async () => {
    const bytes = Buffer.from(frame(FIRST) + frame(SECOND));
    for (const size of [1, 2, 7, 30, bytes.length]) {
        const chunks = [];
        for (let at = 0; at < bytes.length; at += size) {
            chunks.push(bytes.subarray(at, at + size));
        }
        assert.deepEqual((await read(...chunks)).messages, [FIRST, SECOND]);
    }
});

test("a large message in small pieces is put together in linear time", async () => {
    const large = { jsonrpc: "2.0", method: "x", params: "y".repeat(4 * 1024 * 1024) };
    const bytes = Buffer.from(frame(large));
    const chunks = [];
    for (let at = 0; at < bytes.length; at += 1024) {
        chunks.push(bytes.subarray(at, at + 1024));
    }
    const before = performance.now();
    assert.deepEqual((await read(...chunks)).messages, [large]);
    assert.ok(performance.now() - before < 10_000);
});

for (const [what, text] of [
    ["that announces too much", `Content-Length: ${MESSAGE_LIMIT + 1}\r\n\r\n`],
    ["without a length", "Content-Type: x\r\n\r\n{}"],
    ["with a negative length", "Content-Length: -1\r\n\r\n{}"],
    ["whose header does not end", "x".repeat(2000)],
    ["that is no JSON", "Content-Length: 3\r\n\r\n{]}"],
    ["that is no object", "Content-Length: 4\r\n\r\nnull"],
] as const) {
    test(`a message ${what} ends the connection, and nothing after it is read`, async () => {
        const { messages, error } = await read(frame(FIRST), text + frame(SECOND));
        assert.deepEqual(messages, [FIRST]);
        assert.ok(error);
    });
}

test("an answer that finds its client gone is no failure of the connection", async () => {
    const [ours, theirs] = duplexPair();
    const failures: string[] = [];
    const link = openLink(ours, (error) => failures.push(error.message));
    const closed = new Promise<void>((resolve) => link.onClose(resolve));
    const asked = new Promise<() => void>((resolve) => {
        link.connection.onRequest("slow", () => new Promise<null>((r) => resolve(() => r(null))));
    });
    link.connection.listen();
    theirs.write(frame({ jsonrpc: "2.0", id: 1, method: "slow" }));
    const answer = await asked;
    theirs.destroy();
    ours.destroy();
    await closed;
    answer();
    // The answer passes through some promises before it fails.
    for (let turn = 0; turn < 10; turn++) {
        await new Promise(setImmediate);
    }
    assert.deepEqual(failures, []);
});
