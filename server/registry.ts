/**
 * What containers have a claim on: their names, their ranges of host ids, and for a moment the right
 * to make them or to rewrite their config.json. The holder of a name or a range is the container's
 * id, of a right the process that does it.
 */
import { Claims } from "./claims";
import { readConfig, type ContainerConfig } from "./config";
import { McmError } from "./errors";
import { isDirectory } from "./files";
import { isGone, thisProcess } from "./holder";
import { randomName } from "./names";
import type { Paths } from "./paths";
import { ErrorCode, type ContainerId } from "./protocol";
import { foreignRanges, freeSlots, RANGE_SIZE, FIRST_ID, slotBase } from "./ranges";

/** How long a process waits for another one that rewrites the same config.json, in milliseconds. */
const EDIT_PATIENCE_MS = 5000;
const EDIT_RETRY_MS = 20;

export class Registry {
    private readonly claims: Claims;

    constructor(private readonly paths: Paths) {
        this.claims = new Claims(paths.claims);
    }

    /** Claims a name. Throws AlreadyExists when another container has it. */
    async takeName(id: ContainerId, name: string): Promise<void> {
        if (!(await this.take(nameClaim(name), id))) {
            const holder = (await this.nameHolder(name)) ?? "another container";
            const hint = "Choose another name, or rename or remove that one.";
            throw new McmError(
                ErrorCode.AlreadyExists,
                `The name "${name}" is taken by ${holder}. ${hint}`,
                { field: "name", hint },
            );
        }
    }

    /** Claims a name made up for a container that was given none. */
    async makeUpName(id: ContainerId): Promise<string> {
        for (let attempt = 0; ; attempt++) {
            const name = randomName(attempt);
            if (await this.take(nameClaim(name), id)) {
                return name;
            }
        }
    }

    /** Gives a name up that a container had. */
    async giveName(id: ContainerId, name: string): Promise<void> {
        await this.claims.give(nameClaim(name), id);
    }

    /** The id that has a name, as far as the claims tell. */
    nameHolder(name: string): Promise<ContainerId | undefined> {
        return this.claims.holder(nameClaim(name));
    }

    /** The names that containers have claimed, for those whose config.json cannot tell. */
    async names(): Promise<Map<ContainerId, string>> {
        const names = new Map<ContainerId, string>();
        for (const claim of await this.claims.list()) {
            const holder = claim.startsWith(NAME) ? await this.claims.holder(claim) : undefined;
            if (holder !== undefined) {
                names.set(holder, claim.slice(NAME.length));
            }
        }
        return names;
    }

    /** Claims a range of host ids that nobody has and gives its first one. */
    async takeRange(id: ContainerId): Promise<number> {
        const taken = new Set<number>();
        for (const claim of await this.claims.list()) {
            if (claim.startsWith(RANGE)) {
                taken.add(Number(claim.slice(RANGE.length)));
            }
        }
        for (const slot of freeSlots(taken, await foreignRanges())) {
            if (await this.take(RANGE + String(slot), id)) {
                return slotBase(slot);
            }
        }
        throw new McmError(
            ErrorCode.Unsupported,
            "All ranges of user ids for containers are in use. Remove some containers.",
        );
    }

    /** Gives up all that a container had that is gone; without its config it is searched. */
    async release(id: ContainerId, config?: ContainerConfig): Promise<void> {
        const claims =
            config === undefined
                ? await this.claims.list()
                : [nameClaim(config.name), rangeClaim(config.idBase)];
        for (const claim of claims) {
            await this.claims.give(claim, id);
        }
    }

    /** Gives up what a container had that has removed itself. */
    async forget(id: ContainerId): Promise<void> {
        if (await this.isRemoved(id)) {
            await this.release(id);
        }
    }

    /** Runs `action`, which makes the container: until then its claims are its own while we live. */
    async making<Result>(id: ContainerId, action: () => Promise<Result>): Promise<Result> {
        const maker = thisProcess();
        await this.take(MAKE + id, maker);
        try {
            return await action();
        } finally {
            await this.claims.give(MAKE + id, maker);
        }
    }

    /** Whether a process that still lives makes this container now. */
    async isBeingMade(id: ContainerId): Promise<boolean> {
        return this.isHeld(MAKE + id);
    }

    /** Runs `action` while nobody else, in any process, rewrites this container's config.json. */
    async editing<Result>(id: ContainerId, action: () => Promise<Result>): Promise<Result> {
        const claim = EDIT + id;
        const editor = thisProcess();
        const deadline = Date.now() + EDIT_PATIENCE_MS;
        while (!(await this.take(claim, editor))) {
            if (Date.now() > deadline) {
                const hint = "Try again in a moment.";
                throw new McmError(
                    ErrorCode.NativeFailed,
                    `Container ${id} is being changed by another process. ${hint}`,
                    { errno: "EBUSY", hint },
                );
            }
            await new Promise((resolve) => setTimeout(resolve, EDIT_RETRY_MS));
        }
        try {
            return await action();
        } finally {
            await this.claims.give(claim, editor);
        }
    }

    /** Gives up what holders left that are gone. */
    async sweep(): Promise<void> {
        await this.claims.sweep();
        for (const claim of await this.claims.list()) {
            const holder = await this.claims.holder(claim);
            if (holder !== undefined && (await this.isStale(claim, holder))) {
                await this.claims.give(claim, holder);
            }
        }
    }

    private take(claim: string, holder: string): Promise<boolean> {
        return this.claims.take(claim, holder, (other) => this.isStale(claim, other));
    }

    /**
     * True when a holder has gone. A name is also left behind by a rename that died: then its
     * holder's config has another one and nobody is editing that. That nobody is must be seen before
     * the config is read, as an edit ends by writing it.
     */
    private async isStale(claim: string, holder: string): Promise<boolean> {
        if (claim.startsWith(EDIT) || claim.startsWith(MAKE)) {
            return isGone(holder);
        }
        if (await this.isRemoved(holder)) {
            return true;
        }
        if (!claim.startsWith(NAME) || (await this.isHeld(EDIT + holder))) {
            return false;
        }
        try {
            const { name } = readConfig(this.paths.container(holder).config);
            return nameClaim(name) !== claim;
        } catch {
            // Broken, or removed just now: the name stays its own until it is gone.
            return false;
        }
    }

    /** True when a container neither is there nor is being made. */
    private async isRemoved(id: ContainerId): Promise<boolean> {
        // In this order: who makes it gives the claim up when it is there.
        const making = await this.isBeingMade(id);
        return !making && !(await isDirectory(this.paths.container(id).state));
    }

    /** Whether the process that holds a claim lives. */
    private async isHeld(claim: string): Promise<boolean> {
        const holder = await this.claims.holder(claim);
        return holder !== undefined && !isGone(holder);
    }
}

/** Beginnings of the claims of each kind; watch.ts knows the end of an edit by its claim. */
const NAME = "name-";
const RANGE = "range-";
const MAKE = "make-";
const EDIT = "edit-";

function nameClaim(name: string): string {
    return NAME + name;
}

function rangeClaim(idBase: number): string {
    return RANGE + String((idBase - FIRST_ID) / RANGE_SIZE);
}

/** The container whose config.json was or is being rewritten, when that is what a claim is for. */
export function editedContainer(claim: string): ContainerId | undefined {
    return claim.startsWith(EDIT) ? claim.slice(EDIT.length) : undefined;
}
