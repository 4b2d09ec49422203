/**
 * The native tests with the programs that `make -C native sanitize` makes: they end when something
 * undefined happens, and count which lines are reached.
 */
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ensurePackages } from "./apt";
import { root } from "./build";
import { nodeTests, testFiles } from "./nodeTests";
import type { TestResult } from "./results";
import { run } from "./run";

/** How much of native/ the tests must reach, in per cent of the lines that hold code. */
export const COVERAGE_GOAL = 90;

/** One file of native/, or all of them. */
export interface Coverage {
    name: string;
    /** Lines that hold code. */
    lines: number;
    covered: number;
}

/** What `llvm-cov export -summary-only` prints, as far as it is read here. */
interface LlvmSummary {
    data: {
        files: { filename: string; summary: { lines: { count: number; covered: number } } }[];
    }[];
}

const BUILD = "out/native-sanitize";
const PROGRAMS = ["container_executor", "ns_enter", "seccomp_generate", "identity_probe"];
/** Of the sanitizer build alone. */
const NOT_OF_THE_PROGRAMS = ["coverage.c", "sanitize.c"];
const PROFILES = join(root, BUILD, "profiles");
const DATA = join(root, "out/coverage/native.profdata");

/** Builds, runs all native tests and adds up what each of their processes reached. */
export async function measureCoverage(): Promise<{ results: TestResult[]; coverage: Coverage[] }> {
    await ensurePackages(["clang", "gcc", "libclang-rt-dev", "llvm", "make"]);
    await run("make", ["-C", "native", "sanitize"], { cwd: root });
    await rm(PROFILES, { recursive: true, force: true });
    const results = await nodeTests(await testFiles("test/native"), {
        stage: "sanitize",
        env: { MCM_TEST_NATIVE: BUILD },
    });
    return { results, coverage: await readCoverage() };
}

async function readCoverage(): Promise<Coverage[]> {
    const profiles = (await readdir(PROFILES)).map((name) => join(PROFILES, name));
    await mkdir(join(root, "out/coverage"), { recursive: true });
    await run("llvm-profdata", ["merge", "-o", DATA, ...profiles]);
    const summary = JSON.parse(
        await run("llvm-cov", ["export", "-summary-only", ...viewArguments()]),
    ) as LlvmSummary;
    return (summary.data[0]?.files ?? [])
        .map(({ filename, summary: { lines } }) => ({
            name: filename.slice(filename.lastIndexOf("/") + 1),
            lines: lines.count,
            covered: lines.covered,
        }))
        .filter(({ name, lines }) => lines > 0 && !NOT_OF_THE_PROGRAMS.includes(name));
}

/** Of all the programs together: a line counts when one of them reached it. */
function viewArguments(): string[] {
    const [first = "", ...others] = PROGRAMS.map((name) => join(root, BUILD, name));
    return [`-instr-profile=${DATA}`, first, ...others.flatMap((path) => ["-object", path])];
}

/** Writes a page a file, with each line's count, and returns the path of the first page. */
export async function sourceView(): Promise<string> {
    const directory = join(root, "out/coverage/native");
    await run("llvm-cov", ["show", "-format=html", `-output-dir=${directory}`, ...viewArguments()]);
    return join(directory, "index.html");
}

/** All files together. */
export function coverageTotal(coverage: Coverage[]): Coverage {
    const sum = (key: "lines" | "covered"): number =>
        coverage.reduce((total, file) => total + file[key], 0);
    return { name: "total", lines: sum("lines"), covered: sum("covered") };
}

export function coverageReached(coverage: Coverage[]): boolean {
    const { lines, covered } = coverageTotal(coverage);
    return covered * 100 >= lines * COVERAGE_GOAL;
}

/** A line a file, and the total. */
export function coverageTable(coverage: Coverage[]): string {
    const rows = [...coverage, coverageTotal(coverage)].map(({ name, lines, covered }) =>
        [
            name.padEnd(22),
            String(lines).padStart(6),
            String(lines - covered).padStart(7),
            `${percent(covered, lines)} %`.padStart(9),
        ].join(""),
    );
    return [`${"file".padEnd(22)} lines missed  reached`, ...rows, ""].join("\n");
}

/** Rounded down, so that nothing looks like the goal that is below it. */
export function percent(part: number, whole: number): string {
    return (whole === 0 ? 100 : Math.floor((part * 1000) / whole) / 10).toFixed(1);
}
