/** OCI bundles for crun and runc, confined as nearly like our containers as their format allows. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../scripts/lib/run";
import { root } from "../support/fixtures";

/** Limits that every contender with cgroups gets. */
export const LIMITS = { memoryBytes: 64 * 1024 * 1024, cpuQuotaUsec: 50_000, pids: 64 };

/** Host id that is root inside; the container has this one and the 65,535 after it. */
export const ID_BASE = 2_000_000_000;
const IDS = [{ containerID: 0, hostID: ID_BASE, size: 65_536 }];

const CAPABILITIES = [
    ...["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW"],
    ...["CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE"],
    ...["CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE"],
];

const MASKED = [
    ...["acpi", "asound", "interrupts", "kcore", "keys", "latency_stats", "sched_debug"],
    ...["scsi", "timer_list", "timer_stats"],
].map((name) => `/proc/${name}`);
const READ_ONLY = ["bus", "fs", "irq", "sys", "sysrq-trigger"].map((name) => `/proc/${name}`);

/** Names of the system calls that our own filter allows, whatever their arguments. */
async function allowedCalls(): Promise<string[]> {
    const native = join(root, "native");
    const generator = "build/generated/seccomp_generate";
    await run("make", ["-s", "-C", native, generator]);
    const machine = (await run("gcc", ["-dumpmachine"])).split("-")[0] ?? "";
    const rows = (await run(join(native, generator), ["list", machine])).trim().split("\n");
    return rows
        .map((row) => row.split(" "))
        .filter(([, , , rule]) => rule !== "refuse" && rule !== "absent")
        .map(([, , name]) => name ?? "");
}

function mounts(): object[] {
    const mount = (destination: string, type: string, ...options: string[]) => ({
        destination,
        type,
        source: type,
        options: ["nosuid", ...options],
    });
    return [
        mount("/proc", "proc", "noexec", "nodev"),
        mount("/sys", "sysfs", "noexec", "nodev", "ro"),
        mount("/dev", "tmpfs", "mode=755", "size=1m"),
        mount("/dev/pts", "devpts", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"),
        mount("/dev/shm", "tmpfs", "noexec", "nodev", "mode=1777", "size=64m"),
        mount("/dev/mqueue", "mqueue", "noexec", "nodev"),
    ];
}

async function configuration(rootfs: string, command: string, cgroup: string): Promise<object> {
    return {
        ociVersion: "1.0.0",
        process: {
            user: { uid: 0, gid: 0 },
            args: [command],
            env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            cwd: "/",
            capabilities: {
                bounding: CAPABILITIES,
                effective: CAPABILITIES,
                permitted: CAPABILITIES,
            },
            noNewPrivileges: true,
        },
        root: { path: rootfs },
        hostname: "bench",
        mounts: mounts(),
        linux: {
            namespaces: ["user", "pid", "mount", "uts", "ipc", "network", "cgroup"].map((type) => ({
                type,
            })),
            uidMappings: IDS,
            gidMappings: IDS,
            cgroupsPath: `/my-container-manager/${cgroup}`,
            resources: {
                memory: { limit: LIMITS.memoryBytes },
                cpu: { quota: LIMITS.cpuQuotaUsec, period: 100_000 },
                pids: { limit: LIMITS.pids },
            },
            maskedPaths: MASKED,
            readonlyPaths: READ_ONLY,
            seccomp: {
                defaultAction: "SCMP_ACT_ERRNO",
                architectures: process.arch === "x64" ? ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"] : [],
                syscalls: [{ names: await allowedCalls(), action: "SCMP_ACT_ALLOW" }],
            },
        },
    };
}

/** Makes the directory a bundle whose only process is `command`, in a control group of that name. */
export async function makeBundle(
    directory: string,
    rootfs: string,
    command: string,
    cgroup: string,
): Promise<void> {
    await mkdir(directory, { recursive: true });
    const text = JSON.stringify(await configuration(rootfs, command, cgroup));
    await writeFile(join(directory, "config.json"), text);
}
