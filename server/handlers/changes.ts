/** What a container has changed: its overlays' upper layers against what they lie on. */
import path from "node:path";
import type { Deps, PreparedRootfs } from "../deps";
import type { Layers } from "../invocation";
import type { ContainerChanges, ContainerRef, FileChange, Volume } from "../protocol";
import type { HealthyContainer } from "../store";

/** Made empty by the start for what it mounts on them; the container cannot write to what is below. */
const MOUNTED_FILES = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];

/** Layers, and where inside the container they are. */
interface PlacedLayers extends Layers {
    target: string;
}

export async function changes({ container }: ContainerRef, deps: Deps): Promise<ContainerChanges> {
    const found = await deps.store.findHealthy(container);
    const rootfs = await deps.rootfs.prepare(found.config.rootfs);
    const mounts = [...rootfs.mounts, ...found.config.volumes];
    const results = await Promise.all(
        layersOf(found, rootfs, mounts).map(async ({ target, ...layers }) => {
            const { changes: inside, leftOut } = await deps.native.changes(layers);
            return { changes: inside.map((change) => placed(change, target)), leftOut };
        }),
    );
    const mountPoints = new Set([...MOUNTED_FILES, ...mounts.map((mount) => mount.target)]);
    return {
        changes: results
            .flatMap((result) => result.changes)
            .filter((change) => change.change !== "added" || !mountPoints.has(change.path))
            .sort((a, b) => (a.path < b.path ? -1 : 1)),
        leftOut: results.reduce((sum, { leftOut }) => sum + leftOut, 0),
    };
}

/** The root's, and those of each copy-on-write volume, which lie where its place in the list says. */
function layersOf(
    { config: { idBase }, paths }: HealthyContainer,
    rootfs: PreparedRootfs,
    mounts: readonly Volume[],
): PlacedLayers[] {
    const root = { target: "", upper: paths.upper, lower: rootfs.directory, idBase };
    const volumes = mounts.flatMap(({ source, target, mode }, index) => {
        const upper = path.join(paths.state, "mounts", String(index), "upper");
        return mode === "cow" ? [{ target, upper, lower: source, idBase }] : [];
    });
    return [root, ...volumes];
}

function placed(change: FileChange, target: string): FileChange {
    return { ...change, path: `${target}${change.path}` };
}
