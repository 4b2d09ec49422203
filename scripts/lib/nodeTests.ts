/** Runs files of tests with node's test runner and reads what became of each test. */
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, open, readdir, rm } from "node:fs/promises";
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./build";
import type { TestResult } from "./results";

/** For one test, and for one file of them, in milliseconds. */
const TEST_LIMIT = 400_000;

/** For all files, in milliseconds. The runner waits for whoever holds a test's output open. */
const RUN_LIMIT = 900_000;

export interface NodeTestOptions {
    /** Names the log. */
    stage: string;
    /** Files run at the same time; 1 where they share the machine's attention. */
    concurrency?: number;
    env?: Record<string, string>;
}

/** Files of tests below folders of the repository. */
export async function testFiles(...folders: string[]): Promise<string[]> {
    const files: string[] = [];
    for (const folder of folders) {
        const entries = await readdir(join(root, folder), { recursive: true }).catch(noSuchFolder);
        files.push(...entries.filter(isTest).map((entry) => join(folder, entry)));
    }
    return files.sort();
}

const isTest = (name: string): boolean => name.endsWith(".test.ts");

function noSuchFolder(error: unknown): string[] {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
        return [];
    }
    throw error;
}

/** Runs the files. What they print goes to `out/test-logs/STAGE.log`, with every test's name. */
export async function nodeTests(files: string[], options: NodeTestOptions): Promise<TestResult[]> {
    if (files.length === 0) {
        return [
            { name: `${options.stage} has tests`, outcome: "failed", error: "no file of tests" },
        ];
    }
    const logs = join(root, "out/test-logs");
    await mkdir(logs, { recursive: true });
    const directory = await mkdtemp(join(tmpdir(), "mcm results "));
    const report = join(directory, "results");
    try {
        const exitCode = await runner(files, report, join(logs, `${options.stage}.log`), options);
        const results = parseReport(readFileSync(report, "utf8"));
        const failed = results.some(({ outcome }) => outcome === "failed");
        if (exitCode !== 0 && !failed) {
            const error = `exit code ${exitCode}, see out/test-logs/${options.stage}.log`;
            results.push({ name: "the test runner ends well", outcome: "failed", error });
        }
        return results;
    } finally {
        await rm(directory, { recursive: true });
    }
}

async function runner(
    files: string[],
    report: string,
    log: string,
    { concurrency = 2, env }: NodeTestOptions,
): Promise<number> {
    const output = await open(log, "w");
    const args = runnerArguments(files, { concurrency, log: "stdout", report });
    const child = spawn(process.execPath, args, {
        cwd: root,
        env: { ...process.env, ...env },
        stdio: ["ignore", output.fd, output.fd],
        timeout: RUN_LIMIT,
        killSignal: "SIGKILL",
    });
    try {
        return await new Promise<number>((resolve, reject) => {
            child.once("error", reject);
            child.once("exit", (code) => resolve(code ?? 1));
        });
    } finally {
        await output.close();
    }
}

/** What node is started with to run the files; `log` and `report` are files, stdout or stderr. */
export function runnerArguments(
    files: string[],
    to: { concurrency: number; log: string; report: string },
): string[] {
    return [
        ...["--import", "tsx", "--test", `--test-timeout=${TEST_LIMIT}`],
        `--test-concurrency=${to.concurrency}`,
        ...["--test-reporter=spec", `--test-reporter-destination=${to.log}`],
        `--test-reporter=${join(root, "scripts/lib/reporter.mjs")}`,
        `--test-reporter-destination=${to.report}`,
        ...files,
    ];
}

/** Reads what reporter.mjs wrote. */
export function parseReport(report: string): TestResult[] {
    return report
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as TestResult);
}
