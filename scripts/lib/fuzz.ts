/** The fuzz targets of test/fuzz: libFuzzer programs with address and undefined behaviour sanitizers. */
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { ensurePackages } from "./apt";
import { root } from "./build";
import type { TestResult } from "./results";
import { run } from "./run";

const OUT = join(root, "out/fuzz");

/** Inputs that each target gets in `npm test`: the same ones each time. */
const RUNS = 20_000;
const SEED = 1;

/** After this a target of `npm test` ends, however few inputs it got. In seconds. */
const SHORT_SECONDS = 10;

/** Longer than one input may take. In milliseconds. */
const MARGIN_MS = 60_000;

/** Names of the targets. */
export async function fuzzTargets(): Promise<string[]> {
    const files = await readdir(join(root, "test/fuzz"));
    return files.filter((name) => name.endsWith(".c")).map((name) => basename(name, ".c"));
}

export async function buildFuzzers(): Promise<void> {
    await ensurePackages(["clang", "gcc", "libclang-rt-dev", "make"]);
    await run("make", ["-C", "native", "-j2", "fuzz"], { cwd: root });
    await mkdir(OUT, { recursive: true });
}

/** Every target for a moment, two at a time. */
export async function fuzzBriefly(): Promise<TestResult[]> {
    await buildFuzzers();
    const targets = await fuzzTargets();
    const results: TestResult[] = [];
    const work = async (): Promise<void> => {
        for (let target = targets.shift(); target !== undefined; target = targets.shift()) {
            results.push(await fuzzOnce(target));
        }
    };
    await Promise.all([work(), work()]);
    return results;
}

async function fuzzOnce(target: string): Promise<TestResult> {
    // New input goes to an empty directory, so that one run is like the other.
    const found = await mkdtemp(join(OUT, `${target}-brief-`));
    try {
        const bounds = [`-runs=${RUNS}`, `-seed=${SEED}`, `-max_total_time=${SHORT_SECONDS}`];
        return await fuzz(target, found, bounds, SHORT_SECONDS);
    } finally {
        await rm(found, { recursive: true });
    }
}

/** One target for some seconds, from where the last such run ended. */
export async function fuzzAtLength(target: string, seconds: number): Promise<TestResult> {
    const found = join(OUT, target);
    await mkdir(found, { recursive: true });
    return fuzz(target, found, [`-max_total_time=${seconds}`], seconds);
}

async function fuzz(
    target: string,
    found: string,
    bounds: string[],
    seconds: number,
): Promise<TestResult> {
    const name = `${target} takes whatever it is given`;
    const corpus = join(root, "test/fuzz/corpus", target);
    const artifacts = `-artifact_prefix=${join(OUT, target)}-`;
    const timeoutMs = seconds * 1000 + MARGIN_MS;
    try {
        const program = join(root, "out/native-fuzz", target);
        await run(program, [...bounds, artifacts, found, corpus], { timeoutMs });
        return { name, outcome: "passed" };
    } catch (error) {
        return { name, outcome: "failed", error: error instanceof Error ? error.message : "" };
    }
}
