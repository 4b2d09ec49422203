/** Turns what a client named as root file system into the lower layer of a container. */
import { readdir } from "node:fs/promises";
import path from "node:path";
import type { PreparedRootfs, RootfsProvider } from "../deps";
import { McmError, errnoOf, invalid } from "../errors";
import type { Native } from "../native";
import type { Paths } from "../paths";
import { ErrorCode, type Rootfs } from "../protocol";
import type { Store } from "../store";
import { prepareHostRootfs } from "./host";
import { ImportedRootfs } from "./imported";

export function createRootfsProvider(paths: Paths, store: Store, native: Native): RootfsProvider {
    const imported = new ImportedRootfs(paths.rootfs, native);
    const hostInUse = async () =>
        (await store.list()).some(
            (container) =>
                container.state.kind === "running" &&
                (container.kind === "broken" || container.config.rootfs.kind === "host"),
        );
    return {
        imported,
        async prepare(rootfs: Rootfs): Promise<PreparedRootfs> {
            switch (rootfs.kind) {
                case "host":
                    return prepareHostRootfs(paths.stateDirectory, native, hostInUse);
                case "imported":
                    return { directory: await imported.root(rootfs.name), mounts: [] };
                case "directory":
                    await requireDirectory(rootfs.path);
                    return { directory: path.normalize(rootfs.path), mounts: [] };
            }
        },
    };
}

async function requireDirectory(directory: string): Promise<void> {
    let names: string[];
    try {
        names = await readdir(directory);
    } catch (error) {
        if (errnoOf(error) === "ENOENT") {
            throw invalid("rootfs", directory, "a directory that is there");
        }
        throw errnoOf(error) === "ENOTDIR" ? notDirectory(directory) : error;
    }
    if (names.length === 0) {
        throw invalid("rootfs", directory, "a root file system: the directory is empty");
    }
}

function notDirectory(file: string): McmError {
    const hint = "Import a tarball first, then use it by its name.";
    return new McmError(ErrorCode.Invalid, `rootfs: "${file}" is not a directory. ${hint}`, {
        field: "rootfs",
        hint,
    });
}
