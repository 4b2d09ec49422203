/** The root file systems that were imported: `rootfs/NAME/{root/,import.json}` in the state. */
import { chmod, mkdir, mkdtemp, readFile, readdir, realpath, rename, stat } from "node:fs/promises";
import path from "node:path";
import * as z from "zod/mini";
import { writeAside } from "../config";
import { McmError, invalid, systemError } from "../errors";
import { isDirectory, unless } from "../files";
import type { Native } from "../native";
import { ErrorCode } from "../protocol";
import { processStartTime } from "../state";
import { copyDirectory, diskUsage } from "./copy";
import { Meter, requireSpace } from "./space";

/** Names that are on their way in or out: `.importing-PID-STARTTIME-XXXXXX`, `.removing-…`. */
const IMPORTING_PREFIX = ".importing-";
const REMOVING_PREFIX = ".removing-";

/** What a client means by it is something else. */
const RESERVED_NAMES = ["host"];

const importSchema = z.object({
    /** Bytes on disk. */
    size: z.number(),
    /** RFC 3339. */
    importedAt: z.string(),
    source: z.string(),
});

/** One that was imported. */
export type Imported = z.infer<typeof importSchema> & { name: string };

type Report = (progress: { entries: number; bytes: number }) => void;

export class ImportedRootfs {
    constructor(
        /** Holds one directory for each. */
        private readonly directory: string,
        private readonly native: Native,
    ) {}

    /** The root directory of the one with this name. Throws NotFound. */
    async root(name: string): Promise<string> {
        const root = path.join(this.directory, name, "root");
        if (!(await isDirectory(root))) {
            throw notFound(name);
        }
        return root;
    }

    /** All of them, by name. */
    async list(): Promise<Imported[]> {
        const names = (await readdir(this.directory).catch(unless("ENOENT"))) ?? [];
        const visible = names.filter((name) => !name.startsWith(".")).sort();
        const found = await Promise.all(visible.map((name) => this.#describe(name)));
        return found.filter((one) => one !== undefined);
    }

    /**
     * Imports a directory or a tarball, whole or not at all. Throws Invalid for a source that is no
     * root file system, AlreadyExists when the name is taken, and the reason of `signal` when that
     * aborts.
     */
    async import(
        name: string,
        source: string,
        report: Report,
        signal: AbortSignal,
    ): Promise<Imported> {
        if (RESERVED_NAMES.includes(name)) {
            throw invalid("name", name, "a name that can be given; it means this computer itself");
        }
        const place = path.join(this.directory, name);
        if (await isDirectory(place)) {
            throw alreadyExists(name);
        }
        await mkdir(this.directory, { recursive: true, mode: 0o700 });
        await this.#sweep();
        const startTime = processStartTime(process.pid) ?? 0;
        const prefix = `${IMPORTING_PREFIX}${process.pid}-${startTime}-`;
        const aside = await mkdtemp(path.join(this.directory, prefix));
        try {
            const details = await this.#fill(aside, source, report, signal);
            signal.throwIfAborted();
            await rename(aside, place).catch(unless("ENOTEMPTY", "EEXIST"));
            if (await isDirectory(aside)) {
                throw alreadyExists(name);
            }
            return { name, ...details };
        } catch (error) {
            await this.native.removeTree(aside);
            signal.throwIfAborted();
            throw systemError(`Importing ${source}`, error);
        }
    }

    /**
     * Removes one. `users` tells the names of the containers made from it: Throws Running with them
     * when there are any, NotFound when there is no such root file system.
     */
    async remove(name: string, users: () => Promise<string[]>): Promise<void> {
        await this.root(name);
        requireUnused(name, await users());
        const place = path.join(this.directory, name);
        const aside = await mkdtemp(path.join(this.directory, REMOVING_PREFIX));
        await rename(place, aside);
        // A container may have been made from it since: it is given back before anybody notices.
        const since = await users();
        if (since.length > 0) {
            await rename(aside, place);
            requireUnused(name, since);
        }
        await this.native.removeTree(aside);
    }

    async #fill(
        aside: string,
        source: string,
        report: Report,
        signal: AbortSignal,
    ): Promise<Omit<Imported, "name">> {
        const root = path.join(aside, "root");
        await mkdir(root);
        // Not by mkdir, whose mode the umask cuts.
        await chmod(root, 0o755);
        await this.#fetch(source, root, new Meter(aside, report), signal);
        await requireRootfs(root);
        const size = await diskUsage(root, signal);
        const details = { size, importedAt: new Date().toISOString(), source };
        await writeAside(path.join(aside, "import.json"), `${JSON.stringify(details)}\n`);
        return details;
    }

    async #fetch(source: string, root: string, meter: Meter, signal: AbortSignal): Promise<void> {
        const kind = await stat(source).catch(unless("ENOENT", "ENOTDIR"));
        if (kind?.isDirectory()) {
            const real = await realpath(source);
            const inside = path.relative(real, await realpath(this.directory));
            if (!inside.startsWith("..")) {
                throw invalid("source", source, "a directory outside of which imports are kept");
            }
            await copyDirectory(real, root, meter, signal);
        } else if (kind?.isFile()) {
            await requireSpace(root, kind.size);
            // Loaded only for this: the library takes as long to load as the rest of mcm's start.
            const { unpackTarball } = await import("./tarball");
            await unpackTarball(source, root, meter, signal);
        } else {
            throw invalid("source", source, "a directory or a tarball that is there");
        }
    }

