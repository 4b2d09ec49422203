import assert from "node:assert/strict";
import { PassThrough, Writable } from "node:stream";
import { suite, test } from "node:test";
import { StreamMessageReader, type Message } from "vscode-jsonrpc/node";
import { FramingMessageWriter, frame } from "../../server/writer";

/** The message that a reader of the library finds in the bytes. */
function readBack(bytes: Buffer): Promise<Message> {
    const stream = new PassThrough();
    const message = new Promise<Message>((resolve) => {
        new StreamMessageReader(stream).listen(resolve);
    });
    stream.end(bytes);
    return message;
}

function progress(token: string, data: string): Message {
    const params = { token, value: { stream: "stdout", data } };
    return { jsonrpc: "2.0", method: "$/progress", params } as Message;
}

suite("a message", () => {
    test("is framed by its bytes, whatever characters it has", async () => {
        const message = { jsonrpc: "2.0", method: "m", params: { text: 'é € 😀 "\\ \u2028' } };
        assert.deepEqual(await readBack(frame(message)), message);
    });

    test("of output, short or long, arrives as it was", async () => {
        for (const size of [0, 1, 1023, 1024, 400_000]) {
            const data = Buffer.alloc(size, "x").toString("base64");
            const message = progress('é "data":""}}}', data);
            assert.deepEqual(await readBack(frame(message)), message, `${size}`);
        }
    });

    test("of another form with long data arrives as it was", async () => {
        const long = '"'.repeat(5000);
        for (const params of [{ data: long }, { value: { data: 1 } }, { value: { text: long } }]) {
            const message = { jsonrpc: "2.0", method: "m", params } as Message;
            assert.deepEqual(await readBack(frame(message)), message);
        }
    });
});

suite("writing", () => {
    test("keeps the order, and is done when the stream has taken the message", async () => {
        const taken: (() => void)[] = [];
        const written: string[] = [];
        const stream = new Writable({
            write(chunk: Buffer, _encoding, done) {
                written.push(chunk.toString());
                taken.push(done);
            },
        });
        const writer = new FramingMessageWriter(stream);
        let done = false;
        const first = writer.write({ jsonrpc: "1" }).then(() => (done = true));
        const second = writer.write({ jsonrpc: "2" });
        await Promise.resolve();
        assert.equal(done, false);
        taken[0]!();
        await first;
        taken[1]!();
        await second;
        assert.deepEqual(
            written.map((text) => text.split("\r\n\r\n")[1]),
            ['{"jsonrpc":"1"}', '{"jsonrpc":"2"}'],
        );
    });

    test("to a stream that has ended fails, and says so", async () => {
        const stream = new PassThrough();
        const writer = new FramingMessageWriter(stream);
        const errors: string[] = [];
        writer.onError(([error]) => errors.push(error.message));
        stream.destroy();
        await assert.rejects(writer.write({ jsonrpc: "2.0" }));
        assert.equal(errors.length >= 1, true);
    });
});
