/** test/bench/results.md: what one run of the benchmark has seen. */
import type { Figures } from "./figures";
import { CONTAINERS, type Memory } from "./memory";

export interface Results {
    /** Names and versions: of the kernel and the processor, and of each contender. */
    host: string[];
    run: Figures[];
    exec: Figures[];
    memory: Memory[];
}

/** A goal, and what came of it. */
interface Goal {
    text: string;
    value: number;
    /** What the value is to be at most or at least. */
    bound: { most: number } | { least: number };
    unit: string;
}

function goals({ run, exec, memory }: Results): Goal[] {
    const ratio = (figures: Figures[], name: string, of: "ofFloor" | "ofOurs"): number =>
        figures.find((each) => each.name === name)?.[of] ?? NaN;
    const ours = memory.find(({ name }) => name === "ours")?.alone;
    const idle = ours === undefined ? NaN : ours.monitor + ours.first;
    const atLeast = (text: string, value: number, least: number): Goal => ({
        ...{ text, value, bound: { least }, unit: "×" },
    });
    const atMost = (text: string, value: number, most: number, unit: string): Goal => ({
        ...{ text, value, bound: { most }, unit },
    });
    return [
        atMost("run: ours against the floor", ratio(run, "ours", "ofFloor"), 1.6, "×"),
        atLeast("run: crun against ours", ratio(run, "crun", "ofOurs"), 2.5),
        atLeast("run: runc against ours", ratio(run, "runc", "ofOurs"), 7),
        atLeast("exec: crun against ours", ratio(exec, "crun", "ofOurs"), 3.5),
        atLeast("exec: runc against ours", ratio(exec, "runc", "ofOurs"), 10),
        atMost("an idle container's memory", idle, 300, "KiB"),
    ];
}

function table(head: string[], rows: string[][]): string {
    const line = (cells: string[]): string => `| ${cells.join(" | ")} |`;
    const rule = head.map((_, index) => (index === 0 ? "---" : "---:"));
    return [line(head), line(rule), ...rows.map(line)].join("\n");
}

function timeTable(figures: Figures[]): string {
    const rows = figures.map(({ name, runs, median, p90, ofFloor, ofOurs }) => [
        name,
        median.toFixed(2),
        p90.toFixed(2),
        ofFloor.toFixed(2),
        ofOurs.toFixed(2),
        String(runs),
    ]);
    return table(["", "median ms", "p90 ms", "× floor", "× ours", "runs"], rows);
}

function goalTable(results: Results): string {
    const rows = goals(results).map(({ text, value, bound, unit }) => {
        const wanted = "most" in bound ? `≤ ${bound.most}` : `≥ ${bound.least}`;
        const met = "most" in bound ? value <= bound.most : value >= bound.least;
        return [text, `${wanted} ${unit}`, `${value.toFixed(2)} ${unit}`, met ? "yes" : "no"];
    });
    return table(["", "goal", "seen", "met"], rows);
}

function memoryTable(memory: Memory[]): string {
    const rows = memory.map(({ name, alone, among }) => [
        name,
        ...[alone.monitor, alone.first, alone.monitor + alone.first].map((size) => size.toFixed(0)),
        (among.monitor + among.first).toFixed(0),
    ]);
    const head = ["KiB", "monitor", "init", "together", `one of ${CONTAINERS}`];
    return table(head, rows);
}

/** The whole text of results.md. */
export function reportText(results: Results): string {
    return `# Results of \`npm run bench\`

Written by the benchmark; how it measures stands in ARCHITECTURE.md under "Speed". Absolute times are
this machine's, ratios travel better.

${results.host.map((line) => `* ${line}`).join("\n")}

## Run: from nothing to nothing

Start to reaped of a container whose command is a static \`true\`: until every process that was started for it has
ended, ours after it has recorded the exit and removed what it made.

${timeTable(results.run)}

## Exec: one more command in a running container

${timeTable(results.exec)}

## Memory of an idle container

Proportional set size of what stays beside the payload: for one container alone, and for each of several. crun leaves
nothing but the payload; conmon is its monitor, as it is podman's.

${memoryTable(results.memory)}

## Goals

${goalTable(results)}
`;
}
