/** Runs tests once more inside of the machine with a real cgroup v2 kernel (test/vm). */
import { appendFile, mkdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { allowedCpus, runInMachine } from "../../test/vm/machine";
import { root } from "./build";
import { nodeTests, parseReport, runnerArguments, testFiles } from "./nodeTests";
import type { TestResult } from "./results";
import { ELSEWHERE, REFUSED } from "./vmExceptions";

/** For one machine, in milliseconds: system calls cost ten times as much there. */
const LIMIT_MS = 8 * 60_000;

/** Machines at a time. Each has a processor of its own; more than two are in each other's way. */
const MACHINES = Math.min(2, allowedCpus().length);

/** For the tests: they are alone there, and each process takes ten times as long to make. */
const FEWER = {
    MCM_TEST_ALONE: "1",
    MCM_STORM_RUNS: "30",
    MCM_STORM_AT_ONCE: "20",
    MCM_STORM_ORPHANS: "150",
};

/** Files that one machine runs: few enough that the machines end at about the same time. */
const FILES_AT_A_TIME = 4;

/** What runs in there, by folder; `ELSEWHERE` names what of it does not, and why. */
const FOLDERS = ["test/vm", "test/native", "test/server", "test/storm"];

/** The native programs and the backend, as far as the kernel decides how they end. */
export async function vmTests(): Promise<TestResult[]> {
    const all = await testFiles(...FOLDERS);
    const absent = Object.keys(ELSEWHERE).filter((file) => !all.includes(file));
    const files = all.filter((file) => !(file in ELSEWHERE));
    const log = join(root, "out/test-logs/vm.log");
    await mkdir(join(root, "out/test-logs"), { recursive: true });
    await rm(log, { force: true });
    const outside = await nodeTests(["test/vm/machine.test.ts"], { stage: "vm-machine" });
    const results = await inMachines(files, log);
    const inside = [...results.map(asExpected), ...[...absent, ...unseen(results)].map(stale)];
    const renamed = inside.map((result) => ({ ...result, name: `${result.name} (cgroup v2)` }));
    return [...outside, ...renamed];
}

/** Shares the files out to machines, a few at a time. */
async function inMachines(files: string[], log: string): Promise<TestResult[]> {
    const results: TestResult[] = [];
    const waiting = [...files];
    const lanes = allowedCpus()
        .slice(-MACHINES)
        .map(async (cpu) => {
            for (let some; (some = waiting.splice(0, FILES_AT_A_TIME)).length > 0;) {
                results.push(...(await inMachine(some, cpu, log)));
            }
        });
    await Promise.all(lanes);
    return results;
}

async function inMachine(files: string[], cpu: number, log: string): Promise<TestResult[]> {
    const to = { concurrency: 1, log: "stderr", report: "stdout" };
    const command = [process.execPath, ...runnerArguments(files, to)];
    const { code, stdout, stderr } = await runInMachine(command, {
        timeoutMs: LIMIT_MS,
        cpu,
        env: FEWER,
    });
    await appendFile(log, stderr);
    const results = parseReport(stdout);
    if (code !== 0 && !results.some(({ outcome }) => outcome === "failed")) {
        const error = `exit code ${code} of ${files.join(" ")}, see out/test-logs/vm.log`;
        results.push({ name: "the test runner ends well", outcome: "failed", error });
    }
    return results;
}

/** A test that this machine must refuse has passed when it failed with the very reason. */
function asExpected(result: TestResult): TestResult {
    const refusal = REFUSED.find(({ test }) => test === result.name);
    if (refusal === undefined) {
        return result;
    }
    if (result.outcome === "failed" && refusal.error.test(result.error ?? "")) {
        return { ...result, outcome: "passed", error: undefined };
    }
    const error = `expected to fail with ${String(refusal.error)}: ${refusal.why}`;
    return { ...result, outcome: "failed", error: `${error}\n${result.error ?? "it passed"}` };
}

/** Refused tests that there are not any more. */
function unseen(results: TestResult[]): string[] {
    const names = new Set(results.map(({ name }) => name));
    return REFUSED.map(({ test }) => test).filter((test) => !names.has(test));
}

const stale = (what: string): TestResult => ({
    name: `${basename(what)} is an exception of something`,
    outcome: "failed",
    error: `scripts/lib/vmExceptions.ts names ${what}, which did not run`,
});
