/** What the measurements need: the small C programs, a root file system, a place for it all. */
import { chmod, copyFile, link, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { run } from "../../scripts/lib/run";
import { root } from "../support/fixtures";
import { makeBusybox } from "../support/rootfs";
import { parseProgram } from "../native/bpf";

export interface Workshop {
    /** Where all keep their state and the overlays their layers: in memory, as no disk is measured. */
    state: string;
    /** Busybox with the payload as /bin/true and /bin/pause, on a disk. */
    rootfs: string;
    /** Path of a program of ours. */
    program(name: "floor" | "stopwatch"): string;
    /** Our system call filter in the kernel's own form. */
    filter: string;
    /** File of the mount namespace for what refuses hybrid cgroups. */
    unifiedless: string;
    dispose(): Promise<void>;
}

const HYBRID = "/sys/fs/cgroup/unified";

export async function openWorkshop(): Promise<Workshop> {
    const directory = await mkdtemp(`/var/tmp/mcm-bench-${process.pid}-`);
    const state = await mkdtemp(`/dev/shm/mcm-bench-${process.pid}-`);
    // Root inside a user namespace is somebody else out here, who has to get to the rootfs.
    await chmod(directory, 0o755);
    await chmod(state, 0o755);
    const rootfs = join(directory, "rootfs");
    for (const name of ["floor", "stopwatch", "payload"]) {
        await compile(name, join(directory, name));
    }
    await mkdir(rootfs);
    await makeBusybox(rootfs);
    for (const name of ["hosts", "hostname", "resolv.conf"]) {
        await writeFile(join(rootfs, "etc", name), "");
    }
    await rm(join(rootfs, "bin/true"));
    await copyFile(join(directory, "payload"), join(rootfs, "bin/true"));
    await link(join(rootfs, "bin/true"), join(rootfs, "bin/pause"));
    const filter = join(directory, "filter");
    await writeFile(filter, await kernelFilter());
    const namespace = await withoutUnified();
    return {
        state,
        rootfs,
        program: (name) => join(directory, name),
        filter,
        unifiedless: namespace.file,
        dispose: async () => {
            await namespace.close();
            await rm(directory, { recursive: true });
            // podman's own tidying may still be at it.
            await rm(state, { recursive: true, maxRetries: 10, retryDelay: 100 });
        },
    };
}

async function compile(name: string, output: string): Promise<void> {
    const warnings = ["-Wall", "-Wextra", "-Wshadow", "-Werror"];
    const flags = ["-std=gnu11", "-D_GNU_SOURCE", "-O2", "-s", "-static", ...warnings];
    await run("gcc", [...flags, "-o", output, join(__dirname, `${name}.c`)]);
}

/** `struct sock_filter` after `struct sock_filter`, as bubblewrap reads them. */
async function kernelFilter(): Promise<Buffer> {
    const native = join(root, "native");
    const generator = "build/generated/seccomp_generate";
    await run("make", ["-s", "-C", native, generator]);
    const machine = (await run("gcc", ["-dumpmachine"])).split("-")[0] ?? "";
    const program = parseProgram(await run(join(native, generator), ["filter", machine]));
    const size = 8;
    const bytes = Buffer.alloc(program.length * size);
    for (const [index, { code, jt, jf, k }] of program.entries()) {
        bytes.writeUInt16LE(code, index * size);
        bytes.writeUInt8(jt, index * size + 2);
        bytes.writeUInt8(jf, index * size + 3);
        bytes.writeUInt32LE(k, index * size + 4);
    }
    return bytes;
}

/**
 * A private mount namespace without the unified hierarchy that a hybrid host has beside the others:
 * crun refuses to start with both. Nothing changes outside of it.
 */
async function withoutUnified(): Promise<{ file: string; close(): Promise<void> }> {
    if (!existsSync(HYBRID)) {
        return { file: "/proc/self/ns/mnt", close: () => Promise.resolve() };
    }
    const holder = spawn(
        "unshare",
        ["--mount", "--propagation", "private", "sh", "-c", `umount ${HYBRID}; echo; exec cat`],
        { stdio: ["pipe", "pipe", "inherit"] },
    );
    const ended = once(holder, "close");
    await once(holder.stdout, "data");
    return {
        file: `/proc/${holder.pid}/ns/mnt`,
        close: async () => {
            holder.stdin.end();
            await ended;
        },
    };
}
