/** The measurements in their order. */
import { cpus, release } from "node:os";
import { run } from "../../scripts/lib/run";
import {
    bubblewrapRun,
    floorExec,
    floorRun,
    ociIdle,
    ociRun,
    oursIdle,
    oursRun,
    type Idle,
} from "./contenders";
import { figuresOf, type Figures } from "./figures";
import { conmonMemory, oursMemory, podmanMemory, type Memory } from "./memory";
import type { Results } from "./report";
import { stopwatch } from "./stopwatch";
import { openWorkshop, type Workshop } from "./workshop";

export interface BenchmarkOptions {
    /** Of each contender. */
    runs: number;
    /** Tells what is being done. */
    say: (text: string) => void;
}

async function measureRun(workshop: Workshop, runs: number): Promise<Figures[]> {
    const contenders = [
        await floorRun(workshop),
        await oursRun(workshop, runs),
        await ociRun(workshop, "crun"),
        await ociRun(workshop, "runc"),
        bubblewrapRun(workshop),
    ];
    return figuresOf(await stopwatch(workshop, contenders, runs));
}

async function measureExec(workshop: Workshop, runs: number): Promise<Figures[]> {
    const idle: Idle[] = [];
    try {
        const ours = await oursIdle(workshop);
        idle.push(ours);
        idle.push(await ociIdle(workshop, "crun"), await ociIdle(workshop, "runc"));
        const floor = floorExec(workshop, ours.first);
        const contenders = [floor, ...idle.map(({ exec }) => exec)];
        return figuresOf(await stopwatch(workshop, contenders, runs));
    } finally {
        for (const each of idle) {
            await each.end();
        }
    }
}

async function measureMemory(workshop: Workshop): Promise<Memory[]> {
    const peers = [await conmonMemory(workshop), await podmanMemory(workshop)];
    // Last, since its end tidies the control groups up.
    return [await oursMemory(workshop), ...peers];
}

/** Kernel, processor and the contenders' versions, a line each. */
async function describeHost(): Promise<string[]> {
    const firstLine = async (command: string): Promise<string> =>
        (await run(command, ["--version"])).split("\n")[0] ?? "";
    const versions = ["crun", "runc", "bwrap", "conmon", "podman", "gcc"].map(firstLine);
    const processors = cpus();
    return [
        `Linux ${release()}, ${processors.length} × ${processors[0]?.model.trim() ?? "unknown"}`,
        (await Promise.all(versions)).join("; "),
    ];
}

/** Runs the whole benchmark. */
export async function benchmark({ runs, say }: BenchmarkOptions): Promise<Results> {
    const workshop = await openWorkshop();
    try {
        say(`run: ${runs} of each, side by side`);
        const runFigures = await measureRun(workshop, runs);
        say(`exec: ${runs} of each, side by side`);
        const execFigures = await measureExec(workshop, runs);
        say("memory of idle containers");
        const memory = await measureMemory(workshop);
        return { host: await describeHost(), run: runFigures, exec: execFigures, memory };
    } finally {
        await workshop.dispose();
    }
}
