/** Writes messages with LSP's framing, each with one write, and a session's output without detours. */
import type { Writable } from "node:stream";
import { AbstractMessageWriter, type Message, type MessageWriter } from "vscode-jsonrpc/node";
import type { OutputChunk } from "./protocol";

/** Shorter data is not worth the trouble. */
const LONG_DATA = 1024;

/** How the JSON of a progress message ends whose value has its `data` last, and empty. */
const DATA_END = '"data":""}}}';

/** Where in that the data belongs, from the end. */
const DATA_FROM_END = '"}}}'.length;

/** The library's own writer scans all that it sends for characters to escape; base64 has none. */
export class FramingMessageWriter extends AbstractMessageWriter implements MessageWriter {
    #errors = 0;

    constructor(private readonly stream: Writable) {
        super();
        stream.on("error", (error) => this.fireError(error));
        stream.on("close", () => this.fireClose());
    }

    /** Resolves when the message has left this process. */
    write(message: Message): Promise<void> {
        return new Promise((resolve, reject) => {
            this.stream.write(frame(message), (error) => {
                if (error) {
                    this.fireError(error, message, ++this.#errors);
                    reject(error);
                } else {
                    resolve();
                }
            });
        });
    }

    end(): void {
        this.stream.end();
    }
}

/** The bytes of a message, with its header. */
export function frame(message: Message): Buffer {
    const { params } = message as { params?: { value?: Partial<OutputChunk> } };
    const data = params?.value?.data;
    // Nothing else that is sent as progress has a member of that name.
    if (typeof data === "string" && data.length >= LONG_DATA) {
        const value = { ...params?.value, data: "" };
        const json = JSON.stringify({ ...message, params: { ...params, value } });
        if (json.endsWith(DATA_END)) {
            return join(json.slice(0, -DATA_FROM_END), data, json.slice(-DATA_FROM_END));
        }
    }
    return join(JSON.stringify(message), "", "");
}

/** `middle` and `end` are ASCII. */
function join(begin: string, middle: string, end: string): Buffer {
    const length = Buffer.byteLength(begin) + middle.length + end.length;
    const header = `Content-Length: ${length}\r\n\r\n`;
    const bytes = Buffer.allocUnsafe(header.length + length);
    let at = bytes.write(header, 0, "latin1");
    at += bytes.write(begin, at, "utf8");
    at += bytes.write(middle, at, "latin1");
    bytes.write(end, at, "latin1");
    return bytes;
}
