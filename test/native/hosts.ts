/** Hosts that lack something, made for one program: the computer stays as it is. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compile } from "./compile";

export interface BadHosts {
    /** Commands to start a program by, on a host that lacks what is said (bad_host.c). */
    lacking(...items: string[]): string[];
    dispose(): Promise<void>;
}

/** Compiles what makes them. */
export async function makeBadHosts(): Promise<BadHosts> {
    const directory = await mkdtemp(join(tmpdir(), "mcm hosts "));
    const program = join(directory, "bad_host");
    await compile(program, ["bad_host.c"], []);
    return {
        lacking: (...items) => [program, ...items, "--"],
        dispose: () => rm(directory, { recursive: true }),
    };
}

/** In mounts of its own, after a shell script, in which $1 is `argument`. */
export function withMounts(script: string, argument = ""): string[] {
    return ["unshare", "-m", "sh", "-ec", `${script}\nshift; exec "$@"`, "sh", argument];
}

/** Root that has all of its capabilities but this one. */
export function withoutCapability(name: string): string[] {
    return ["setpriv", "--bounding-set", `-${name}`, "--inh-caps", "-all", "--"];
}

/** No hierarchy of control groups is mounted. */
export const WITHOUT_CGROUPS = withMounts("mount -t tmpfs none /sys/fs/cgroup");

/** Every hierarchy can be read, and nothing made in it, as in a container of Docker's. */
export const READ_ONLY_CGROUPS = withMounts(
    `findmnt -rno TARGET -t cgroup,cgroup2 | while read -r at; do mount -o remount,bind,ro "$at"; done`,
);
