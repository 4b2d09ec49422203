/** Makes the root file systems that the tests run containers from. */
import { chmod, copyFile, link, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { debianMirror, ensurePackages } from "../../scripts/lib/apt";
import { progress, run } from "../../scripts/lib/run";

/** Directories of a root file system and their modes. */
const SKELETON: [path: string, mode: number][] = [
    ["dev", 0o755],
    ["etc", 0o755],
    ["home/app", 0o755],
    ["proc", 0o555],
    ["root", 0o700],
    ["run", 0o755],
    ["sys", 0o555],
    ["tmp", 0o1777],
    ["usr", 0o755],
    ["var", 0o755],
];

const PASSWD = `root:x:0:0:root:/root:/bin/sh
app:x:1000:1000:app:/home/app:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/false
`;

const GROUP = `root:x:0:
tty:x:5:
app:x:1000:
audio:x:29:app
nogroup:x:65534:
`;

/** Fills a directory with busybox, a link for each of its applets, and two users. */
export async function makeBusybox(directory: string): Promise<void> {
    await ensurePackages(["busybox-static"]);
    for (const [path, mode] of SKELETON) {
        await mkdir(join(directory, path), { recursive: true });
        await chmod(join(directory, path), mode);
    }
    for (const path of ["bin", "sbin", "usr/bin", "usr/sbin"]) {
        await mkdir(join(directory, path), { recursive: true });
    }
    await writeFile(join(directory, "etc/passwd"), PASSWD);
    await writeFile(join(directory, "etc/group"), GROUP);
    await copyFile("/bin/busybox", join(directory, "bin/busybox"));
    await chmod(join(directory, "bin/busybox"), 0o755);
    for (const applet of (await run("/bin/busybox", ["--list-full"])).trim().split("\n")) {
        if (applet !== "bin/busybox") {
            await symlink("/bin/busybox", join(directory, applet));
        }
    }
}

/** Fills a directory with a minimal Debian, from where this computer's apt gets its packages. */
export async function makeDebian(directory: string): Promise<void> {
    await ensurePackages(["debootstrap", "debian-archive-keyring"]);
    const mirror = await debianMirror();
    progress(`making a Debian ${mirror.suite} root file system (once, about half a minute)`);
    // debootstrap mounts inside of its target. In a mount namespace of its own nothing of that can
    // stay behind, whatever ends it.
    const isolated = ["--mount", "--propagation", "private"];
    const flags = ["--variant=minbase", "--include=procps,vim-tiny"];
    await run(
        "unshare",
        [...isolated, "debootstrap", ...flags, mirror.suite, directory, mirror.uri],
        {
            env: mirror.proxy === undefined ? {} : { http_proxy: mirror.proxy },
        },
    );
    await chmod(directory, 0o755);
}

/**
 * Writes `exported.tar` into a directory: the given root file system as `docker export` writes one
 * (names without "./", no entry for the root itself, numeric owners, .dockerenv and empty files for
 * what the runtime binds), with what archives can hold: other owners, setuid, hard links, a long and
 * a non-ASCII name.
 */
export async function exportedTarball(rootfs: string, directory: string): Promise<void> {
    const tree = join(directory, "tree");
    await run("cp", ["--archive", rootfs, tree]);
    await mkdir(join(tree, "dev/pts"), { recursive: true });
    await mkdir(join(tree, "dev/shm"));
    const empty = [".dockerenv", "dev/console", "etc/hostname", "etc/hosts", "etc/resolv.conf"];
    for (const path of empty) {
        await writeFile(join(tree, path), "");
    }
    const long = join("srv", "a-name-of-".repeat(12), "more-than-a-hundred-bytes");
    await mkdir(join(tree, long), { recursive: true });
    await writeFile(join(tree, long, "größe.txt"), "gefunden\n");
    await link(join(tree, long, "größe.txt"), join(tree, "srv/hard-link.txt"));
    await copyFile(join(tree, "bin/busybox"), join(tree, "bin/setuid"));
    await chmod(join(tree, "bin/setuid"), 0o4755);
    await run("chown", ["--recursive", "1000:1000", join(tree, "home/app")]);
    const names = (await run("ls", ["-A", tree])).trim().split("\n");
    const archive = join(directory, "exported.tar");
    await run("tar", ["--numeric-owner", "--format=pax", "-C", tree, "-cf", archive, ...names]);
    await run("rm", ["-r", tree]);
}
