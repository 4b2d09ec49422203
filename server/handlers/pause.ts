/** Containers that stand still: pause and resume. */
import { utimes } from "node:fs/promises";
import { notPaused, pausedError } from "../containerErrors";
import type { Deps } from "../deps";
import { unless } from "../files";
import type { ContainerRef, ContainerSummary } from "../protocol";
import type { HealthyContainer } from "../store";
import { summaryOf } from "../summary";

/** Makes every process of one stand still. */
export async function pause({ container }: ContainerRef, deps: Deps): Promise<ContainerSummary> {
    const found = await deps.store.findRunning(container, "There is nothing to pause.");
    if (found.paused) {
        throw pausedError(found.container, "Resume it before it is paused again.");
    }
    await deps.native.pause(found.container.id, found.process);
    return announce(found.container, deps);
}

/** Lets a paused one go on. */
export async function resume({ container }: ContainerRef, deps: Deps): Promise<ContainerSummary> {
    const found = await deps.store.findRunning(container, "There is nothing to resume.");
    if (!found.paused) {
        throw notPaused(found.container);
    }
    await deps.native.resume(found.container.id, found.process);
    return announce(found.container, deps);
}

/**
 * Tells every backend, and gives the container as it is now. No file of it changes with a pause, and
 * control groups of v1 tell nobody: a new time of the directory that all of them watch does.
 */
async function announce(container: HealthyContainer, deps: Deps): Promise<ContainerSummary> {
    const { id, paths } = container;
    deps.changes.touch(id);
    const time = new Date();
    // It may have ended, and be gone, already.
    await utimes(paths.run, time, time).catch(unless("ENOENT"));
    return summaryOf((await deps.store.get(id)) ?? container);
}
