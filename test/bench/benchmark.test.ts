/** The benchmark itself: that it measures what it says. Its figures are no test. */
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { test } from "node:test";
import { chartText } from "./chart";
import { floorExec, floorRun, oursIdle, oursRun, type Contender } from "./contenders";
import { figuresOf, percentile } from "./figures";
import { reportText, type Results } from "./report";
import { stopwatch } from "./stopwatch";
import { openWorkshop } from "./workshop";

const ROUNDS = 3;

/** Nobody is slower than this even on a machine that has other things to do. */
const PATIENCE_MS = 5000;

const contender = (argv: string[]): Contender => ({
    ...{ name: argv.join(" "), argv, namespace: "/proc/self/ns/mnt", input: "/dev/null" },
});

test("floor and ours run containers and execute in one, a time for every round", async () => {
    const workshop = await openWorkshop();
    try {
        const run = [await floorRun(workshop), await oursRun(workshop, ROUNDS)];
        const runTimes = await stopwatch(workshop, run, ROUNDS);
        const idle = await oursIdle(workshop);
        const exec = [floorExec(workshop, idle.first), idle.exec];
        const execTimes = await stopwatch(workshop, exec, ROUNDS).finally(() => idle.end());
        for (const times of [runTimes, execTimes]) {
            assert.deepEqual([...times.keys()], ["floor", "ours"]);
            for (const list of times.values()) {
                assert.equal(list.length, ROUNDS);
                assert.ok(list.every((time) => time > 0 && time < PATIENCE_MS));
            }
        }
    } finally {
        await workshop.dispose();
    }
    const left = [...(await readdir("/dev/shm")), ...(await readdir("/var/tmp"))];
    assert.ok(!left.some((name) => name.startsWith(`mcm-bench-${process.pid}-`)), String(left));
});

test("a time lasts until what was put into the background has ended", async () => {
    const workshop = await openWorkshop();
    try {
        const script = "(sleep 0.3; exit 7) & exit 0";
        const times = await stopwatch(workshop, [contender(["/bin/sh", "-c", script])], 1);
        const [[time = NaN] = []] = times.values();
        assert.ok(time >= 300, String(time));
    } finally {
        await workshop.dispose();
    }
});

test("a command that fails ends the measurement, with its name", async () => {
    const workshop = await openWorkshop();
    try {
        const failing = contender(["/bin/sh", "-c", "exit 3"]);
        await assert.rejects(stopwatch(workshop, [failing], 1), /\/bin\/sh ended with status/);
    } finally {
        await workshop.dispose();
    }
});

const RUN = figuresOf(
    new Map([
        ["floor", [2, 1, 3]],
        ["ours", [3, 3, 6]],
        ["crun", [12, 9, 30]],
        ["runc", [30, 20, 31]],
    ]),
);

test("figures are medians, ninetieth percentiles and ratios of medians", () => {
    assert.equal(percentile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.9), 10);
    assert.deepEqual(RUN[2], {
        ...{ name: "crun", runs: 3, median: 12, p90: 30, ofFloor: 6, ofOurs: 4 },
    });
});

test("the report says of every goal whether it was met", () => {
    const results: Results = {
        host: ["Linux"],
        run: RUN,
        exec: RUN,
        memory: [
            {
                name: "ours",
                alone: { monitor: 150, first: 151 },
                among: { monitor: 50, first: 50 },
            },
        ],
    };
    const rows = reportText(results).split("## Goals")[1] ?? "";
    const met = [...rows.matchAll(/\| (yes|no) \|/g)].map(([, word]) => word);
    assert.deepEqual(met, ["yes", "yes", "yes", "yes", "yes", "no"]);
});

test("the chart has a bar for every figure and both pages' colours", () => {
    const chart = chartText([{ title: "run", figures: RUN }]);
    assert.equal(chart.match(/<rect /g)?.length, RUN.length);
    assert.match(chart, /prefers-color-scheme: dark/);
});
