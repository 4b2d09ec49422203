/** Frames of a monitor's attach.sock (native/README.md): type, 16-bit length, payload. */

const HEADER_BYTES = 3;
const MOST_PAYLOAD_BYTES = 0xffff;

/** Frames to the monitor. */
export enum ToMonitor {
    Input = 0,
    Size = 1,
    InputEnd = 2,
}

/** Types of frames from the monitor. */
export const FromMonitor = {
    Stdout: 0,
    Stderr: 1,
    /** The container has ended, and that is recorded. */
    End: 2,
};

export interface Frame {
    type: number;
    payload: Buffer;
}

/** The frames that carry `payload`: one, or more when it is longer than a frame can be. */
export function encodeFrames(type: ToMonitor, payload: Buffer): Buffer {
    const parts: Buffer[] = [];
    let offset = 0;
    do {
        const part = payload.subarray(offset, offset + MOST_PAYLOAD_BYTES);
        const header = Buffer.allocUnsafe(HEADER_BYTES);
        header.writeUInt8(type, 0);
        header.writeUInt16BE(part.length, 1);
        parts.push(header, part);
        offset += part.length;
    } while (offset < payload.length);
    return Buffer.concat(parts);
}

/** The frame that tells a terminal's size. */
export function encodeSize(rows: number, columns: number): Buffer {
    const payload = Buffer.allocUnsafe(4);
    payload.writeUInt16BE(rows, 0);
    payload.writeUInt16BE(columns, 2);
    return encodeFrames(ToMonitor.Size, payload);
}

/** Cuts a byte stream into frames. */
export class FrameDecoder {
    #rest: Buffer = Buffer.alloc(0);

    /** The frames that `chunk` completes; payloads share its memory. */
    push(chunk: Buffer): Frame[] {
        const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
        const frames: Frame[] = [];
        let offset = 0;
        while (data.length - offset >= HEADER_BYTES) {
            const end = offset + HEADER_BYTES + data.readUInt16BE(offset + 1);
            if (end > data.length) {
                break;
            }
            const type = data.readUInt8(offset);
            frames.push({ type, payload: data.subarray(offset + HEADER_BYTES, end) });
            offset = end;
        }
        this.#rest = data.subarray(offset);
        return frames;
    }
}
