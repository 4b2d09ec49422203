/** The sums that the status bar shows. Knows nothing of VS Code. */
import type { ContainerSummary, Usage } from "../../server/protocol";
import { isLive } from "../liveness";
import type { UsageOf } from "./arrange";

export interface Totals {
    running: number;
    /** Cores in use; absent while no container has a figure. */
    cpu?: number;
    /** Bytes; absent while no container has a figure. */
    memory?: number;
    /** The running containers, the busiest first. */
    busiest: { container: ContainerSummary; usage: Usage }[];
    /** Those that use nearly all of a limit. */
    nearLimit: ContainerSummary[];
}

function add(sum: number | undefined, figure: number | undefined): number | undefined {
    return figure === undefined ? sum : (sum ?? 0) + figure;
}

/** How much of its memory or process limit is used, 0 to 1, whichever is more; 0 without one. */
export function fullness(usage: Usage): number {
    const memory = usage.memoryLimit ? (usage.memory ?? 0) / usage.memoryLimit : 0;
    const pids = usage.pidsLimit ? (usage.pids ?? 0) / usage.pidsLimit : 0;
    return Math.max(memory, pids);
}

/** @param warnAt fraction of a limit, 0 to 1, from which on a container is near it */
export function totals(
    containers: readonly ContainerSummary[],
    usageOf: UsageOf,
    warnAt: number,
): Totals {
    const result: Totals = { running: 0, busiest: [], nearLimit: [] };
    for (const container of containers) {
        if (!isLive(container.state)) {
            continue;
        }
        result.running += Number(container.state.kind === "running");
        const usage = usageOf(container.id);
        if (usage === undefined) {
            continue;
        }
        result.cpu = add(result.cpu, usage.cpu);
        result.memory = add(result.memory, usage.memory);
        result.busiest.push({ container, usage });
        if (fullness(usage) >= warnAt) {
            result.nearLimit.push(container);
        }
    }
    result.busiest.sort(
        (a, b) =>
            (b.usage.cpu ?? 0) - (a.usage.cpu ?? 0) ||
            (b.usage.memory ?? 0) - (a.usage.memory ?? 0),
    );
    return result;
}
