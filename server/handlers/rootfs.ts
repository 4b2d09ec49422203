/** The imported root file systems. */
import type { Deps, RequestContext } from "../deps";
import { ImportProgress, type RootfsImportParams, type RootfsInfo } from "../protocol";

/** Progress is told at most once in so many milliseconds. */
const PROGRESS_MS = 100;

export async function list(_params: undefined, deps: Deps): Promise<RootfsInfo[]> {
    const [imported, users] = await Promise.all([deps.rootfs.imported.list(), usersOf(deps)]);
    return imported.map((one) => ({ ...one, usedBy: users(one.name) }));
}

export async function importRootfs(
    { name, source, token }: RootfsImportParams,
    deps: Deps,
    { client, signal }: RequestContext,
): Promise<RootfsInfo> {
    let told = 0;
    const report = ({ entries, bytes }: { entries: number; bytes: number }) => {
        if (token !== undefined && performance.now() - told >= PROGRESS_MS) {
            told = performance.now();
            // A client that has just gone aborts the signal, which ends this import.
            client.connection
                .sendProgress(ImportProgress, token, { entries, bytes })
                .catch(() => undefined);
        }
    };
    const imported = await deps.rootfs.imported.import(name, source, report, signal);
    return { ...imported, usedBy: [] };
}

export async function remove({ name }: { name: string }, deps: Deps): Promise<void> {
    await deps.rootfs.imported.remove(name, async () => (await usersOf(deps))(name));
}

/** Tells the names of the containers that are made from an imported root file system. */
async function usersOf({ store }: Deps): Promise<(name: string) => string[]> {
    const containers = await store.list();
    return (name) =>
        containers
            .filter((container) => {
                const rootfs = container.kind === "healthy" && container.config.rootfs;
                return rootfs && rootfs.kind === "imported" && rootfs.name === name;
            })
            .map((container) => container.name)
            .sort();
}
