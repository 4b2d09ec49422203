/** config.json: what a container is, in the form it is kept on disk. */
import { open, rename, rm } from "node:fs/promises";
import path from "node:path";
import * as z from "zod/mini";
import { errnoOf, systemError } from "./errors";
import { env } from "./forms";
import type { ContainerSpec, LimitChanges, Limits } from "./protocol";
import { readRecord, RecordFile, UnfitRecord } from "./records";

/** Raised when an older backend could misunderstand the file. */
const CONFIG_VERSION = 1;

/** The same members as a ContainerSpec, with everything decided that was left open. */
const configSchema = z.object({
    version: z.literal(CONFIG_VERSION),
    id: z.string().check(z.regex(/^[0-9a-f]{12}$/)),
    name: z.string().check(z.minLength(1)),
    /** RFC 3339. */
    createdAt: z.string(),
    /** Host id that is root inside. */
    idBase: z.int().check(z.positive()),
    rootfs: z.discriminatedUnion("kind", [
        z.object({ kind: z.literal("host") }),
        z.object({ kind: z.literal("directory"), path: z.string() }),
        z.object({ kind: z.literal("imported"), name: z.string() }),
    ]),
    command: z.array(z.string()),
    limits: z.object({
        memory: z.optional(z.int().check(z.positive())),
        cpu: z.optional(z.number().check(z.positive())),
        cpuset: z.optional(z.string()),
        pids: z.optional(z.int().check(z.positive())),
        ioRead: z.optional(z.int().check(z.positive())),
        ioWrite: z.optional(z.int().check(z.positive())),
    }),
    /** Follows the name when absent. */
    hostname: z.optional(z.string()),
    env,
    workdir: z.string(),
    /** Root when absent, whatever the container's passwd says. */
    user: z.optional(z.string()),
    volumes: z.array(
        z.object({ source: z.string(), target: z.string(), mode: z.enum(["ro", "rw", "cow"]) }),
    ),
    interactive: z.boolean(),
    tty: z.boolean(),
    autoRemove: z.boolean(),
    /** What the host could not do exactly as asked, at the last start. */
    warnings: z.array(z.string()),
});

export type ContainerConfig = z.infer<typeof configSchema>;

/** What the store decides about a new container. */
export interface ContainerIdentity {
    id: string;
    name: string;
    idBase: number;
    createdAt: string;
}

/** The config of a new container: what was asked for, and the defaults for what was not. */
export function configOf(spec: ContainerSpec, identity: ContainerIdentity): ContainerConfig {
    return {
        version: CONFIG_VERSION,
        ...identity,
        rootfs: spec.rootfs ?? { kind: "host" },
        command: spec.command ?? [],
        limits: spec.limits ?? {},
        hostname: spec.hostname,
        env: spec.env ?? {},
        workdir: spec.workdir ?? "/",
        user: spec.user,
        volumes: spec.volumes ?? [],
        interactive: spec.interactive ?? false,
        tty: spec.tty ?? false,
        autoRemove: spec.autoRemove ?? false,
        warnings: [],
    };
}

/** Limits after a change; one that was cleared is absent. */
export function changedLimits(before: Limits, changes: LimitChanges): Limits {
    const merged = Object.entries({ ...before, ...changes }) as [keyof Limits, unknown][];
    return Object.fromEntries(
        merged
            .map(([name, value]) => [name, value === undefined ? before[name] : value] as const)
            .filter(([, value]) => value !== null && value !== undefined),
    );
}

/** The host name inside: the one asked for, or the name made fit to be one (RFC 1123). */
export function hostnameOf(config: ContainerConfig): string {
    if (config.hostname !== undefined) {
        return config.hostname;
    }
    const labels = config.name.split(/[._]+/).map((label) => label.replace(/^-+|-+$/g, ""));
    return labels
        .filter((label) => label !== "")
        .join("-")
        .slice(0, 63);
}

/** A config.json that cannot be used, with the reason in words. */
export class BrokenConfig extends Error {}

/** What the computer is short of says nothing about the file; anything else is the file's fault. */
const SHORTAGES = ["EMFILE", "ENFILE", "ENOMEM", "EAGAIN"];

/** What is on disk. Throws {@link BrokenConfig}, and what the computer is short of. */
export function readConfig(file: string): ContainerConfig {
    return sound(() => parsed(readRecord(file)));
}

/** A config.json that is read again only when it has changed. */
export class ConfigFile {
    private readonly file: RecordFile<ContainerConfig>;

    constructor(file: string) {
        this.file = new RecordFile(file, parsed);
    }

    /** As {@link readConfig}. What it gives is shared: it is not to be changed. */
    read(): ContainerConfig {
        return sound(() => this.file.read() ?? parsed(undefined));
    }
}

/** Whatever keeps a config.json from being used, as a BrokenConfig that says so. */
function sound(read: () => ContainerConfig): ContainerConfig {
    try {
        return read();
    } catch (error) {
        if (error instanceof UnfitRecord) {
            throw new BrokenConfig(`config.json ${error.message}`);
        }
        const errno = errnoOf(error);
        if (errno === undefined || SHORTAGES.includes(errno)) {
            throw error;
        }
        throw new BrokenConfig(`config.json cannot be read (${errno})`);
    }
}

function parsed(text: string | undefined): ContainerConfig {
    if (text === undefined) {
        throw new BrokenConfig("config.json is missing");
    }
    let value: unknown;
    try {
        value = JSON.parse(text);
    } catch (error) {
        throw new BrokenConfig(`config.json is not JSON: ${(error as Error).message}`);
    }
    const result = configSchema.safeParse(value);
    if (!result.success) {
        const issue = result.error.issues[0];
        const where = issue?.path.join(".") ?? "";
        throw new BrokenConfig(`config.json: ${where || "the whole"}: ${issue?.message ?? ""}`);
    }
    return result.data;
}

/**
 * Writes `text` so that a crash, or a full disk, leaves either the old file or the new one: aside,
 * to the disk, then renamed. Throws an McmError.
 */
export async function writeAside(file: string, text: string): Promise<void> {
    const aside = `${file}.new`;
    try {
        const handle = await open(aside, "w", 0o600);
        try {
            await handle.writeFile(text);
            await handle.sync();
        } finally {
            await handle.close();
        }
        await rename(aside, file);
        await syncDirectory(path.dirname(file));
    } catch (error) {
        await rm(aside, { force: true }).catch(() => undefined);
        throw systemError(`Writing ${file}`, error);
    }
}

async function syncDirectory(directory: string): Promise<void> {
    const handle = await open(directory, "r");
    try {
        await handle.sync();
    } finally {
        await handle.close();
    }
}

/** Writes a config; see {@link writeAside}. */
export function writeConfig(file: string, config: ContainerConfig): Promise<void> {
    return writeAside(file, `${JSON.stringify(config, undefined, 4)}\n`);
}
