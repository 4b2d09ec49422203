/** Changing the limits of a container. */
import type { Deps } from "../deps";
import { McmError } from "../errors";
import type { LimitOptions } from "../invocation";
import {
    ErrorCode,
    type ContainerSummary,
    type LimitChanges,
    type UpdateParams,
} from "../protocol";
import type { HealthyContainer } from "../store";
import { summaryOf } from "../summary";

/** Changes limits of one, at once when it runs. */
export async function update(params: UpdateParams, deps: Deps): Promise<ContainerSummary> {
    const found = await deps.store.findHealthy(params.container);
    const options = await limitOptions(found, params.limits, deps);
    const updated = await deps.store.changeLimits(found, params.limits, () => apply(options, deps));
    deps.changes.touch(found.id);
    return summaryOf(updated);
}

/**
 * After a start, what was changed while it was under way: it may have read its limits before, and
 * not have been there yet to have them changed.
 */
export async function catchUp(started: HealthyContainer, deps: Deps): Promise<void> {
    const now = await deps.store.get(started.id);
    if (now?.kind !== "healthy") {
        return;
    }
    const [before, after] = [started.config.limits, now.config.limits];
    const names = Object.keys({ ...before, ...after }) as (keyof LimitChanges)[];
    const changed = names.filter((name) => before[name] !== after[name]);
    if (changed.length > 0) {
        const changes = Object.fromEntries(changed.map((name) => [name, after[name] ?? null]));
        const options = await limitOptions(now, changes, deps);
        await apply(options, deps).catch((error: unknown) => {
            // It was tried when it was written down; the container runs, with what it had.
            deps.log.warn(`Changing the limits of ${now.name}: ${String(error)}`);
        });
    }
}

/** Whose disks a limit is for is told by what the container was started with. */
async function limitOptions(
    { id, config, paths }: HealthyContainer,
    changes: LimitChanges,
    deps: Deps,
): Promise<LimitOptions> {
    const options = { id, stateDirectory: paths.state, limits: changes };
    if (changes.ioRead === undefined && changes.ioWrite === undefined) {
        return { ...options, mounts: [] };
    }
    const rootfs = await deps.rootfs.prepare(config.rootfs);
    return {
        ...options,
        rootfs: rootfs.directory,
        mounts: [...rootfs.mounts, ...config.volumes],
    };
}

/** Once more for one that started or ended at the very moment. */
async function apply(options: LimitOptions, deps: Deps): Promise<{ warnings: string[] }> {
    try {
        return await deps.native.update(options);
    } catch (error) {
        const moved = [ErrorCode.Running, ErrorCode.NotRunning];
        if (!(error instanceof McmError && moved.includes(error.code))) {
            throw error;
        }
        return deps.native.update(options);
    }
}
