/** `npm run bench`: our programs and their peers, side by side. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build, root } from "./lib/build";
import { ensurePackages } from "./lib/apt";
import { progress } from "./lib/run";
import { benchmark } from "../test/bench/benchmark";
import { chartText } from "../test/bench/chart";
import { reportText } from "../test/bench/report";

const HELP = `npm run bench [-- OPTION…]

Measures container_executor and ns_enter against the bare system calls, crun, runc and bubblewrap, and
the memory of an idle container against conmon's and podman's. As root, some minutes. Installs the
peers by apt where they are missing. Writes test/bench/results.md and the README's chart.

  --runs N   of each; 300 by default
  --print    only print, write no file
  --help     this text
`;

const PEERS = ["bubblewrap", "busybox-static", "conmon", "crun", "podman", "runc"];
const RUNS_MOST = 10_000;

async function main(): Promise<void> {
    const { values } = parseArgs({
        options: {
            runs: { type: "string", default: "300" },
            print: { type: "boolean", default: false },
            help: { type: "boolean", default: false },
        },
    });
    if (values.help) {
        process.stdout.write(HELP);
        return;
    }
    const runs = Number(values.runs);
    if (!Number.isInteger(runs) || runs < 1 || runs > RUNS_MOST) {
        throw new Error(`--runs ${values.runs}: a number from 1 to ${RUNS_MOST}, for example 300`);
    }
    if (process.getuid?.() !== 0) {
        throw new Error("containers are made by root: run it as root, for example with sudo");
    }
    await ensurePackages(PEERS);
    await build({ production: false });
    const results = await benchmark({ runs, say: progress });
    const text = reportText(results);
    if (!values.print) {
        await writeResults(text, chartText(chartGroups(results)));
    }
    process.stdout.write(text);
}

function chartGroups({ run, exec }: Awaited<ReturnType<typeof benchmark>>) {
    return [
        { title: "A container's whole life: start, a static true, all cleaned up", figures: run },
        { title: "One more command in a running container", figures: exec },
    ];
}

async function writeResults(report: string, chart: string): Promise<void> {
    await writeFile(join(root, "test/bench/results.md"), report);
    await mkdir(join(root, "media/readme"), { recursive: true });
    await writeFile(join(root, "media/readme/speed.svg"), chart);
    progress("written: test/bench/results.md, media/readme/speed.svg");
}

void main().catch((error: unknown) => {
    progress(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
});
