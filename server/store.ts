/**
 * The containers on disk: finds, creates, renames and removes them. Several processes may do so at
 * the same time; claims.ts decides between them. Remembered between calls is only what the files
 * said, as long as they look the same (records.ts).
 */
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, statSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import {
    BrokenConfig,
    ConfigFile,
    changedLimits,
    configOf,
    readConfig,
    writeConfig,
    type ContainerConfig,
} from "./config";
import { isFrozen, type CgroupLayout } from "./cgroup";
import { ambiguous, brokenError, notFound, notRunning } from "./containerErrors";
import { errnoOf, systemError } from "./errors";
import { isDirectory, unless } from "./files";
import type { Native } from "./native";
import { CREATING_PREFIX, REMOVING_PREFIX, type ContainerPaths, type Paths } from "./paths";
import type { ContainerId, ContainerSpec, LimitChanges } from "./protocol";
import { Registry } from "./registry";
import { StateReader, type LiveState } from "./state";
import type { ContainerProcess } from "./status";

/** One whose files are sound. */
export interface HealthyContainer {
    kind: "healthy";
    id: ContainerId;
    name: string;
    paths: ContainerPaths;
    config: ContainerConfig;
    state: LiveState;
}

/** One whose config.json cannot be used; it can only be removed. */
export interface BrokenContainer {
    kind: "broken";
    id: ContainerId;
    /** As far as it is known; the id otherwise. */
    name: string;
    paths: ContainerPaths;
    reason: string;
    state: LiveState;
}

export type Container = HealthyContainer | BrokenContainer;

/** The records of one container. */
interface Records {
    paths: ContainerPaths;
    config: ConfigFile;
    state: StateReader;
}

const ID = /^[0-9a-f]{12}$/;

