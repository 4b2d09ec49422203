/** Many containers by container_executor alone: none leaves a trace, however it ends. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, test } from "node:test";
import { execute, type ExitRecord, type Running } from "../native/executor";
import {
    busyboxRootfs,
    eventually,
    temporaryRoots,
    type TemporaryRoots,
} from "../support/fixtures";
import { AT_ONCE, RUNS, launch, until } from "./storm";
import { CONTAINERS_MAX, FIRST_ID, remember, type Watched } from "./traces";

let roots: TemporaryRoots;
let rootfs: string;
let watched: Watched;
let count = 0;

before(async () => {
    rootfs = await busyboxRootfs();
    roots = await temporaryRoots();
    await mkdir(join(roots.runDir, "containers"));
    watched = { directory: dirname(roots.stateDir), ids: new Set(), pids: [process.pid] };
    // What the first one makes stays, such as the directory of all containers.
    await runToItsEnd(KINDS[0]!);
});

after(() => roots.dispose());

/** One container of the storm; its id and its host ids are new. */
class Short {
    readonly number = count++;
    readonly id = `${process.pid.toString(16)}${"0".repeat(12)}`
        .slice(0, 8)
        .concat(this.number.toString(16).padStart(4, "0"));
    readonly stateDir = join(roots.stateDir, "containers", this.id);
    readonly runDir = join(roots.runDir, "containers", this.id);

    constructor() {
        watched.ids.add(this.id);
    }

    async args(command: string[], flags: string[] = []): Promise<string[]> {
        await mkdir(this.stateDir, { recursive: true, mode: 0o700 });
        const idBase = FIRST_ID + 0x10000 * (this.number % CONTAINERS_MAX);
        return [
            ...["--id", this.id, "--state-dir", this.stateDir, "--run-dir", this.runDir],
            ...["--rootfs", rootfs, "--id-base", String(idBase)],
            ...flags.map((flag) => (flag === ETC ? join(rootfs, "etc") : flag)),
            ...(command.length > 0 ? ["--", ...command] : []),
        ];
    }

    async start(command: string[], flags?: string[]): Promise<Running> {
        const { event, stderr } = await execute("start", await this.args(command, flags));
        assert.equal(event.event, "started", JSON.stringify({ event, stderr }));
        return event as unknown as Running;
    }

    async ended(): Promise<ExitRecord> {
        const file = join(this.stateDir, "exit.json");
        await until(() => existsSync(file) && !existsSync(join(this.runDir, "attach.sock")));
        return JSON.parse(readFileSync(file, "utf8")) as ExitRecord;
    }

    async stop(running: Running): Promise<void> {
        const target = [
            ...["--pid", running.pid, "--start-time", running.startTime, "--boot-id"],
            ...[running.bootId, "--monitor-pid", running.monitorPid],
            ...["--monitor-start-time", running.monitorStartTime, "--grace-ms", 0],
        ].map(String);
        const { event } = await execute("stop", ["--id", this.id, ...target]);
        assert.equal(event.event, "stopped", event.message);
    }

    /** Removes it as a client does: one that may still run is stopped before. */
    async remove(): Promise<void> {
        const args = ["--id", this.id, "--state-dir", this.stateDir, "--run-dir", this.runDir];
        await eventually(async () => {
            const state = join(this.runDir, "state.json");
            const removed = (await execute("remove", args)).event;
            if (removed.code !== "EBUSY" || !existsSync(state)) {
                assert.deepEqual(removed, { event: "removed" });
                return true;
            }
            await this.stop(JSON.parse(readFileSync(state, "utf8")) as Running);
            return false;
        }, `${this.id} is removed`);
    }
}

/** A container's whole life. */
interface Kind {
    name: string;
    flags?: string[];
    command: string[];
    /** How it ends: exit code, -signal, or the step at which the start is refused. */
    end: number | string;
}

const sh = (script: string): string[] => ["/bin/sh", "-c", script];

/** Stands for that directory of the root file system, which lies where ids can be mapped. */
const ETC = "ROOTFS/etc";

