/** What tests ended with, and how that is shown. */
import { relative } from "node:path";
import { root } from "./build";

export interface TestResult {
    /** A sentence. */
    name: string;
    outcome: "passed" | "failed" | "skipped";
    file?: string;
    line?: number;
    milliseconds?: number;
    /** Why it was skipped. */
    reason?: string;
    /** What it failed with, in the words of who noticed. */
    error?: string;
}

export interface Counts {
    passed: number;
    failed: number;
    skipped: number;
}

export function count(results: TestResult[]): Counts {
    const of = (outcome: TestResult["outcome"]): number =>
        results.filter((result) => result.outcome === outcome).length;
    return { passed: of("passed"), failed: of("failed"), skipped: of("skipped") };
}

/** "N passed, N failed, N skipped" */
export function countsText({ passed, failed, skipped }: Counts): string {
    return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** What stands under a stage: every test that did not pass, and why. */
export function problemsText(results: TestResult[]): string {
    return results
        .filter(({ outcome }) => outcome !== "passed")
        .map((result) => {
            const at =
                result.file === undefined ? "" : ` (${relative(root, result.file)}${line(result)})`;
            const why = result.error ?? result.reason ?? "no reason given";
            return `  ${result.outcome}: ${result.name}${at}\n${indent(why)}\n`;
        })
        .join("");
}

function line(result: TestResult): string {
    return result.line === undefined ? "" : `:${result.line}`;
}

function indent(text: string): string {
    return text.trimEnd().replace(/^/gm, "    ");
}
