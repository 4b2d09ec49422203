/**
 * The root file system "host": a small skeleton of our own and, copy-on-write, this computer's
 * programs. Of the host's /etc it has what programs are found by, and nothing that is private.
 */
import { createHash } from "node:crypto";
import {
    chmod,
    copyFile,
    lstat,
    mkdir,
    mkdtemp,
    readdir,
    readlink,
    rename,
    rm,
    stat,
    symlink,
    writeFile,
} from "node:fs/promises";
import path from "node:path";
import type { PreparedRootfs } from "../deps";
import { unless } from "../files";
import type { Native } from "../native";

/** Raised when what is written here changes. */
const SKELETON_VERSION = 1;

/** Name of a skeleton, before what it was made from. */
const SKELETON_PREFIX = "host-rootfs-";

/** Directories of programs: links into /usr, or directories of their own on an unmerged system. */
const PROGRAM_DIRECTORIES = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/** What is a link to something public, and what it is when this computer does not have it. */
const COPIED_LINKS: Record<string, string | undefined> = {
    "etc/os-release": "../usr/lib/os-release",
    "etc/localtime": undefined,
};

const DIRECTORIES: [name: string, mode?: number][] = [
    ["dev"],
    ["etc"],
    ["home"],
    ["mnt"],
    ["opt"],
    ["proc"],
    ["root", 0o700],
    ["run"],
    ["srv"],
    ["sys"],
    ["tmp", 0o1777],
    ["usr"],
    ["var"],
    ["var/cache"],
    ["var/lib"],
    ["var/log"],
    ["var/tmp", 0o1777],
];

const LINKS: Record<string, string> = {
    "etc/mtab": "../proc/self/mounts",
    "etc/bash.bashrc": "profile",
    "root/.bashrc": "/etc/profile",
    "var/lock": "../run/lock",
    "var/run": "../run",
};

const FILES: Record<string, string> = {
    "etc/passwd": `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
`,
    "etc/group": `root:x:0:
daemon:x:1:
tty:x:5:
utmp:x:43:
users:x:100:
nogroup:x:65534:
`,
    "etc/hosts": "127.0.0.1\tlocalhost\n::1\tlocalhost\n",
    "etc/hostname": "",
    "etc/resolv.conf": "",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/shells": "/bin/sh\n/bin/bash\n",
    "etc/profile": `# Read by login shells, and by every interactive bash.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
if [ -n "\${BASH_VERSION-}" ]; then
    PS1='\\[\\e[1;36m\\]\\u@\\h\\[\\e[0m\\]:\\[\\e[1;34m\\]\\w\\[\\e[0m\\]\\$ '
    alias ls='ls --color=auto' grep='grep --color=auto'
else
    PS1='\${PWD} $ '
fi
`,
};

/**
 * The skeleton for this computer as it is now, made on first use, and the mounts on it. Another one
 * is made when programs were installed that change what it is made from. `inUse` tells whether a
 * container may be running on an older one; if not, those are removed.
 */
export async function prepareHostRootfs(
    stateDirectory: string,
    native: Native,
    inUse: () => Promise<boolean>,
): Promise<PreparedRootfs> {
    const programs = await programDirectories();
    const name = SKELETON_PREFIX + (await fingerprint(programs));
    const directory = path.join(stateDirectory, name);
    if ((await lstat(directory).catch(unless("ENOENT"))) === undefined) {
        const first = await makeSkeleton(stateDirectory, directory, programs);
        if (first && !(await inUse())) {
            await removeOthers(stateDirectory, name, native);
        }
    }
    const mounted = ["usr", ...programs.filter(({ target }) => !target).map((one) => one.name)];
    return {
        directory,
        mounts: mounted.map((one) => ({ source: `/${one}`, target: `/${one}`, mode: "cow" })),
    };
}

interface ProgramDirectory {
    name: string;
    /** Of a link; a directory has none. */
    target?: string;
}

