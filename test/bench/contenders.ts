/** Who is measured, and by which command lines. */
import { randomBytes } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../scripts/lib/run";
import { nativeProgram } from "../support/fixtures";
import { ID_BASE, LIMITS, makeBundle } from "./bundle";
import type { Workshop } from "./workshop";

/** What the stopwatch starts. `{}` in an argument becomes the round's number. */
export interface Contender {
    name: string;
    argv: string[];
    /** File of the mount namespace that it is started in. */
    namespace: string;
    /** Its standard input. */
    input: string;
}

/** A container that runs while commands are executed in it. */
export interface Idle {
    /** Its first process. */
    first: number;
    exec: Contender;
    end(): Promise<void>;
}

const COMMAND = "/bin/true";
const OWN_NAMESPACE = "/proc/self/ns/mnt";
const NOTHING = "/dev/null";

const here = (name: string, ...argv: string[]): Contender => ({
    name,
    argv,
    namespace: OWN_NAMESPACE,
    input: NOTHING,
});

/** Six hex digits that no other run of this benchmark has at the same time. */
export const prefix = randomBytes(3).toString("hex");

// ------------------------------------------------------------------------------------- the floor

export async function floorRun(workshop: Workshop): Promise<Contender> {
    const layers = ["upper", "work"].map((name) => join(workshop.state, `floor-${name}`));
    for (const layer of layers) {
        await mkdir(layer);
    }
    return here("floor", workshop.program("floor"), "run", workshop.rootfs, ...layers, COMMAND);
}

export function floorExec(workshop: Workshop, pid: number): Contender {
    return here("floor", workshop.program("floor"), "exec", String(pid), COMMAND);
}

// ------------------------------------------------------------------------------------------ ours

function directories(workshop: Workshop, id: string): string[] {
    const state = join(workshop.state, "containers", id);
    return ["--state-dir", state, "--run-dir", join(workshop.state, "run", id)];
}

function startArguments(workshop: Workshop, id: string): string[] {
    return [
        ...["start", "--status-fd", "3", "--id", id, "--id-base", String(ID_BASE)],
        ...[...directories(workshop, id), "--rootfs", workshop.rootfs],
        ...["--memory", String(LIMITS.memoryBytes), "--cpu-quota", String(LIMITS.cpuQuotaUsec)],
        ...["--pids", String(LIMITS.pids)],
    ];
}

async function stateDirectory(workshop: Workshop, id: string): Promise<void> {
    await mkdir(join(workshop.state, "containers", id), { recursive: true, mode: 0o700 });
    await mkdir(join(workshop.state, "run"), { recursive: true });
}

/** Each round starts a container of its own, whose directory is made here as the backend does. */
export async function oursRun(workshop: Workshop, rounds: number): Promise<Contender> {
    for (let round = 0; round <= rounds; round++) {
        await stateDirectory(workshop, `${prefix}${String(round).padStart(6, "0")}`);
    }
    const args = startArguments(workshop, `${prefix}{}`);
    return here("ours", nativeProgram("container_executor"), ...args, "--", COMMAND);
}

interface Running {
    pid: number;
    startTime: number;
    bootId: string;
    monitorPid: number;
    monitorStartTime: number;
}

