/** Keeps an import from filling the disk. */
import { statfs } from "node:fs/promises";
import { McmError } from "../errors";
import { ErrorCode } from "../protocol";

/** Bytes that stay free for everything else. */
const RESERVE_BYTES = 64 * 1024 * 1024;

/** Free space is looked at again after so many bytes. */
const CHECK_BYTES = 16 * 1024 * 1024;

const HINT = "Free some space there, then try again.";

/** Throws when fewer than `bytes`, or inodes for `entries`, can be added to the file system. */
export async function requireSpace(directory: string, bytes: number, entries = 0): Promise<void> {
    const { bavail, bsize, ffree, files } = await statfs(directory);
    const free = bavail * bsize;
    // btrfs counts no inodes.
    const inodesLacking = files > 0 && ffree < entries;
    if (free - RESERVE_BYTES < bytes || inodesLacking) {
        const what = inodesLacking ? "inodes" : "space";
        throw new McmError(
            ErrorCode.NativeFailed,
            `Importing needs more ${what} than the file system of ${directory} has left. ${HINT}`,
            { errno: "ENOSPC", hint: HINT },
        );
    }
}

/** Counts what an import writes, tells of it, and ends it before the disk is full. */
export class Meter {
    entries = 0;
    bytes = 0;
    #checkAt = CHECK_BYTES;

    constructor(
        private readonly directory: string,
        private readonly report: (progress: { entries: number; bytes: number }) => void,
    ) {}

    addEntries(count: number): void {
        this.entries += count;
        this.report(this);
    }

    async addBytes(count: number): Promise<void> {
        this.bytes += count;
        if (this.bytes >= this.#checkAt) {
            this.#checkAt = this.bytes + CHECK_BYTES;
            await requireSpace(this.directory, CHECK_BYTES);
            this.report(this);
        }
    }
}
