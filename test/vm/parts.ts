/** What the test machine is made of: a kernel, its process 1, and a disk with the fixtures. */
import { mkdir, readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { ensurePackages } from "../../scripts/lib/apt";
import { run } from "../../scripts/lib/run";
import { busyboxRootfs, cached, debianRootfs } from "../support/fixtures";

/** Of the disk, sparse: only what is written takes room. */
const DISK_SIZE = "2G";

export interface Kernel {
    program: string;
    /** Folder of its modules, the one that has `kernel/`; undefined when all is built in. */
    modules: string | undefined;
}

/**
 * Debian's kernel, downloaded once and only unpacked: nothing is installed. MCM_UML_KERNEL names
 * another one, with MCM_UML_MODULES for what is not built into it.
 */
export async function kernel(): Promise<Kernel> {
    const { MCM_UML_KERNEL: program, MCM_UML_MODULES: modules } = process.env;
    if (program !== undefined) {
        return { program, modules };
    }
    const directory = await cached("user-mode-linux-1", async (target) => {
        await run("apt-get", ["-q", "update"]);
        await run("apt-get", ["-q", "download", "user-mode-linux"], { cwd: target });
        const archive = (await readdir(target)).find((name) => name.endsWith(".deb"));
        await run("dpkg", ["-x", join(target, archive!), target]);
        await rm(join(target, archive!));
    });
    const folder = join(directory, "usr/lib/uml/modules");
    const [release] = await readdir(folder);
    return { program: join(directory, "usr/bin/linux.uml"), modules: join(folder, release!) };
}

/** Compiles init.c. */
export async function buildInit(program: string): Promise<void> {
    await ensurePackages(["gcc"]);
    const flags = ["-static", "-O2", "-Wall", "-Wextra", "-Werror"];
    await run("gcc", [...flags, "-o", program, join(__dirname, "init.c")]);
}

/** Makes an ext4 image, with a folder for temporary files and a cache with the fixtures. */
export async function makeDisk(image: string): Promise<void> {
    await ensurePackages(["e2fsprogs"]);
    await run("cp", ["--sparse=always", join(await emptyDisk(), "disk.ext4"), image]);
}

/** The image as every machine finds it. Its name in the cache has those of what is in it. */
async function emptyDisk(): Promise<string> {
    const fixtures = [await busyboxRootfs(), await debianRootfs()];
    const name = ["vm-disk-1", ...fixtures.map((path) => basename(path))].join("+");
    return cached(name, async (target) => {
        const content = join(target, "content");
        const cache = join(content, "cache/my-container-manager");
        await mkdir(join(content, "tmp"), { recursive: true });
        await mkdir(cache, { recursive: true });
        await run("cp", ["-a", ...fixtures, cache]);
        const image = join(target, "disk.ext4");
        await run("truncate", ["-s", DISK_SIZE, image]);
        await run("mkfs.ext4", ["-q", "-E", "lazy_itable_init=1", "-d", content, image]);
        await run("rm", ["-r", content]);
    });
}
