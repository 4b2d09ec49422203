/** What the tests share: root file systems, the native programs, waiting, state of their own. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { exportedTarball as makeTarball, makeBusybox, makeDebian } from "./rootfs";
import { cached } from "../../scripts/lib/cache";

export { cached, cacheDirectory } from "../../scripts/lib/cache";
export { eventually } from "./eventually";
export { temporaryRoots } from "./roots";
export type { TemporaryRoots } from "./roots";

/** Directory of the repository. */
export const root = resolve(__dirname, "../..");

/** A small root file system of Debian's static busybox, cached. To be read only. */
export function busyboxRootfs(): Promise<string> {
    return cached("rootfs-busybox-1", makeBusybox);
}

/** A minimal Debian of this computer's release with vi and top, cached. To be read only. */
export function debianRootfs(): Promise<string> {
    return cached("rootfs-debian-1", makeDebian);
}

/** A tarball of {@link busyboxRootfs} as `docker export` writes it, cached. To be read only. */
export async function exportedTarball(): Promise<string> {
    const source = await busyboxRootfs();
    const directory = await cached("tarball-1", (target) => makeTarball(source, target));
    return join(directory, "exported.tar");
}

/**
 * Path of a native program as the build installs it. MCM_TEST_NATIVE names another directory, for
 * the build with sanitizers.
 */
export function nativeProgram(name: "container_executor" | "ns_enter"): string {
    const path = join(root, process.env.MCM_TEST_NATIVE ?? "out/native", name);
    if (!existsSync(path)) {
        throw new Error(`${path} is not built; run make -C native`);
    }
    return path;
}
