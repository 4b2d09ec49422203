/**
 * Control groups as this host has them: where each controller is.
 *
 * Detected per controller, because a host in hybrid mode has some controllers in v1 hierarchies and
 * a cgroup2 mount beside them (cgroups(7), Documentation/admin-guide/cgroup-v2.rst and -v1/).
 */
import { existsSync, readFileSync } from "node:fs";
import { access } from "node:fs/promises";
import path from "node:path";

import type { ContainerId } from "./protocol";

/** Directory of ours below the root of each hierarchy; a container has one directory in it. */
export const CGROUP_PARENT = "my-container-manager";

export type ControllerPlace = "v1" | "v2" | "absent";

export interface CgroupLayout {
    mode: "v2" | "v1" | "hybrid";
    /** Where each controller is, by its name in cgroup v2. */
    controllers: Record<string, ControllerPlace>;
    /** Mount point of the cgroup2 hierarchy. */
    unified?: string;
    /** Mount points of v1 hierarchies by controller. */
    legacy: Record<string, string>;
}

/** Names of controllers in v2 with what v1 calls them. */
const CONTROLLERS: Record<string, string> = {
    cpu: "cpu",
    cpuset: "cpuset",
    memory: "memory",
    pids: "pids",
    io: "blkio",
};

/** What a v1 hierarchy's options hold besides its controllers and its name. */
const MOUNT_OPTIONS = new Set(["rw", "ro", "xattr", "noprefix", "clone_children"]);

/** Finds the hierarchies that are mounted. Throws what reading /proc/self/mountinfo throws. */
export function detectCgroups(): CgroupLayout {
    return layoutOf(readFileSync("/proc/self/mountinfo", "utf8"), (unified) => {
        const file = path.join(unified, "cgroup.controllers");
        // Another mount may hide the hierarchy: then nothing can be had of it.
        return existsSync(file) ? readFileSync(file, "utf8") : "";
    });
}

/**
 * The layout that `mountinfo` (proc_pid_mountinfo(5)) describes. `readControllers` gives the text of
 * cgroup.controllers of the unified hierarchy.
 */
export function layoutOf(
    mountinfo: string,
    readControllers: (unified: string) => string,
): CgroupLayout {
    const legacy: Record<string, string> = {};
    let unified: string | undefined;
    for (const line of mountinfo.split("\n")) {
        const [mount = "", filesystem = ""] = line.split(" - ");
        const mountPoint = unescapeOctal(mount.split(" ")[4] ?? "");
        const [type, , options = ""] = filesystem.split(" ");
        if (type === "cgroup2") {
            unified ??= mountPoint;
        } else if (type === "cgroup") {
            for (const option of options.split(",")) {
                if (!MOUNT_OPTIONS.has(option)) {
                    legacy[option] ??= mountPoint;
                }
            }
        }
    }
    const inUnified = unified === undefined ? [] : readControllers(unified).trim().split(/\s+/);
    const controllers: Record<string, ControllerPlace> = {};
    for (const [name, legacyName] of Object.entries(CONTROLLERS)) {
        controllers[name] = inUnified.includes(name)
            ? "v2"
            : legacyName in legacy
              ? "v1"
              : "absent";
    }
    const anyLegacy = Object.values(controllers).includes("v1");
    const mode = unified === undefined ? "v1" : anyLegacy ? "hybrid" : "v2";
    return { mode, controllers, unified, legacy };
}

/** mountinfo writes space, tab, newline and backslash as three octal digits. */
function unescapeOctal(text: string): string {
    return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
        String.fromCharCode(parseInt(digits, 8)),
    );
}

/**
 * True when the container is paused: frozen in the unified hierarchy or by v1's freezer, or on its
 * way there.
 */
export function isFrozen({ unified, legacy }: CgroupLayout, id: ContainerId): boolean {
    const places: [string | undefined, string, RegExp][] = [
        [unified, "cgroup.freeze", /^1/],
        [legacy.freezer, "freezer.state", /^FR/],
    ];
    for (const [root, file, frozen] of places) {
        if (root !== undefined) {
            try {
                const text = readFileSync(path.join(root, CGROUP_PARENT, id, file), "latin1");
                return frozen.test(text); // the first that can is the one that is used
            } catch {
                // It has just ended, or this hierarchy cannot freeze.
            }
        }
    }
    return false;
}

/** The container's directories that exist now, by controller; "cgroup2" is the unified one. */
export async function cgroupDirectories(
    layout: CgroupLayout,
    id: ContainerId,
): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    const candidates: [string, string][] = Object.entries(layout.legacy);
    if (layout.unified !== undefined) {
        candidates.unshift(["cgroup2", layout.unified]);
    }
    for (const [controller, mountPoint] of candidates) {
        const directory = path.join(mountPoint, CGROUP_PARENT, id);
        try {
            await access(directory);
            found[controller] = directory;
        } catch {
            // This hierarchy is not used by this container.
        }
    }
    return found;
}