/** Nothing else is ever looked up as a name: it becomes part of a path. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

export class Store {
    private readonly registry: Registry;
    private readonly records = new Map<ContainerId, Records>();

    constructor(
        private readonly paths: Paths,
        private readonly native: Native,
        private readonly cgroups: CgroupLayout,
    ) {
        this.registry = new Registry(paths);
    }

    /** All of them, in no order. */
    async list(): Promise<Container[]> {
        const ids = await this.ids();
        const there = new Set(ids);
        for (const id of this.records.keys()) {
            if (!there.has(id)) {
                this.records.delete(id);
            }
        }
        return this.look(ids);
    }

    /** The container with exactly this id. */
    async get(id: ContainerId): Promise<Container | undefined> {
        return (await this.look([id]))[0];
    }

    /** Those of the ids that are there. */
    private async look(ids: ContainerId[]): Promise<Container[]> {
        const containers = ids.map((id) => this.read(id)).filter((found) => found !== undefined);
        if (containers.some(({ kind }) => kind === "broken")) {
            const names = await this.registry.names();
            for (const container of containers) {
                if (container.kind === "broken") {
                    container.name = names.get(container.id) ?? container.id;
                }
            }
        }
        return containers;
    }

    /** What the files of a container say; the name of a broken one is not among it. */
    private read(id: ContainerId): Container | undefined {
        const { paths, config: file, state } = this.recordsOf(id);
        try {
            const config = file.read();
            return { kind: "healthy", id, name: config.name, paths, config, state: state.read() };
        } catch (error) {
            if (!statSync(paths.state, { throwIfNoEntry: false })?.isDirectory()) {
                this.records.delete(id);
                return undefined;
            }
            const reason = brokenReason(error);
            return { kind: "broken", id, name: id, paths, reason, state: state.read() };
        }
    }

    private recordsOf(id: ContainerId): Records {
        let records = this.records.get(id);
        if (records === undefined) {
            const paths = this.paths.container(id);
            const config = new ConfigFile(paths.config);
            records = {
                paths,
                config,
                state: new StateReader(paths, () => isFrozen(this.cgroups, id)),
            };
            this.records.set(id, records);
        }
        return records;
    }

    /**
     * The container that an id, the unique beginning of one, or a name means. Throws NotFound, or
     * Invalid when several ids begin so.
     */
    async find(reference: string): Promise<Container> {
        const exact = ID.test(reference) ? await this.get(reference) : undefined;
        if (exact !== undefined) {
            return exact;
        }
        const holder = NAME.test(reference) ? await this.registry.nameHolder(reference) : undefined;
        const named = holder === undefined ? undefined : await this.get(holder);
        if (named?.name === reference) {
            return named;
        }
        return this.findByPrefix(reference);
    }

    /** As {@link find}; throws Broken for one that can only be removed. */
    async findHealthy(reference: string): Promise<HealthyContainer> {
        const container = await this.find(reference);
        if (container.kind === "broken") {
            throw brokenError(container, container.reason);
        }
        return container;
    }

    /** As {@link findHealthy}; throws NotRunning, with that hint, for one that neither runs nor is
     * paused. */
    async findRunning(
        reference: string,
        hint?: string,
    ): Promise<{ container: HealthyContainer; process: ContainerProcess; paused: boolean }> {
        const container = await this.findHealthy(reference);
        if (container.state.kind !== "running") {
            throw notRunning(container, hint);
        }
        const { process, paused } = container.state;
        return { container, process, paused };
    }

    /** Ids that run as far as a look at the runtime directory tells. */
    runningIds(): ContainerId[] {
        try {
            return readdirSync(this.paths.runContainers).filter(
                (id) => ID.test(id) && existsSync(this.paths.container(id).stateFile),
            );
        } catch (error) {
            if (errnoOf(error) === "ENOENT") {
                return [];
            }
            throw error;
        }
    }

    /**
     * Makes a container from what was asked for, validated. Throws AlreadyExists when its name is
     * taken, NativeFailed when the disk fails; nothing is left then.
     */
    async create(spec: ContainerSpec): Promise<HealthyContainer> {
        const id = await this.freeId();
        return this.registry.making(id, () => this.make(id, spec));
    }

    private async make(id: ContainerId, spec: ContainerSpec): Promise<HealthyContainer> {
        const staging = path.join(this.paths.containers, CREATING_PREFIX + id);
        try {
            await mkdir(this.paths.containers, { recursive: true, mode: 0o700 });
            await mkdir(staging, { mode: 0o700 });
        } catch (error) {
            throw systemError(`Creating ${staging}`, error);
        }
        try {
            const name = spec.name ?? (await this.registry.makeUpName(id));
            if (spec.name !== undefined) {
                await this.registry.takeName(id, spec.name);
            }
            const idBase = await this.registry.takeRange(id);
            const createdAt = new Date().toISOString();
            const config = configOf(spec, { id, name, idBase, createdAt });
            await writeConfig(path.join(staging, "config.json"), config);
            const paths = this.paths.container(id);
            // Fails on a directory that is not empty: an id is never given twice.
            await rename(staging, paths.state);
            return { kind: "healthy", id, name, paths, config, state: { kind: "created" } };
        } catch (error) {
            await rm(staging, { recursive: true, force: true });
            await this.registry.release(id);
            throw systemError("Creating the container", error);
        }
    }

    /**
     * Takes the container's directories, cgroups and claims away; what is already gone is no
     * failure. Throws Running when it runs.
     */
    async remove(container: Container): Promise<void> {
        const { id, paths } = container;
        await this.native.remove(id, paths.state, paths.run);
        const config = container.kind === "healthy" ? container.config : undefined;
        await this.registry.release(id, config);
    }

    /** Gives up the claims of a container that removed itself when it ended. */
    async forget(id: ContainerId): Promise<void> {
        await this.registry.forget(id);
    }

    /**
     * Takes back what {@link create} made when the container could not be started. Without a native
     * program to remove it (the reason why it did not start, maybe) this removes our own files.
     */
    async discard(container: HealthyContainer): Promise<void> {
        try {
            await this.remove(container);
        } catch (error) {
            if (existsSync(container.paths.upper)) {
                throw error;
            }
            await rm(container.paths.state, { recursive: true, force: true });
            await this.registry.release(container.id, container.config);
        }
    }

    /** Gives a container another name. Throws AlreadyExists when it is taken. */
    async rename(container: HealthyContainer, name: string): Promise<HealthyContainer> {
        const { id } = container;
        return this.edit(container, async (before, write) => {
            if (name === before.name) {
                return;
            }
            await this.registry.takeName(id, name);
            try {
                await write({ ...before, name });
            } catch (error) {
                await this.registry.giveName(id, name);
                throw error;
            }
            await this.registry.giveName(id, before.name);
        });
    }

    /**
     * Writes changed limits down and has them applied; when that fails, what was before is written
     * again. In this order a start at the same moment either reads the new ones or is there to have
     * them applied.
     */
    async changeLimits(
        container: HealthyContainer,
        changes: LimitChanges,
        apply: () => Promise<{ warnings: string[] }>,
    ): Promise<HealthyContainer> {
        return this.edit(container, async (before, write) => {
            const limits = changedLimits(before.limits, changes);
            await write({ ...before, limits });
            try {
                const { warnings } = await apply();
                const added = warnings.filter((warning) => !before.warnings.includes(warning));
                if (added.length > 0) {
                    await write({ ...before, limits, warnings: [...before.warnings, ...added] });
                }
            } catch (error) {
                await write(before);
                throw error;
            }
        });
    }

    /** Keeps what the host could not do at the last start. */
    async noteWarnings(container: HealthyContainer, warnings: string[]): Promise<void> {
        if (JSON.stringify(warnings) !== JSON.stringify(container.config.warnings)) {
            await this.edit(container, (before, write) => write({ ...before, warnings }));
        }
    }

    /**
     * Finishes what processes began that died: removals, creations, claims. What cannot be finished
     * does not keep it from the rest; it is told as a list of errors.
     */
    async sweep(): Promise<unknown[]> {
        const names = await this.entries();
        const removals = names.filter((name) => name.startsWith(REMOVING_PREFIX));
        const creations = names.filter((name) => name.startsWith(CREATING_PREFIX));
        const results = await Promise.allSettled([
            ...removals.map((name) => this.finishRemoval(name)),
            ...creations.map((name) => this.dropCreation(name)),
            this.registry.sweep(),
        ]);
        return results
            .filter((result) => result.status === "rejected")
            .map(({ reason }): unknown => reason);
    }

    private async finishRemoval(name: string): Promise<void> {
        const id = name.slice(REMOVING_PREFIX.length);
        const { state, run } = this.paths.container(id);
        await this.native.removeTree(path.join(this.paths.containers, name));
        await this.native.remove(id, state, run);
    }

    private async dropCreation(name: string): Promise<void> {
        const directory = path.join(this.paths.containers, name);
        if (!(await this.registry.isBeingMade(name.slice(CREATING_PREFIX.length)))) {
            await rm(directory, { recursive: true, force: true });
        }
    }

    private async entries(): Promise<string[]> {
        return (await readdir(this.paths.containers).catch(unless("ENOENT"))) ?? [];
    }

    private async ids(): Promise<ContainerId[]> {
        return (await this.entries()).filter((name) => ID.test(name));
    }

    private async findByPrefix(reference: string): Promise<Container> {
        const ids = (await this.ids()).filter((id) => id.startsWith(reference));
        const found = await this.look(ids);
        const [first] = found;
        if (first === undefined) {
            throw notFound(reference);
        }
        if (found.length > 1) {
            throw ambiguous(reference, found);
        }
        return first;
    }

    private async freeId(): Promise<ContainerId> {
        for (;;) {
            const id = randomBytes(6).toString("hex");
            if (!(await isDirectory(this.paths.container(id).state))) {
                return id;
            }
        }
    }

    /** Rewrites config.json as its only writer, in any process; gives the container as it is then. */
    private async edit(
        container: HealthyContainer,
        change: (
            before: ContainerConfig,
            write: (after: ContainerConfig) => Promise<void>,
        ) => Promise<void>,
    ): Promise<HealthyContainer> {
        const file = container.paths.config;
        return this.registry.editing(container.id, async () => {
            await change(await this.configOf(container), (after) => writeConfig(file, after));
            const config = await this.configOf(container);
            return { ...container, name: config.name, config };
        });
    }

    private async configOf(container: HealthyContainer): Promise<ContainerConfig> {
        try {
            return readConfig(container.paths.config);
        } catch (error) {
            if (!(await isDirectory(container.paths.state))) {
                throw notFound(container.id);
            }
            throw brokenError(container, brokenReason(error));
        }
    }
}

/** Why a config.json cannot be used. Throws what is no fault of the file. */
function brokenReason(error: unknown): string {
    if (error instanceof BrokenConfig) {
        return error.message;
    }
    throw error;
}
