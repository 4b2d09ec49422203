/** Unpacks a tarball as `docker export`, `podman export` or tar(1) write it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { Parser, type ReadEntry } from "tar";
import { McmError, errnoOf } from "../errors";
import { ErrorCode } from "../protocol";
import type { Meter } from "./space";
import { TreeWriter, badArchive, type Attributes } from "./tree";

/** Compressions by the bytes a file begins with; all but gzip need the system's program. */
const COMPRESSIONS: { magic: Buffer; program: string; package: string }[] = [
    { magic: Buffer.from("fd377a585a00", "hex"), program: "xz", package: "xz-utils" },
    { magic: Buffer.from("28b52ffd", "hex"), program: "zstd", package: "zstd" },
    { magic: Buffer.from("425a68", "hex"), program: "bzip2", package: "bzip2" },
];

const GZIP_MAGIC = Buffer.from("1f8b", "hex");

/** How a sparse file of the pax format is called; its blocks are not its content. */
const SPARSE_NAME = /(?:^|\/)GNUSparseFile\.[0-9]+\//;

/** Types of entries that make something; devices and pipes do not. */
const DIRECTORY_TYPES = new Set(["Directory", "GNUDumpDir"]);
const FILE_TYPES = new Set(["File", "OldFile", "ContiguousFile"]);

/** Permissions of an entry that says none. */
const DEFAULT_MODE = 0o755;

/**
 * Unpacks the whole of `source` below `target`, an empty directory. Devices and pipes are left out:
 * a container has its own /dev. Rejects with an McmError of code Invalid for what is no sound
 * archive, and with the reason of `signal` when that aborts; `target` may then hold anything.
 */
export async function unpackTarball(
    source: string,
    target: string,
    meter: Meter,
    signal: AbortSignal,
): Promise<void> {
    const unpacking = new Unpacking(new TreeWriter(target), meter);
    let running: Promise<void> | undefined;
    try {
        await decompressed(source, signal, (stream) => (running = unpacking.run(stream)));
    } catch (error) {
        signal.throwIfAborted();
        throw error;
    } finally {
        // A pipeline that was aborted does not wait for its end; nothing may be written after this.
        await running?.catch(() => undefined);
    }
}

/** Gives `consume` the bytes of the archive itself. */
async function decompressed(
    source: string,
    signal: AbortSignal,
    consume: (stream: AsyncIterable<Buffer>) => Promise<void>,
): Promise<void> {
    const magic = await firstBytes(source);
    const begins = (bytes: Buffer) => magic.subarray(0, bytes.length).equals(bytes);
    const file = createReadStream(source, { highWaterMark: 256 * 1024 });
    if (begins(GZIP_MAGIC)) {
        await pipeline(file, createGunzip(), consume, { signal }).catch(asBadArchive);
        return;
    }
    const compression = COMPRESSIONS.find((candidate) => begins(candidate.magic));
    if (compression === undefined) {
        await pipeline(file, consume, { signal });
        return;
    }
    await throughProgram(compression, file, signal, consume);
}

async function firstBytes(source: string): Promise<Buffer> {
    const file = await open(source, "r");
    try {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
        return buffer.subarray(0, bytesRead);
    } finally {
        await file.close();
    }
}

/** zlib's errors, Z_DATA_ERROR and so on, are the archive's fault. */
function asBadArchive(error: unknown): never {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code.startsWith("Z_") && error instanceof Error) {
        throw badArchive(`the archive is damaged: ${error.message}`);
    }
    throw error;
}

async function throughProgram(
    compression: { program: string; package: string },
    file: Readable,
    signal: AbortSignal,
    consume: (stream: AsyncIterable<Buffer>) => Promise<void>,
): Promise<void> {
    const child = spawn(compression.program, ["--decompress", "--stdout"], {
        cwd: "/",
        env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
        stdio: ["pipe", "pipe", "pipe"],
    });
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
    const exited = once(child, "close") as Promise<[number | null]>;
    try {
        // The program may end before it has read all: what it says then counts, not EPIPE.
        const feeding = pipeline(file, child.stdin, { signal }).catch(() => undefined);
        const [[code]] = await Promise.all([
            exited,
            pipeline(child.stdout, consume, { signal }),
            feeding,
        ]);
        if (code !== 0) {
            throw badArchive(`the archive is damaged: ${complaint.trim()}`);
        }
    } catch (error) {
        if (errnoOf(error) === "ENOENT") {
            throw unsupported(compression);
        }
        // A stream that stops short breaks the archive; the program knows the reason.
        if (!signal.aborted && complaint !== "") {
            throw badArchive(`the archive is damaged: ${complaint.trim()}`);
        }
        throw error;
    } finally {
        child.kill();
        file.destroy();
    }
}

