/**
 * A machine with a real cgroup v2 kernel on a computer that has none: Debian's User-mode Linux, a
 * kernel that runs as a process. Its root is this computer's own tree, read-only underneath, so it
 * runs the Node and the programs that were built here; what it writes is gone with it.
 *
 * Used by hand: `node --import tsx test/vm/machine.ts COMMAND [ARG…]`.
 * MCM_UML_KERNEL names another kernel than Debian's.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import type { Readable } from "node:stream";
import { ensurePackages } from "../../scripts/lib/apt";
import { run } from "../../scripts/lib/run";
import { busyboxRootfs, cached, root } from "../support/fixtures";

/** Where the ext4 image is mounted in the machine: hostfs knows no idmapped mounts and no xattrs. */
const DISK = "/media";
const DISK_SIZE = "2G";
const MEMORY = "1536M";

export interface MachineResult {
    /** Exit code of the command, 128+n for a signal. */
    code: number;
    stdout: string;
    stderr: string;
}

export interface MachineOptions {
    /** Milliseconds until the machine is ended. */
    timeoutMs: number;
    env?: Record<string, string>;
    /** Receives stdout and stderr as they come, instead of the result. */
    stream?: boolean;
}

/** Runs a command of this computer inside the machine, in the repository's directory. */
export async function runInMachine(
    command: string[],
    options: MachineOptions,
): Promise<MachineResult> {
    const directory = await mkdtemp(join(tmpdir(), "mcm-vm-"));
    try {
        const [kernel, init, disk] = await Promise.all([
            installKernel(),
            buildInit(directory),
            makeDisk(directory),
        ]);
        const script = join(directory, "script.sh");
        await writeFile(script, scriptText(command, options.env ?? {}));
        return await boot({ kernel, init, disk, script, directory }, options);
    } finally {
        await rm(directory, { recursive: true, force: true });
    }
}

interface Boot {
    kernel: { program: string; modules: string };
    init: string;
    disk: string;
    script: string;
    directory: string;
}

async function boot(machine: Boot, options: MachineOptions): Promise<MachineResult> {
    const limit = Math.ceil(options.timeoutMs / 1000);
    const child = spawn(
        "unshare",
        ["-fpm", "--mount-proc", "--kill-child", "sh", "-c", HOST_SIDE, machine.directory].concat(
            // One host CPU: each guest system call is handed between two host processes, and
            // across cores that costs twenty times as much.
            ["timeout", "-s", "KILL", String(limit), "taskset", "-c", "1"],
            kernelCommand(machine),
        ),
        {
            env: { PATH: process.env.PATH, TMPDIR: "/dev/shm", HOME: machine.directory },
            stdio: ["ignore", "pipe", "pipe", "pipe", "pipe", "pipe", "pipe"],
        },
    );
    const [, kernelOut, kernelErr, out, err, status, console] = child.stdio as Readable[];
    if (options.stream === true) {
        out!.pipe(process.stdout, { end: false });
        err!.pipe(process.stderr, { end: false });
    }
    const [stdout, stderr, report, ...messages] = await Promise.all([
        ...[out!, err!, status!, kernelOut!, kernelErr!, console!].map((s) => text(s)),
        once(child, "close"),
    ] as Promise<string>[]);
    const code = /^(\d+)\s*$/.exec(report ?? "")?.[1];
    if (code === undefined) {
        throw new Error(
            `The test machine ended without a result (limit ${limit} s).\n` +
                `${messages.slice(0, 3).join("")}${stderr}`,
        );
    }
    return { code: Number(code), stdout: stdout!, stderr: stderr! };
}

/** The guest's root could mount hostfs itself: all it could reach is read-only, /sys is empty; only
 * the folder of the disk image ($0) can be written. */
const HOST_SIDE =
    'mount --make-rprivate / && mount --bind "$0" "$0" && mount -o remount,bind,ro / && ' +
    'mount -t tmpfs none /sys && mount -o remount,ro /sys && exec "$@"';

function kernelCommand({ kernel, init, disk, script, directory }: Boot): string[] {
    return [
        kernel.program,
        `mem=${MEMORY}`,
        `ubd0=${disk}`,
        "rootfstype=hostfs",
        "rootflags=/",
        "ro",
        `init=${init}`,
        "quiet",
        "loglevel=4",
        "panic=-1",
        "random.trust_cpu=on",
        "rcupdate.rcu_expedited=1",
        "con0=null,fd:6",
        "con1=null,fd:3",
        "con2=null,fd:4",
        "con3=null,fd:5",
        "con=null",
        "ssl=null",
        `uml_dir=${directory}`,
        `VM_MODULES=${kernel.modules}`,
        `VM_SCRIPT=${script}`,
        `VM_DISK=${DISK}`,
    ];
}

function scriptText(command: string[], env: Record<string, string>): string {
    const variables = {
        PATH: process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin",
        HOME: "/root",
        LANG: "C.UTF-8",
        // The consoles are terminals to the programs, but their output goes into pipes here.
        NO_COLOR: "1",
        TMPDIR: `${DISK}/tmp`,
        XDG_CACHE_HOME: `${DISK}/cache`,
        ...env,
    };
    return [
        ...Object.entries(variables).map(([name, value]) => `export ${name}=${quote(value)}`),
        `cd ${quote(root)}`,
        `exec ${command.map(quote).join(" ")}`,
        "",
    ].join("\n");
}

function quote(word: string): string {
    return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Debian's kernel, downloaded once and only unpacked: nothing is installed. */
async function installKernel(): Promise<Boot["kernel"]> {
    const directory = await cached("user-mode-linux-1", async (target) => {
        await run("apt-get", ["-q", "update"]);
        await run("apt-get", ["-q", "download", "user-mode-linux"], { cwd: target });
        const archive = (await readdir(target)).find((name) => name.endsWith(".deb"));
        await run("dpkg", ["-x", join(target, archive!), target]);
        await rm(join(target, archive!));
    });
    const folder = join(directory, "usr/lib/uml/modules");
    const [release] = await readdir(folder);
    return {
        program: process.env.MCM_UML_KERNEL ?? join(directory, "usr/bin/linux.uml"),
        modules: join(folder, release!),
    };
}

async function buildInit(directory: string): Promise<string> {
    const program = join(directory, "init");
    const flags = ["-static", "-O2", "-Wall", "-Wextra", "-Werror"];
    await run("gcc", [...flags, "-o", program, join(__dirname, "init.c")]);
    return program;
}

/** An ext4 image with the fixtures in it; sparse, so that only what is written takes room. */
async function makeDisk(directory: string): Promise<string> {
    await ensurePackages(["e2fsprogs"]);
    const content = join(directory, "content");
    const rootfs = await busyboxRootfs();
    const cache = join(content, "cache/my-container-manager");
    await mkdir(join(content, "tmp"), { recursive: true });
    await mkdir(cache, { recursive: true });
    await run("cp", ["-a", rootfs, join(cache, basename(rootfs))]);
    const image = join(directory, "disk.ext4");
    await run("truncate", ["-s", DISK_SIZE, image]);
    await run("mkfs.ext4", ["-q", "-E", "lazy_itable_init=1", "-d", content, image]);
    return image;
}

if (process.argv[1] === __filename) {
    void runInMachine(process.argv.slice(2), { timeoutMs: 20 * 60_000, stream: true }).then(
        ({ code }) => (process.exitCode = code),
    );
}
