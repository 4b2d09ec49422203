/** `npm run coverage`: which lines of native/ its tests reach, file by file. */
import { relative } from "node:path";
import {
    COVERAGE_GOAL,
    coverageReached,
    coverageTable,
    measureCoverage,
    sourceView,
} from "./lib/coverage";
import { root } from "./lib/build";
import { problemsText } from "./lib/results";

async function main(): Promise<boolean> {
    const { results, coverage } = await measureCoverage();
    process.stdout.write(problemsText(results) + coverageTable(coverage));
    process.stdout.write(`line by line: ${relative(root, await sourceView())}\n`);
    const reached = coverageReached(coverage);
    if (!reached) {
        process.stdout.write(`that is below ${COVERAGE_GOAL} %\n`);
    }
    return reached && results.every(({ outcome }) => outcome === "passed");
}

void main().then(
    (good) => (process.exitCode = good ? 0 : 1),
    (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
        process.exitCode = 1;
    },
);