/** @param index tells several of them apart */
export async function oursIdle(workshop: Workshop, index = 0): Promise<Idle & { monitor: number }> {
    const id = `${prefix}fffff${index.toString(16)}`;
    await stateDirectory(workshop, id);
    const executor = nativeProgram("container_executor");
    await withStatus(executor, startArguments(workshop, id));
    const state = await readFile(join(workshop.state, "run", id, "state.json"), "utf8");
    const running = JSON.parse(state) as Running;
    const target = [
        ...["--id", id, "--pid", String(running.pid)],
        ...["--start-time", String(running.startTime), "--boot-id", running.bootId],
    ];
    const monitor = [
        ...["--monitor-pid", String(running.monitorPid)],
        ...["--monitor-start-time", String(running.monitorStartTime)],
    ];
    const channels = ["--status-fd", "3", "--control-fd", "4"];
    return {
        monitor: running.monitorPid,
        first: running.pid,
        exec: here("ours", nativeProgram("ns_enter"), ...channels, ...target, "--", COMMAND),
        end: async () => {
            const stop = ["stop", "--status-fd", "3", ...target, ...monitor, "--grace-ms", "1000"];
            await withStatus(executor, stop);
            // Also takes away our parent control group, where nothing else is in it.
            const remove = ["remove", "--status-fd", "3", "--id", id];
            await withStatus(executor, [...remove, ...directories(workshop, id)]);
        },
    };
}

/** Runs a program of ours whose status fd is 3; what it says there is in the error when it fails. */
function withStatus(program: string, args: string[]): Promise<string> {
    return run("sh", ["-c", 'exec 3>&1; exec "$@"', "sh", program, ...args]);
}

// ------------------------------------------------------------------------------------- crun, runc

type OciRuntime = "crun" | "runc";

export const ociProgram = (runtime: OciRuntime): string =>
    runtime === "crun" ? "/usr/bin/crun" : "/usr/sbin/runc";

/** crun refuses a host in hybrid cgroup mode, so it is started where the host looks as if v1 alone. */
const ociNamespace = (workshop: Workshop, runtime: OciRuntime): string =>
    runtime === "crun" ? workshop.unifiedless : OWN_NAMESPACE;

export const ociRoot = (workshop: Workshop, runtime: OciRuntime): string =>
    join(workshop.state, `${runtime}-state`);

function oci(workshop: Workshop, runtime: OciRuntime, ...args: string[]): Contender {
    return {
        ...here(runtime, ociProgram(runtime), "--root", ociRoot(workshop, runtime), ...args),
        namespace: ociNamespace(workshop, runtime),
    };
}

export async function ociRun(workshop: Workshop, runtime: OciRuntime): Promise<Contender> {
    const bundle = join(workshop.state, `${runtime}-run`);
    await makeBundle(bundle, workshop.rootfs, COMMAND, `${prefix}-${runtime}`);
    return oci(workshop, runtime, "run", "--bundle", bundle, `bench-${prefix}-{}`);
}

export async function ociIdle(workshop: Workshop, runtime: OciRuntime): Promise<Idle> {
    const bundle = join(workshop.state, `${runtime}-idle`);
    const id = `bench-${prefix}-${runtime}`;
    const pidFile = join(bundle, "pid");
    await makeBundle(bundle, workshop.rootfs, "/bin/pause", id);
    const start = ["run", "--bundle", bundle, "--detach", "--pid-file", pidFile, id];
    await runContender(oci(workshop, runtime, ...start));
    return {
        first: Number(await readFile(pidFile, "utf8")),
        exec: oci(workshop, runtime, "exec", id, COMMAND),
        end: () => runContender(oci(workshop, runtime, "delete", "--force", id)),
    };
}

/** Once, outside of the stopwatch. What it leaves running keeps our output, and no pipe of ours. */
async function runContender({ argv, namespace }: Contender): Promise<void> {
    await run("nsenter", [`--mount=${namespace}`, ...argv], { inherit: true });
}

// ------------------------------------------------------------------------------------- bubblewrap

/** It makes no cgroup, sets no limit and mounts no overlay. */
export function bubblewrapRun(workshop: Workshop): Contender {
    const mounts = ["--bind", workshop.rootfs, "/", "--proc", "/proc", "--dev", "/dev"];
    const confinement = ["--unshare-all", "--cap-drop", "ALL", "--seccomp", "0"];
    const contender = here("bubblewrap", "/usr/bin/bwrap", ...confinement, ...mounts, COMMAND);
    return { ...contender, input: workshop.filter };
}
