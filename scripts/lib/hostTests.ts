/** Runs the Mocha suites of test/host in VS Code's extension host. */
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build as bundle, stop as stopBundler } from "esbuild";
import { root } from "./build";
import type { TestResult } from "./results";
import { run, RunError } from "./run";
import { codeServer, newerNode } from "./vscode";

/** For all of it, in milliseconds; test/host/code.ts has a shorter limit of its own. */
const LIMIT_MS = 300_000;

export async function hostTests(): Promise<TestResult[]> {
    await codeServer();
    await bundleSuites();
    const { node, env } = await newerNode();
    const directory = await mkdtemp(join(tmpdir(), "mcm results "));
    const report = join(directory, "results.json");
    try {
        const output = await run(node, ["--import", "tsx", "test/host/run.ts"], {
            cwd: root,
            env: { ...env, MCM_TEST_REPORT: report },
            timeoutMs: LIMIT_MS,
        }).catch((error: unknown) => error as Error);
        const results = existsSync(report)
            ? (JSON.parse(readFileSync(report, "utf8")) as TestResult[])
            : [];
        await writeLog(output);
        const failed = results.some((result) => result.outcome === "failed");
        if (results.length === 0 || (output instanceof Error && !failed)) {
            const error = output instanceof Error ? output.message : output;
            results.push({ name: "the extension host runs the suites", outcome: "failed", error });
        }
        return results;
    } finally {
        await rm(directory, { recursive: true });
    }
}

/** VS Code loads JavaScript; what is not of this repository stays a module. */
async function bundleSuites(): Promise<void> {
    const folder = join(root, "test/host");
    const suites = (await readdir(folder)).filter((name) => name.endsWith(".test.ts"));
    await bundle({
        absWorkingDir: root,
        entryPoints: ["index.ts", ...suites].map((name) => join(folder, name)),
        outdir: join(root, "out/test-host"),
        bundle: true,
        packages: "external",
        external: ["vscode"],
        platform: "node",
        target: "node22",
        sourcemap: "inline",
        logLevel: "silent",
    });
    await stopBundler();
}

async function writeLog(output: string | Error): Promise<void> {
    const logs = join(root, "out/test-logs");
    await mkdir(logs, { recursive: true });
    const text = output instanceof RunError ? output.output : String(output);
    await writeFile(join(logs, "host.log"), text);
}
