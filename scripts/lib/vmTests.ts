/** Runs tests once more inside of the machine with a real cgroup v2 kernel (test/vm). */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runInMachine } from "../../test/vm/machine";
import { root } from "./build";
import { parseReport, runnerArguments, testFiles } from "./nodeTests";
import type { TestResult } from "./results";

/** For all of them, in milliseconds: system calls cost ten times as much there. */
const LIMIT_MS = 12 * 60_000;

/**
 * Not of control groups or mounts; that kernel has no IPv6, no room for ASan's shadow memory, and no
 * network to fetch a Debian from, and a root whose ids cannot be mapped. Hundreds of starts for one call
 * that fails in each would take too long there.
 */
const ELSEWHERE = /\/(identity|seccomp|confinement|distribution|faults)\.test\.ts$/;

/** The tests of the native programs, as far as the kernel decides how they end. */
export async function vmTests(): Promise<TestResult[]> {
    const files = (await testFiles("test/native")).filter((file) => !ELSEWHERE.test(file));
    const to = { concurrency: 1, log: "stderr", report: "stdout" };
    const command = [process.execPath, ...runnerArguments(files, to)];
    const { code, stdout, stderr } = await runInMachine(command, { timeoutMs: LIMIT_MS });
    const logs = join(root, "out/test-logs");
    await mkdir(logs, { recursive: true });
    await writeFile(join(logs, "vm.log"), stderr);
    const results = parseReport(stdout);
    if (code !== 0 && !results.some(({ outcome }) => outcome === "failed")) {
        const error = `exit code ${code}, see out/test-logs/vm.log`;
        results.push({ name: "the test runner ends well", outcome: "failed", error });
    }
    return results.map((result) => ({ ...result, name: `${result.name} (cgroup v2)` }));
}
