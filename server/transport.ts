/**
 * A client's byte stream as a JSON-RPC connection: LSP's framing, with a bound on what a client can
 * make this root process hold.
 */
import type { Duplex } from "node:stream";
import {
    AbstractMessageReader,
    Disposable,
    type DataCallback,
    type Logger,
    type Message,
} from "vscode-jsonrpc/node";
import { createConnection, createProtocolConnection, type Connection } from "vscode-languageserver";
import { FramingMessageWriter } from "./writer";

/** Bytes of the largest message that is taken; input of sessions comes in far smaller ones. */
export const MESSAGE_LIMIT = 8 * 1024 * 1024;

/** Bytes of a message's header lines. */
const HEADER_LIMIT = 1024;

const HEADER_END = Buffer.from("\r\n\r\n");

/**
 * Reads `Content-Length` framed JSON. The first thing that is none, or too large, is an error and
 * the end: after it nothing on the stream can be trusted to be at a message's beginning.
 */
export class BoundedMessageReader extends AbstractMessageReader {
    private buffered: Buffer[] = [];
    private size = 0;
    /** Bytes that must be there before anything can be decided. */
    private wanted = 1;
    private failed = false;

    constructor(private readonly stream: Duplex) {
        super();
    }

    listen(callback: DataCallback): Disposable {
        const onData = (chunk: Buffer) => this.take(chunk, callback);
        this.stream.on("data", onData);
        this.stream.on("error", (error) => this.fireError(error));
        this.stream.on("close", () => this.fireClose());
        return Disposable.create(() => this.stream.off("data", onData));
    }

    private take(chunk: Buffer, callback: DataCallback): void {
        this.buffered.push(chunk);
        this.size += chunk.length;
        if (this.failed || this.size < this.wanted) {
            return;
        }
        try {
            let rest: Buffer = Buffer.concat(this.buffered);
            for (let next = split(rest); next !== undefined; next = split(rest)) {
                rest = next.rest;
                callback(parse(next.body));
            }
            this.wanted = wantedBytes(rest);
            this.buffered = [rest];
            this.size = rest.length;
        } catch (error) {
            this.failed = true;
            this.buffered = [];
            this.fireError(error);
            this.stream.destroy();
        }
    }
}

/** The length that a complete header at the beginning tells, and where its body begins. */
function header(bytes: Buffer): { bodyStart: number; length: number } | undefined {
    const end = bytes.subarray(0, HEADER_LIMIT).indexOf(HEADER_END);
    if (end < 0) {
        if (bytes.length >= HEADER_LIMIT) {
            throw new Error("A message's header does not end.");
        }
        return undefined;
    }
    const match = /^Content-Length: *([0-9]{1,9}) *$/im.exec(bytes.toString("latin1", 0, end));
    if (match === null) {
        throw new Error("A message has no Content-Length.");
    }
    const length = Number(match[1]);
    if (length > MESSAGE_LIMIT) {
        throw new Error(`A message of ${length} bytes is more than ${MESSAGE_LIMIT}.`);
    }
    return { bodyStart: end + HEADER_END.length, length };
}

/** The first whole message and what comes after it. */
function split(bytes: Buffer): { body: Buffer; rest: Buffer } | undefined {
    const found = header(bytes);
    if (found === undefined || bytes.length < found.bodyStart + found.length) {
        return undefined;
    }
    const end = found.bodyStart + found.length;
    return { body: bytes.subarray(found.bodyStart, end), rest: bytes.subarray(end) };
}

function wantedBytes(bytes: Buffer): number {
    const found = header(bytes);
    return found === undefined ? bytes.length + 1 : found.bodyStart + found.length;
}

function parse(body: Buffer): Message {
    const message: unknown = JSON.parse(body.toString("utf8"));
    if (typeof message !== "object" || message === null || Array.isArray(message)) {
        throw new Error("A message is not a JSON object.");
    }
    return message as Message;
}

/** A client's connection and its end. */
export interface ClientLink {
    connection: Connection;
    /** Called once, when the stream has ended or was closed. */
    onClose(listener: () => void): void;
    /** Ends the connection; the other end sees the stream end. */
    close(): void;
}

/**
 * What the library would tell the client itself: that a reply could not be sent, because the client
 * has gone. Sending that fails, too.
 */
const SILENT: Logger = {
    error: () => undefined,
    warn: () => undefined,
    info: () => undefined,
    log: () => undefined,
};

/**
 * A connection over a socket or one end of an in-memory pair. LSP's `exit` ends this connection and
 * nothing else. `onError` hears what is wrong with the stream, after which it ends.
 */
export function openLink(stream: Duplex, onError: (error: Error) => void): ClientLink {
    const reader = new BoundedMessageReader(stream);
    const writer = new FramingMessageWriter(stream);
    const close = () => stream.destroy();
    const connection = createConnection(
        () => {
            const protocol = createProtocolConnection(reader, writer, SILENT);
            protocol.onError(([error]) => {
                // An answer to a client that has gone cannot be sent, which is no fault of the stream.
                if (stream.writable) {
                    onError(error);
                }
            });
            return protocol;
        },
        { shutdownReceived: false, initialize: () => undefined, exit: close },
    );
    return {
        connection,
        onClose(listener) {
            stream.once("close", listener);
        },
        close,
    };
}
