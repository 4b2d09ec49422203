/**
 * What handlers work with: every part of the backend behind the type of its own file. compose.ts
 * puts the real ones together; a test may put others in.
 */
import type { Changes } from "./watch";
import type { Client } from "./client";
import type { CgroupLayout } from "./cgroup";
import type { Rootfs, Volume } from "./protocol";
import type { Log } from "./log";
import type { Native } from "./native";
import type { Paths } from "./paths";
import type { ImportedRootfs } from "./rootfs/imported";
import type { Sampler } from "./sampler";
import type { Store } from "./store";

/** A root file system that is ready to be the lower layer of a container. */
export interface PreparedRootfs {
    directory: string;
    /** Mounts that belong to it, before those of the container's own volumes. */
    mounts: Volume[];
}

/** Turns what a client named as rootfs into a directory. */
export interface RootfsProvider {
    /** Those that were imported. */
    readonly imported: ImportedRootfs;
    /**
     * Throws Invalid with field `rootfs` when a directory is missing, none, or empty; NotFound when
     * nothing is imported under that name.
     */
    prepare(rootfs: Rootfs): Promise<PreparedRootfs>;
}

/** The process around the handlers. */
export interface Backend {
    /** User whom the socket serves. */
    readonly servesUid: number;
    /** RFC 3339. */
    readonly startedAt: string;
    /** Of the package. */
    readonly version: string;
    /** Connections now. */
    clients(): number;
    /** Ends the backend once the replies under way are sent. */
    shutdown(): void;
}

export interface Deps {
    readonly paths: Paths;
    readonly store: Store;
    readonly native: Native;
    readonly changes: Changes;
    /** Where this host has its controllers. */
    readonly cgroups: CgroupLayout;
    readonly sampler: Sampler;
    readonly rootfs: RootfsProvider;
    readonly log: Log;
    readonly backend: Backend;
}

/** One request on its way. */
export interface RequestContext {
    readonly client: Client;
    /** Aborted when the request is cancelled and when its client goes. */
    readonly signal: AbortSignal;
}
