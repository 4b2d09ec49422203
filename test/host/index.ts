/** What the extension host loads: Mocha with every suite beside this file. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Mocha from "mocha";
import type { TestResult } from "../../scripts/lib/results";

/** For one test, in milliseconds; the first use of the backend starts processes. */
const TEST_LIMIT = 30_000;

/**
 * Called by VS Code. Writes the results as JSON to the file that MCM_TEST_REPORT names.
 *
 * @throws when a test failed: VS Code's exit code is 1 then
 */
export async function run(): Promise<void> {
    const mocha = new Mocha({ ui: "bdd", timeout: TEST_LIMIT });
    for (const file of readdirSync(__dirname).sort()) {
        if (file.endsWith(".test.js")) {
            mocha.addFile(join(__dirname, file));
        }
    }
    const results: TestResult[] = [];
    const failures = await new Promise<number>((resolve) => {
        const runner = mocha.run(resolve);
        runner.on("pass", (test) => results.push(result(test, "passed")));
        runner.on("pending", (test) => results.push(result(test, "skipped")));
        runner.on("fail", (test, error: Error) =>
            results.push({ ...result(test, "failed"), error: error.stack ?? error.message }),
        );
    });
    const { MCM_TEST_REPORT: report } = process.env;
    if (report !== undefined) {
        writeFileSync(report, JSON.stringify(results));
    }
    if (failures > 0) {
        throw new Error(`${failures} failed`);
    }
}

function result(test: Mocha.Runnable, outcome: TestResult["outcome"]): TestResult {
    return { name: test.fullTitle(), outcome, milliseconds: test.duration };
}
