/** `npm test`: every check there is, in stages, with a sum at the end. */
import { parseArgs } from "node:util";
import { startLeakCheck } from "./lib/leaks";
import { count, countsText, problemsText } from "./lib/results";
import type { TestResult } from "./lib/results";
import { STAGES } from "./lib/stages";
import type { Stage } from "./lib/stages";

const HELP = `npm test [-- OPTION…]

Installs what is missing and runs every check. Exits 0 when all passed and none was skipped.

  --quick        the stages that need no browser and no minute
  --only STAGE   one stage; may be given several times
  --list         the stages
  --help         this text

Output of the tests, with every test's name: out/test-logs/STAGE.log
`;

async function main(): Promise<boolean> {
    const { values } = parseArgs({
        options: {
            quick: { type: "boolean", default: false },
            only: { type: "string", multiple: true, default: [] },
            list: { type: "boolean" },
            help: { type: "boolean" },
        },
    });
    if (values.help === true) {
        process.stdout.write(HELP);
        return true;
    }
    if (values.list === true) {
        for (const { name, what } of STAGES) {
            process.stdout.write(`${name.padEnd(10)} ${what}\n`);
        }
        return true;
    }
    return runStages(chosen(values.only, values.quick));
}

function chosen(only: string[], quick: boolean): Stage[] {
    const unknown = only.find((name) => !STAGES.some((stage) => stage.name === name));
    if (unknown !== undefined) {
        const names = STAGES.map(({ name }) => name).join(", ");
        throw new Error(`there is no stage ${unknown}; the stages are ${names}`);
    }
    if (only.length > 0) {
        return STAGES.filter(({ name }) => only.includes(name));
    }
    return STAGES.filter((stage) => stage.quick || !quick);
}

/** Runs them one after the other. A failed one does not keep the next from running, if it is not
 * what all the others need. */
async function runStages(stages: Stage[]): Promise<boolean> {
    const leaks = await startLeakCheck();
    process.env.TMPDIR = leaks.directory;
    // Those that run nothing of ours fill the time in which the tests wait.
    const beside = Promise.all(stages.filter(isBeside).map(runStage));
    const all: TestResult[] = [];
    for (const stage of stages.filter((one) => !isBeside(one))) {
        const results = await runStage(stage);
        all.push(...results);
        if (stage.essential === true && count(results).failed > 0) {
            process.stdout.write("the rest is not run: it needs this\n");
            break;
        }
    }
    all.push(...(await beside).flat());
    const leakStage = { name: "leaks", run: async () => leakResults(await leaks.left()) };
    all.push(...(await runStage(leakStage)));
    await leaks.dispose();
    const sum = count(all);
    process.stdout.write(`${countsText(sum)}\n`);
    return sum.failed === 0 && sum.skipped === 0;
}

const isBeside = (stage: Stage): boolean => stage.beside === true;

async function runStage({ name, run }: Pick<Stage, "name" | "run">): Promise<TestResult[]> {
    const begin = Date.now();
    const results = await run().catch((error: unknown): TestResult[] => {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        return [{ name: `the stage ${name} runs`, outcome: "failed", error: text }];
    });
    const seconds = ((Date.now() - begin) / 1000).toFixed(1);
    const { passed, failed, skipped } = count(results);
    const parts = [
        `${passed} passed`,
        ...(failed > 0 ? [`${failed} FAILED`] : []),
        ...(skipped > 0 ? [`${skipped} SKIPPED`] : []),
    ];
    const time = `${seconds} s`.padStart(9);
    process.stdout.write(
        `${name.padEnd(10)} ${time}  ${parts.join(", ")}\n${problemsText(results)}`,
    );
    return results;
}

function leakResults(left: string[]): TestResult[] {
    const name = "nothing is left behind";
    return left.length === 0
        ? [{ name, outcome: "passed" }]
        : [{ name, outcome: "failed", error: left.join("\n") }];
}

void main().then(
    (good) => (process.exitCode = good ? 0 : 1),
    (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
        process.exitCode = 1;
    },
);