    async #describe(name: string): Promise<Imported | undefined> {
        const place = path.join(this.directory, name);
        const text = await readFile(path.join(place, "import.json"), "utf8").catch(
            unless("ENOENT", "ENOTDIR"),
        );
        const known = importSchema.safeParse(parse(text ?? "")).data;
        if (known !== undefined) {
            return { name, ...known };
        }
        // It was put there by hand, or its description is damaged: what can be seen is told.
        const root = await stat(path.join(place, "root")).catch(unless("ENOENT", "ENOTDIR"));
        if (!root?.isDirectory()) {
            return undefined;
        }
        const size = await diskUsage(path.join(place, "root"));
        return { name, size, importedAt: root.ctime.toISOString(), source: "unknown" };
    }

    /** Removes what processes left that died while importing or removing. */
    async #sweep(): Promise<void> {
        for (const name of await readdir(this.directory)) {
            const [, pid, startTime] = /^\.importing-(\d+)-(\d+)-/.exec(name) ?? [];
            const abandoned =
                pid !== undefined && processStartTime(Number(pid)) !== Number(startTime);
            if (abandoned || name.startsWith(REMOVING_PREFIX)) {
                await this.native.removeTree(path.join(this.directory, name));
            }
        }
    }
}

function parse(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}

/** Throws Invalid unless a container could have this directory as its root. */
async function requireRootfs(root: string): Promise<void> {
    const names = await readdir(root);
    if (names.length === 0) {
        throw new McmError(ErrorCode.Invalid, "source: it is empty.", { field: "source" });
    }
    const image = names.includes("oci-layout") || names.includes("manifest.json");
    if (image && (names.includes("blobs") || names.includes("repositories"))) {
        const hint = "Import what `docker export` writes of a container made from it.";
        throw new McmError(
            ErrorCode.Unsupported,
            `source: it is an image of layers, as \`docker save\` writes it. ${hint}`,
            { field: "source", hint },
        );
    }
}

function requireUnused(name: string, users: string[]): void {
    if (users.length > 0) {
        const hint = "Remove them first.";
        throw new McmError(
            ErrorCode.Running,
            `Root file system ${name} is used by: ${users.join(", ")}. ${hint}`,
            { field: "name", hint },
        );
    }
}

function notFound(name: string): McmError {
    const hint = "Import one, or use one that the list of root file systems shows.";
    return new McmError(ErrorCode.NotFound, `No root file system is called "${name}". ${hint}`, {
        field: "name",
        hint,
    });
}

function alreadyExists(name: string): McmError {
    const hint = "Choose another name, or remove that one first.";
    return new McmError(
        ErrorCode.AlreadyExists,
        `A root file system called "${name}" is there already. ${hint}`,
        { field: "name", hint },
    );
}