async function programDirectories(): Promise<ProgramDirectory[]> {
    const found: ProgramDirectory[] = [];
    for (const name of PROGRAM_DIRECTORIES) {
        const kind = await lstat(`/${name}`).catch(unless("ENOENT"));
        if (kind?.isSymbolicLink()) {
            found.push({ name, target: await readlink(`/${name}`) });
        } else if (kind?.isDirectory()) {
            found.push({ name });
        }
    }
    return found;
}

/** Changes whenever what a skeleton is copied from does. */
async function fingerprint(programs: ProgramDirectory[]): Promise<string> {
    const sources = ["/etc/ld.so.cache", "/etc/alternatives"].map(async (file) => {
        const { mtimeMs, size } = (await stat(file).catch(unless("ENOENT"))) ?? {};
        return [file, mtimeMs, size];
    });
    const links = Object.keys(COPIED_LINKS).map((name) => linkTarget(name));
    const all = [SKELETON_VERSION, programs, await Promise.all([...sources, ...links])];
    return createHash("sha256").update(JSON.stringify(all)).digest("hex").slice(0, 12);
}

/** Where a link of this computer points; only into public places is worth a copy. */
async function linkTarget(name: string): Promise<string | undefined> {
    const target = await readlink(`/${name}`).catch(unless("ENOENT", "EINVAL"));
    const place = target === undefined ? "" : path.resolve("/", path.dirname(name), target);
    return place.startsWith("/usr/") ? target : COPIED_LINKS[name];
}

/** Makes it aside and gives it its name when it is whole. True for whoever is first to do so. */
async function makeSkeleton(
    stateDirectory: string,
    directory: string,
    programs: ProgramDirectory[],
): Promise<boolean> {
    await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
    const aside = await mkdtemp(path.join(stateDirectory, `.${SKELETON_PREFIX}`));
    try {
        await fillSkeleton(aside, programs);
        await chmod(aside, 0o755);
        await rename(aside, directory);
        return true;
    } catch (error) {
        unless("ENOTEMPTY", "EEXIST")(error);
        return false;
    } finally {
        await rm(aside, { recursive: true, force: true });
    }
}

async function fillSkeleton(root: string, programs: ProgramDirectory[]): Promise<void> {
    const place = (name: string) => path.join(root, name);
    for (const [name, mode = 0o755] of DIRECTORIES) {
        await mkdir(place(name));
        // Not by mkdir, whose mode the umask cuts.
        await chmod(place(name), mode);
    }
    for (const [name, content] of Object.entries(FILES)) {
        await writeFile(place(name), content);
        await chmod(place(name), 0o644);
    }
    for (const [name, target] of Object.entries(LINKS)) {
        await symlink(target, place(name));
    }
    for (const { name, target } of programs) {
        await (target === undefined ? mkdir(place(name)) : symlink(target, place(name)));
    }
    for (const name of Object.keys(COPIED_LINKS)) {
        const target = await linkTarget(name);
        if (target !== undefined) {
            await symlink(target, place(name));
        }
    }
    await copyFile("/etc/ld.so.cache", place("etc/ld.so.cache")).catch(unless("ENOENT"));
    await copyAlternatives(place("etc/alternatives"));
}

/** The links by which `vi`, `awk` and so on lead to programs of /usr. */
async function copyAlternatives(destination: string): Promise<void> {
    const source = "/etc/alternatives";
    const names = await readdir(source).catch(unless("ENOENT"));
    if (names === undefined) {
        return;
    }
    await mkdir(destination, { mode: 0o755 });
    for (const name of names) {
        const target = await readlink(path.join(source, name)).catch(unless("EINVAL"));
        if (target !== undefined) {
            await symlink(target, path.join(destination, name));
        }
    }
}

async function removeOthers(
    stateDirectory: string,
    current: string,
    native: Native,
): Promise<void> {
    for (const name of await readdir(stateDirectory)) {
        if (name.startsWith(SKELETON_PREFIX) && name !== current) {
            await native.removeTree(path.join(stateDirectory, name));
        }
    }
}
