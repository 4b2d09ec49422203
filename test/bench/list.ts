/**
 * Measures a list of containers: in a warm backend with 1,000 of them, and as a whole `mcm list`
 * beside `node -e 0`, in turns. `node --import tsx test/bench/list.ts`, as root, after a build.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { detectCgroups } from "../../server/cgroup";
import { configOf } from "../../server/config";
import type { Native } from "../../server/native";
import { Paths } from "../../server/paths";
import { FIRST_ID, RANGE_SIZE } from "../../server/ranges";
import { currentBootId, processStartTime } from "../../server/state";
import { Store } from "../../server/store";
import { summaryOf } from "../../server/summary";
import { temporaryRoots } from "../support/fixtures";

const CONTAINERS = 1000;
const ROUNDS = 15;

const CLI = path.join(__dirname, "..", "..", "out", "cli.js");

function median(times: number[]): number {
    return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN;
}

/** The records of a running container whose process is `pid`. */
async function writeContainer(paths: Paths, index: number, pid: number): Promise<void> {
    const id = index.toString(16).padStart(12, "0");
    const { state, run, config, stateFile, exitPartial } = paths.container(id);
    await mkdir(state, { recursive: true });
    await mkdir(run, { recursive: true });
    const identity = { id, name: `c${index}`, idBase: FIRST_ID + index * RANGE_SIZE };
    const createdAt = new Date().toISOString();
    await writeFile(config, JSON.stringify(configOf({}, { ...identity, createdAt })));
    const startTime = processStartTime(pid);
    const monitor = { monitorPid: pid, monitorStartTime: startTime, startedAt: createdAt };
    const running = { pid, startTime, bootId: currentBootId(), ...monitor };
    await writeFile(stateFile, JSON.stringify(running));
    await writeFile(exitPartial, "");
}

/** Milliseconds of `rounds` lists, each up to the text of its answer. */
async function lists(store: Store, rounds: number): Promise<number[]> {
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
        const began = performance.now();
        JSON.stringify((await store.list()).map(summaryOf));
        times.push(performance.now() - began);
    }
    return times;
}

function wholeProcess(args: string[], env: NodeJS.ProcessEnv): number {
    const began = performance.now();
    spawnSync(process.execPath, args, { env, stdio: "ignore" });
    return performance.now() - began;
}

async function measure(): Promise<void> {
    const roots = await temporaryRoots();
    const child = spawn("sleep", ["1000"], { stdio: "ignore" });
    try {
        const env = { ...process.env, ...roots.env };
        const turns = Array.from({ length: ROUNDS }, () => ({
            node: wholeProcess(["-e", "0"], env),
            list: wholeProcess([CLI, "list"], env),
        }));
        const node = median(turns.map((turn) => turn.node));
        const cold = median(turns.map((turn) => turn.list));
        console.log(`node -e 0: ${node.toFixed(0)} ms`);
        console.log(`mcm list: ${cold.toFixed(0)} ms, ${(cold / node).toFixed(2)} of node -e 0`);

        const paths = new Paths(roots.stateDir, roots.runDir, "");
        for (let index = 0; index < CONTAINERS; index++) {
            await writeContainer(paths, index, child.pid ?? 0);
        }
        await sleep(500); // records that have just been written are read again each time
        const store = new Store(paths, {} as Native, detectCgroups());
        const [first = NaN] = await lists(store, 1);
        const warm = median(await lists(store, ROUNDS));
        console.log(`list of ${CONTAINERS} running: first ${first.toFixed(0)} ms`);
        console.log(`then ${warm.toFixed(1)} ms, ${(warm / node).toFixed(2)} of node -e 0`);
    } finally {
        child.kill("SIGKILL");
        // No container of these records is one: nothing of theirs is to be ended.
        await new Promise((resolve) => child.once("exit", resolve));
        await roots.dispose();
    }
}

void measure();
