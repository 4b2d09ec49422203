/**
 * Writes a tree from entries that nobody can be trusted to have written friendly. Nothing is ever
 * made outside of the tree: a path with `..` or through a symbolic link is refused.
 *
 * Checking first and writing then is safe because nobody else can write here: the tree is below a
 * directory that only root may enter, and it has not been given a name yet.
 */
import {
    chmod,
    chown,
    lchown,
    link,
    lstat,
    lutimes,
    mkdir,
    open,
    symlink,
    unlink,
    utimes,
} from "node:fs/promises";
import path from "node:path";
import { McmError, errnoOf } from "../errors";
import { ErrorCode } from "../protocol";

/** What every entry has. */
export interface Attributes {
    uid: number;
    gid: number;
    /** Permissions, set-id and sticky bits. */
    mode: number;
    mtime: Date;
}

/** Ids above are none (uid_t is 32 bits, and -1 means "keep"). */
const ID_MAXIMUM = 0xffff_fffe;

/** The error of an archive that is refused. */
export function badArchive(problem: string): McmError {
    return new McmError(ErrorCode.Invalid, `source: ${problem}.`, { field: "source" });
}

export class TreeWriter {
    /** Directories that are known to be there and to be none of links. */
    readonly #directories = new Set<string>([""]);
    /** Times of directories, set last: every entry made in one changes its own. */
    readonly #times = new Map<string, Date>();

    /** `root` is an existing, empty directory. */
    constructor(private readonly root: string) {}

    async directory(name: string, attributes: Attributes): Promise<void> {
        const relative = inside(name);
        await this.#makeDirectory(relative);
        const place = this.#place(relative);
        await chown(place, id(attributes.uid), id(attributes.gid));
        await chmod(place, attributes.mode);
        this.#times.set(relative, attributes.mtime);
    }

    /** `written` is told of every piece, before the next is taken. */
    async file(
        name: string,
        attributes: Attributes,
        content: AsyncIterable<Buffer>,
        written: (bytes: number) => Promise<void>,
    ): Promise<void> {
        const place = await this.#clear(name);
        const file = await open(place, "wx", 0o600);
        try {
            for await (const data of content) {
                await file.writeFile(data);
                await written(data.length);
            }
            await file.chown(id(attributes.uid), id(attributes.gid));
            // After the owner, whose change takes set-id bits away (chown(2)).
            await file.chmod(attributes.mode);
            await file.utimes(attributes.mtime, attributes.mtime);
        } finally {
            await file.close();
        }
    }

    /** The target stands as it is: it is looked up inside the container only. */
    async symbolicLink(name: string, attributes: Attributes, target: string): Promise<void> {
        const place = await this.#clear(name);
        await symlink(target, place);
        await lchown(place, id(attributes.uid), id(attributes.gid));
        await lutimes(place, attributes.mtime, attributes.mtime);
    }

    /** A second name of an entry that was written before. */
    async hardLink(name: string, target: string): Promise<void> {
        const existing = inside(target);
        await this.#requireParents(existing, name);
        const kind = await kindOf(this.#place(existing));
        if (kind === undefined || kind === "directory") {
            throw badArchive(`"${name}" is a link to "${target}", which is no file before it`);
        }
        if (existing === inside(name)) {
            return;
        }
        // link(2) does not follow a symbolic link at its end.
        await link(this.#place(existing), await this.#clear(name));
    }

    /** Sets what can only be set once everything is there. */
    async finish(): Promise<void> {
        for (const [relative, mtime] of [...this.#times].reverse()) {
            await utimes(this.#place(relative), mtime, mtime);
        }
    }

    #place(relative: string): string {
        return path.join(this.root, relative);
    }

    /** The place of an entry that is no directory, with its parents made and nothing there. */
    async #clear(name: string): Promise<string> {
        const relative = inside(name);
        if (relative === "") {
            throw badArchive(`"${name}" would replace the root directory itself`);
        }
        await this.#makeParents(relative, name);
        const place = this.#place(relative);
        const kind = await kindOf(place);
        if (kind === "directory") {
            throw badArchive(`"${name}" is a directory and something else, too`);
        }
        if (kind !== undefined) {
            await unlink(place);
        }
        return place;
    }

    async #makeDirectory(relative: string): Promise<void> {
        if (this.#directories.has(relative)) {
            return;
        }
        await this.#makeParents(relative, relative);
        const place = this.#place(relative);
        const kind = await kindOf(place);
        if (kind === "other") {
            await unlink(place);
        }
        if (kind !== "directory") {
            await mkdir(place, 0o755);
        }
        this.#directories.add(relative);
    }

    /** Makes the directories above `relative` that no entry has made. */
    async #makeParents(relative: string, name: string): Promise<void> {
        const parent = parentOf(relative);
        if (this.#directories.has(parent)) {
            return;
        }
        await this.#makeParents(parent, name);
        const place = this.#place(parent);
        const kind = await kindOf(place);
        if (kind === "other") {
            throw badArchive(`"${name}" goes through "${parent}", which is no directory`);
        }
        if (kind === undefined) {
            await mkdir(place, 0o755);
        }
        this.#directories.add(parent);
    }

    async #requireParents(relative: string, name: string): Promise<void> {
        for (let parent = parentOf(relative); parent !== ""; parent = parentOf(parent)) {
            if (!this.#directories.has(parent) && (await kindOf(this.#place(parent))) === "other") {
                throw badArchive(`"${name}" links through "${parent}", which is no directory`);
            }
        }
    }
}

/** An entry's name as a path below the root: "" is the root itself. */
function inside(name: string): string {
    const parts = name.split("/").filter((part) => part !== "" && part !== ".");
    if (parts.includes("..") || name.includes("\0")) {
        throw badArchive(`"${name}" leads out of the archive`);
    }
    return parts.join("/");
}

function parentOf(relative: string): string {
    return relative.slice(0, Math.max(0, relative.lastIndexOf("/")));
}

async function kindOf(place: string): Promise<"directory" | "other" | undefined> {
    try {
        return (await lstat(place)).isDirectory() ? "directory" : "other";
    } catch (error) {
        // ENOTDIR: a parent is a file; whoever makes the parents says so.
        if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") {
            return undefined;
        }
        throw error;
    }
}

function id(value: number): number {
    if (!Number.isInteger(value) || value < 0 || value > ID_MAXIMUM) {
        throw badArchive(`it has an entry of the user or group ${value}, which cannot be`);
    }
    return value;
}
