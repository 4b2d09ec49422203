/** The stages of `npm test`, in their order. */
import { ensurePackages } from "./apt";
import { build, makePackage, root } from "./build";
import {
    COVERAGE_GOAL,
    coverageReached,
    coverageTotal,
    measureCoverage,
    percent,
} from "./coverage";
import { fuzzBriefly } from "./fuzz";
import { hostTests } from "./hostTests";
import { nodeTests, testFiles } from "./nodeTests";
import type { TestResult } from "./results";
import { progress, run } from "./run";
import { vmTests } from "./vmTests";

export interface Stage {
    name: string;
    /** For `--list`. */
    what: string;
    /** Part of `npm run test:quick`. */
    quick: boolean;
    /** It can run beside the others. */
    beside?: boolean;
    /** What comes after it means nothing when it fails. */
    essential?: boolean;
    run(): Promise<TestResult[]>;
}

/** Tests that `npm run test:quick` has no time for. */
const LONG = [
    ...["faults", "hostile", "lifecycle_orphans", "lifecycle_signals", "limits_io"].map(
        (name) => `test/native/${name}.test.ts`,
    ),
    ...["concurrency", "rootfs", "tarball"].map((name) => `test/server/${name}.test.ts`),
];

const isShort = (file: string): boolean => !LONG.includes(file);

export const STAGES: Stage[] = [
    {
        name: "typecheck",
        what: "the TypeScript compiler",
        quick: true,
        beside: true,
        run: () => steps([["types are right", "node_modules/typescript/bin/tsc", "-p", "."]]),
    },
    {
        name: "lint",
        what: "rules of the code and its format",
        quick: false,
        beside: true,
        run: () =>
            steps([
                ["eslint finds nothing", "node_modules/eslint/bin/eslint.js", "."],
                [
                    "prettier would change nothing",
                    "node_modules/prettier/bin/prettier.cjs",
                    "--check",
                    ".",
                ],
            ]),
    },
    {
        name: "build",
        what: "bundles and native programs",
        quick: true,
        essential: true,
        run: () => step("everything builds", () => build({ production: false })),
    },
    { ...tests("unit", "logic", ["extension", "support"]), quick: true },
    { ...tests("native", "the native programs, as root", ["native"], isShort), quick: true },
    { ...tests("server", "the backend with the real programs", ["server"], isShort), quick: true },
    tests("long", "what of both takes its time", ["native", "server"], (file) => !isShort(file)),
    tests("project", "rules of the tree and its documents", ["project"]),
    tests("bench", "the benchmark", ["bench"]),
    tests("cli", "the command line, a process for each", ["cli"]),
    tests("storm", "hundreds of containers, and no trace of them afterwards", ["storm"]),
    {
        name: "sanitize",
        what: "the native tests with sanitizers, and how many lines they reach",
        quick: false,
        run: sanitize,
    },
    {
        name: "fuzz",
        what: "random input for what parses outside text in native/",
        quick: false,
        run: fuzzBriefly,
    },
    {
        name: "analyze",
        what: "the analyzers of gcc and clang",
        quick: false,
        run: analyze,
    },
    {
        name: "vm",
        what: "the native programs and the backend on a real cgroup v2 kernel",
        quick: false,
        run: vmTests,
    },
    {
        name: "package",
        what: "the VSIX",
        quick: false,
        run: packageTests,
    },
    {
        name: "host",
        what: "Mocha in VS Code's extension host",
        quick: false,
        run: hostTests,
    },
    tests("e2e", "the window, driven as a person does", ["e2e"]),
    tests("polkit", "starting the backend as another user", ["polkit"]),
];

/** A stage of node's test runner, of those files below folders of test/ that `which` chooses. */
function tests(
    name: string,
    what: string,
    folders: string[],
    which: (file: string) => boolean = () => true,
): Stage {
    // Those that drive a browser want the machine for themselves.
    const concurrency = ["e2e", "polkit", "storm"].includes(name) ? 1 : 3;
    const start = async (): Promise<TestResult[]> => {
        const files = await testFiles(...folders.map((folder) => `test/${folder}`));
        return nodeTests(files.filter(which), { stage: name, concurrency });
    };
    return { name, what, quick: false, run: start };
}

async function sanitize(): Promise<TestResult[]> {
    const { results, coverage } = await measureCoverage();
    const { lines, covered } = coverageTotal(coverage);
    const words = `${percent(covered, lines)} % of native/'s ${lines} lines are reached`;
    progress(`${words}; npm run coverage tells which`);
    const goal = await step(`${COVERAGE_GOAL} % of native/ are reached by its tests`, () =>
        coverageReached(coverage) ? Promise.resolve() : Promise.reject(new Error(words)),
    );
    return [...results, ...goal];
}

async function analyze(): Promise<TestResult[]> {
    await ensurePackages(["clang-tidy", "gcc", "make"]);
    const analyzed = (target: string) => () =>
        run("make", ["-C", "native", "-j2", target], { cwd: root });
    return [
        ...(await step("gcc's analyzer finds nothing", analyzed("analyze"))),
        ...(await step("clang-tidy finds nothing", analyzed("tidy"))),
    ];
}

/** Makes the package, which the stages after it use, and looks at it. */
async function packageTests(): Promise<TestResult[]> {
    const made = await step("the package is made", async () => {
        process.env.MCM_TEST_VSIX = await makePackage();
    });
    return [...made, ...(await nodeTests(await testFiles("test/package"), { stage: "package" }))];
}

/** Node programs that must end well, each a test. */
async function steps(programs: [name: string, ...argv: string[]][]): Promise<TestResult[]> {
    const results: TestResult[] = [];
    for (const [name, ...argv] of programs) {
        results.push(...(await step(name, () => run(process.execPath, argv, { cwd: root }))));
    }
    return results;
}

/** One thing that must work, as a test. */
async function step(name: string, action: () => Promise<unknown>): Promise<TestResult[]> {
    try {
        await action();
        return [{ name, outcome: "passed" }];
    } catch (error) {
        return [
            {
                name,
                outcome: "failed",
                error: error instanceof Error ? error.message : String(error),
            },
        ];
    }
}
