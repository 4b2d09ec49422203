/** Which containers are shown, and in what order. Knows nothing of VS Code. */
import type { ContainerId, ContainerSummary, Usage } from "../../server/protocol";
import { isLive } from "../liveness";
import { formatCommand } from "./format";

/** Running containers come first in each of them. */
export type Order = "name" | "created" | "cpu" | "memory";
export type Grouping = "none" | "state" | "rootfs";

/** Finds the last figures of a container. */
export type UsageOf = (id: ContainerId) => Usage | undefined;

/** "host", the name of an imported one, or the path of a directory; "–" when it is not known. */
export function rootfsName({ rootfs }: ContainerSummary): string {
    switch (rootfs?.kind) {
        case "host":
            return "host";
        case "imported":
            return rootfs.name;
        case "directory":
            return rootfs.path;
        case undefined:
            return "–";
    }
}

/** Whether the letters of `wanted` occur in `text` in their order, with anything between them. */
function occursIn(wanted: string, text: string): boolean {
    let from = 0;
    for (const letter of wanted) {
        const found = text.indexOf(letter, from);
        if (found < 0) {
            return false;
        }
        from = found + letter.length;
    }
    return true;
}

/**
 * Every word of the filter must be found: loosely ("wb" finds "web") in the name, as it stands in
 * the id, the command, the root file system or the state.
 */
export function matches(container: ContainerSummary, filter: string): boolean {
    const name = container.name.toLowerCase();
    const rest = [
        container.id,
        formatCommand(container.command),
        rootfsName(container),
        container.state.kind,
    ].map((text) => text.toLowerCase());
    return filter
        .toLowerCase()
        .split(/\s+/)
        .every((word) => occursIn(word, name) || rest.some((text) => text.includes(word)));
}

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

function byName(a: ContainerSummary, b: ContainerSummary): number {
    return collator.compare(a.name, b.name) || (a.id < b.id ? -1 : 1);
}

/** Of a damaged container no time is known: it comes last. */
function timeOf(createdAt: string): number {
    return createdAt === "" ? 0 : Date.parse(createdAt);
}

function compare(a: ContainerSummary, b: ContainerSummary, order: Order, usage: UsageOf): number {
    switch (order) {
        case "name":
            return 0;
        case "created":
            return timeOf(b.createdAt) - timeOf(a.createdAt);
        case "cpu":
            return (usage(b.id)?.cpu ?? 0) - (usage(a.id)?.cpu ?? 0);
        case "memory":
            return (usage(b.id)?.memory ?? 0) - (usage(a.id)?.memory ?? 0);
    }
}

/** Running and paused ones first, then by `order` (newest or largest first), then by name. */
export function sorted(
    containers: readonly ContainerSummary[],
    order: Order,
    usage: UsageOf,
): ContainerSummary[] {
    const isStopped = (container: ContainerSummary) => Number(!isLive(container.state));
    return [...containers].sort(
        (a, b) => isStopped(a) - isStopped(b) || compare(a, b, order, usage) || byName(a, b),
    );
}

/** The group that a container is in; the key is stable. */
export function groupOf(container: ContainerSummary, grouping: Exclude<Grouping, "none">): string {
    return grouping === "state" ? container.state.kind : rootfsName(container);
}