function unsupported({ program, package: name }: { program: string; package: string }): McmError {
    const hint = `Install ${program} (package ${name}), or import a plain or gzip tarball.`;
    return new McmError(
        ErrorCode.Unsupported,
        `The archive is compressed by ${program}, which this computer does not have. ${hint}`,
        { field: "source", hint },
    );
}

/** One archive on its way to a tree. */
class Unpacking {
    readonly #parser = new Parser({ strict: true });
    /** Entries in their order; the next is read only when all before it are written. */
    #work = Promise.resolve();
    /** The one that is being written. */
    #entry: ReadEntry | undefined;
    #stopped = false;
    #failure: Error | undefined;
    #sawEnd = false;
    #wake: () => void = () => undefined;

    constructor(
        private readonly tree: TreeWriter,
        private readonly meter: Meter,
    ) {
        const parser = this.#parser;
        parser.on("entry", (entry: ReadEntry) => {
            this.#work = this.#work.then(() => this.#write(entry));
            this.#work.catch((error: unknown) => this.#fail(error as Error));
        });
        parser.on("ignoredEntry", ({ path, type }: ReadEntry) => {
            this.#fail(badArchive(`"${path}" is a ${type}, which cannot be imported`));
        });
        parser.on("error", ({ message }: Error) => {
            this.#fail(badArchive(`it is no sound tar archive (${message})`));
        });
        parser.on("nullBlock", () => (this.#sawEnd = true));
    }

    /** Rejects with an McmError, or what ended the stream, once nothing is written any more. */
    async run(stream: AsyncIterable<Buffer>): Promise<void> {
        try {
            await this.#read(stream);
            await this.tree.finish();
        } catch (error) {
            this.#stopped = true;
            this.#entry?.destroy();
            await this.#work.catch(() => undefined);
            throw error;
        }
    }

    async #read(stream: AsyncIterable<Buffer>): Promise<void> {
        for await (const chunk of stream) {
            if (!this.#parser.write(chunk)) {
                await this.#event("drain");
            }
            this.#throwFailure();
        }
        const end = this.#event("end");
        this.#parser.end();
        await end;
        this.#throwFailure();
        await this.#work;
        if (!this.#sawEnd) {
            throw badArchive("the archive is cut off: it has no end mark");
        }
    }

    /** Resolves at the parser's next event of that name, or at a failure. */
    #event(name: "drain" | "end"): Promise<void> {
        return new Promise((resolve) => {
            this.#wake = resolve;
            this.#parser.once(name, resolve);
            if (this.#failure !== undefined) {
                resolve();
            }
        });
    }

    #fail(error: Error): void {
        this.#failure ??= error;
        this.#wake();
    }

    #throwFailure(): void {
        if (this.#failure !== undefined) {
            throw this.#failure;
        }
    }

    async #write(entry: ReadEntry): Promise<void> {
        const { path, linkpath = "" } = entry;
        this.#entry = entry;
        this.meter.addEntries(1);
        if (DIRECTORY_TYPES.has(entry.type)) {
            await this.tree.directory(path, attributesOf(entry));
        } else if (FILE_TYPES.has(entry.type)) {
            if (SPARSE_NAME.test(path)) {
                throw badArchive(`"${path}" is a sparse file; write the archive without --sparse`);
            }
            const content = this.#contentOf(entry);
            await this.tree.file(path, attributesOf(entry), content, (bytes) =>
                this.meter.addBytes(bytes),
            );
        } else if (entry.type === "SymbolicLink") {
            await this.tree.symbolicLink(path, attributesOf(entry), linkpath);
        } else if (entry.type === "Link") {
            await this.tree.hardLink(path, linkpath);
        }
        entry.resume();
    }

    /** Ends with an error when the entry is destroyed, also when that was before it is asked. */
    async *#contentOf(entry: ReadEntry): AsyncGenerator<Buffer> {
        const pieces = entry[Symbol.asyncIterator]();
        for (;;) {
            if (this.#stopped) {
                throw new Error("The unpacking was stopped.");
            }
            const { done, value } = await pieces.next();
            if (done) {
                return;
            }
            yield value;
        }
    }
}

function attributesOf({ uid, gid, mode, mtime }: ReadEntry): Attributes {
    return {
        uid: uid ?? 0,
        gid: gid ?? 0,
        mode: mode ?? DEFAULT_MODE,
        mtime: mtime ?? new Date(0),
    };
}
