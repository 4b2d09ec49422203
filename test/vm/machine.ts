/**
 * A machine with a real cgroup v2 kernel on a computer that has none: Debian's User-mode Linux, a
 * kernel that runs as a process. Its root is this computer's own tree, read-only underneath, so it
 * runs the Node and the programs that were built here; what it writes is gone with it.
 *
 * Used by hand: `node --import tsx test/vm/machine.ts COMMAND [ARG…]`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Readable } from "node:stream";
import { root } from "../support/fixtures";
import { buildInit, kernel, makeDisk } from "./parts";

/** Where the ext4 image is mounted in the machine: hostfs knows no idmapped mounts and no xattrs. */
const DISK = "/media";
const MEMORY = "1536M";

/** Where the folder of kernel parts is mounted for the machine. */
const PARTS = "/mnt";

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
    /** The processor of this computer that it runs on; the last of {@link allowedCpus} by default. */
    cpu?: number;
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
        const [{ program, modules }] = await Promise.all([
            kernel(),
            buildInit(join(directory, "init")),
            makeDisk(join(directory, "disk.ext4")),
        ]);
        if (modules !== undefined) {
            await symlink(modules, join(directory, "modules"));
        }
        const script = scriptText(command, options.env ?? {});
        await writeFile(join(directory, "script.sh"), script);
        const guest = [program, ...kernelParameters(modules !== undefined)];
        return await boot(directory, guest, options);
    } finally {
        await rm(directory, { recursive: true, force: true });
    }
}

/** The processors that this process may run on. */
export function allowedCpus(): number[] {
    const status = readFileSync("/proc/self/status", "utf8");
    const list = /^Cpus_allowed_list:\t(.*)$/m.exec(status)?.[1] ?? "0";
    return list.split(",").flatMap((range) => {
        const [first = 0, last = first] = range.split("-").map(Number);
        return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

async function boot(
    directory: string,
    kernelCommand: string[],
    options: MachineOptions,
): Promise<MachineResult> {
    const limit = Math.ceil(options.timeoutMs / 1000);
    // One host CPU: each guest system call is handed between two host processes, and across cores
    // that costs twenty times as much.
    const cpu = String(options.cpu ?? allowedCpus().at(-1));
    const guest = ["timeout", "-s", "KILL", String(limit), "taskset", "-c", cpu, ...kernelCommand];
    const child = spawn(
        "setpriv",
        ["--pdeathsig", "TERM", "sh", "-c", SUPERVISOR, directory, HOST_SIDE, ...guest],
        {
            env: { PATH: process.env.PATH, TMPDIR: "/dev/shm", HOME: directory },
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

/**
 * Runs the host side ($1, then its arguments) in a process namespace that ends as a whole, and takes
 * the machine's folder ($0) away. It is told when we are gone, however that happens; when it is itself
 * killed, the machine goes all the same. What the shell has to say of that would have no reader, and
 * be its end.
 */
const SUPERVISOR = `
trap 'kill -KILL $!; wait $!; rm -rf "$0"; exit 1' TERM
script=$1; shift
setpriv --pdeathsig KILL unshare -fpm --mount-proc --kill-child sh -c "$script" "$0" "$@" &
exec 2> /dev/null
wait $!
trap '' TERM
rm -rf "$0"`;

/**
 * The guest's root could mount hostfs itself: all it could reach is read-only, /sys is empty; only the
 * folder of the disk image ($0) can be written. It is where a name without spaces can be given.
 */
const HOST_SIDE =
    `mount --make-rprivate / && mount --bind "$0" ${PARTS} && mount -o remount,bind,ro / && ` +
    'mount -t tmpfs none /sys && mount -o remount,ro /sys && exec "$@"';

/** Separated by spaces in the end, so that no value may have one. */
function kernelParameters(hasModules: boolean): string[] {
    return [
        `mem=${MEMORY}`,
        `ubd0=${PARTS}/disk.ext4`,
        "rootfstype=hostfs",
        "rootflags=/",
        "ro",
        `init=${PARTS}/init`,
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
        `uml_dir=${PARTS}`,
        ...(hasModules ? [`VM_MODULES=${PARTS}/modules`] : []),
        `VM_SCRIPT=${PARTS}/script.sh`,
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

if (process.argv[1] === __filename) {
    void runInMachine(process.argv.slice(2), { timeoutMs: 20 * 60_000, stream: true }).then(
        ({ code }) => (process.exitCode = code),
    );
}