const KINDS: Kind[] = [
    { name: "plain", command: ["/bin/true"], end: 0 },
    { name: "exit code", command: sh("exit 3"), end: 3 },
    { name: "signal", command: sh("kill -9 $$"), end: -9 },
    { name: "left behind", command: sh("sleep 1000 & (setsid sleep 1001 &) ; exit 4"), end: 4 },
    { name: "terminal", flags: "--tty --rows 24 --cols 80".split(" "), command: sh("tty"), end: 0 },
    {
        name: "limits",
        flags: ["--memory", "33554432", "--pids", "16", "--cpu-quota", "50000"],
        command: sh("echo written > /root/file"),
        end: 0,
    },
    {
        name: "volumes",
        flags: ["--mount", "cow", ETC, "/mnt/cow", "--mount", "ro", ETC, "/mnt/ro"],
        command: sh("echo mine > /mnt/cow/passwd"),
        end: 0,
    },
    { name: "absent command", command: ["/bin/absent"], end: "exec" },
    {
        name: "unknown user",
        flags: ["--user", "nobody-known"],
        command: ["/bin/true"],
        end: "user",
    },
    {
        name: "absent volume",
        flags: ["--mount", "ro", "/absent", "/mnt"],
        command: [],
        end: "mount-volume",
    },
];

async function runToItsEnd({ name, command, flags, end }: Kind): Promise<void> {
    const container = new Short();
    if (typeof end === "string") {
        const { event } = await execute("start", await container.args(command, flags));
        assert.deepEqual([event.event, event.step], ["failed", end], `${name}: ${event.message}`);
        assert.deepEqual(readdirSync(container.stateDir), [], name);
    } else {
        await container.start(command, flags);
        const exit = await container.ended();
        assert.equal(exit.exitCode ?? -(exit.signal ?? NaN), end, name);
    }
    await container.remove();
}

test(`${RUNS} containers one after the other leave nothing`, async () => {
    const compare = remember(watched);
    for (let run = 0; run < RUNS; run++) {
        // Those that are refused take their turn less often than those that run.
        await runToItsEnd(KINDS[run % (run % 3 === 0 ? KINDS.length : 7)]!);
    }
    await compare(RUNS);
});

test(`${AT_ONCE} containers at the same time leave nothing`, async () => {
    const compare = remember(watched);
    const containers = Array.from({ length: AT_ONCE }, () => new Short());
    const all = await Promise.all(containers.map((each) => each.start(["/bin/sleep", "1000"])));
    assert.equal(new Set(all.map(({ pid }) => pid)).size, AT_ONCE);
    await Promise.all(containers.map((each, index) => each.stop(all[index]!)));
    await Promise.all(containers.map((each) => each.remove()));
    await compare(AT_ONCE);
});

test("containers whose monitor, init or launcher is killed leave nothing once they are removed", async () => {
    const compare = remember(watched);
    const containers = Array.from({ length: AT_ONCE }, () => new Short());
    await Promise.all(containers.map((each) => KILLINGS[each.number % KILLINGS.length]!(each)));
    await Promise.all(containers.map((each) => each.remove()));
    await compare(AT_ONCE);
});

/** The violent ends of a container, each at a moment that cannot be told before. */
const KILLINGS: ((container: Short) => Promise<void>)[] = [
    async (container) => {
        const { monitorPid } = await container.start(["/bin/sleep", "1000"]);
        process.kill(monitorPid, "SIGKILL");
    },
    async (container) => {
        const { pid } = await container.start(sh("(setsid sleep 1000 &); sleep 1001"));
        process.kill(pid, "SIGKILL");
    },
    async (container) => {
        const { pid, monitorPid } = await container.start([]);
        process.kill(monitorPid, "SIGKILL");
        process.kill(pid, "SIGKILL");
    },
    killLauncher,
    killLauncher,
];

/** Somewhere between its first instruction and its answer, also after it. */
async function killLauncher(container: Short): Promise<void> {
    const launcher = launch(["start", ...(await container.args(["/bin/sleep", "1000"]))]);
    await sleep((container.number % 40) * 2);
    launcher.kill("SIGKILL");
    await launcher.ended;
}
