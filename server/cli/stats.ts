/** `mcm stats`: what running containers use, refreshed in place on a terminal. */
import {
    DidChangeNotification,
    ListRequest,
    StatsNotification,
    StatsSubscribeRequest,
    type ContainerId,
    type StatsSample,
    type Usage,
} from "../protocol";
import type { Client } from "./client";
import type { Context, Io } from "./context";
import { EXIT } from "./errors";
import { formatBytes, formatCpu, formatCpuTime } from "./format";
import { untilInterrupted } from "./interrupt";
import { formatTable, type Column } from "./table";

/** Options of `mcm stats`. */
export interface StatsOptions {
    json?: boolean;
    once?: boolean;
}

/** Milliseconds between samples; for just one figure of cpu they need not lie that far apart. */
const INTERVAL = { live: 1000, once: 250 };

const COLUMNS: readonly Column[] = [
    { heading: "CONTAINER ID" },
    { heading: "NAME" },
    { heading: "CPU", align: "right" },
    { heading: "THROTTLED", align: "right" },
    { heading: "MEMORY", align: "right" },
    { heading: "LIMIT", align: "right" },
    { heading: "MEM", align: "right" },
    { heading: "PEAK", align: "right" },
    { heading: "PIDS", align: "right" },
    { heading: "DISK READ", align: "right" },
    { heading: "WRITTEN", align: "right" },
    { heading: "PRESSURE" },
];

type Names = ReadonlyMap<ContainerId, string>;

/** A running container in a sample; `mcm stats --json` prints them. */
interface Row extends Usage {
    id: ContainerId;
    name: string;
}

function rowsOf(sample: StatsSample, names: Names): Row[] {
    return Object.entries(sample.usage)
        .map(([id, usage]) => ({ id, name: names.get(id) ?? "", ...usage }))
        .sort((a, b) => a.name.localeCompare(b.name));
}

/** The table of one sample. */
export function statsTable(sample: StatsSample, names: Names): string {
    const rows = rowsOf(sample, names).map((row) => [
        row.id,
        row.name,
        figure(row.cpu, formatCpu),
        figure(row.throttledUsec, formatCpuTime),
        figure(row.memory, formatBytes),
        figure(row.memoryLimit, formatBytes),
        figure(row.memory && row.memoryLimit && row.memory / row.memoryLimit, formatCpu),
        figure(row.memoryPeak, formatBytes),
        figure(row.pids, String),
        figure(row.ioReadBytes, formatBytes),
        figure(row.ioWriteBytes, formatBytes),
        pressureCell(row),
    ]);
    return formatTable(COLUMNS, rows);
}

/** Percent of the last 10 s in which something waited for cpu, memory, io: "12/0/3". */
function pressureCell({ pressure }: Usage): string {
    const { cpu, memory, io } = pressure ?? {};
    const shares = [cpu, memory, io].map((each) => each?.some.toFixed(0) ?? "-");
    return pressure === undefined ? "" : shares.join("/");
}

/** The JSON line of one sample. */
export function statsLine(sample: StatsSample, names: Names): string {
    const { time, host } = sample;
    return `${JSON.stringify({ time, host, containers: rowsOf(sample, names) })}\n`;
}

function figure(value: number | undefined, format: (value: number) => string): string {
    return value === undefined ? "" : format(value);
}

/** `mcm stats`. */
export function stats({ json, once }: StatsOptions, context: Context): Promise<number> {
    return context.withClient(async (client) => {
        const screen = once || json ? undefined : Screen.on(context.io.stdout);
        const print = screen ? (text: string) => screen.show(text) : writer(context.io);
        const format = json ? statsLine : statsTable;
        const names = await followNames(client);
        let last: StatsSample | undefined;
        const done = new Promise<void>((resolve) => {
            client.onNotification(StatsNotification, (sample) => {
                // A figure of cpu needs two readings of the same container.
                if (once && !last && Object.values(sample.usage).some(isFirst)) {
                    last = sample;
                    return;
                }
                print(format(sample, names));
                if (once) {
                    resolve();
                }
            });
        });
        try {
            const intervalMs = once ? INTERVAL.once : INTERVAL.live;
            const subscribed = client.request(StatsSubscribeRequest, { intervalMs });
            const work = subscribed.then(() => client.orGone(done));
            await untilInterrupted(work, () => undefined);
        } finally {
            screen?.restore();
        }
        return EXIT.ok;
    });
}

function isFirst({ cpu }: Usage): boolean {
    return cpu === undefined;
}

function writer({ stdout }: Io): (text: string) => void {
    return (text) => stdout.write(text);
}

/** The names of all containers, kept current. */
async function followNames(client: Client): Promise<Names> {
    const names = new Map<ContainerId, string>();
    client.onNotification(DidChangeNotification, ({ changed, removed }) => {
        for (const { id, name } of changed) {
            names.set(id, name);
        }
        for (const id of removed) {
            names.delete(id);
        }
    });
    await client.hearChanges();
    for (const { id, name } of await client.ask(ListRequest)) {
        names.set(id, name);
    }
    return names;
}

/** A terminal whose screen is painted again and again. */
class Screen {
    private constructor(private readonly stdout: NodeJS.WriteStream) {
        // No wrapping, so that a line is a row; no cursor jumping about.
        stdout.write("\x1b[?7l\x1b[?25l\x1b[2J");
        process.once("exit", this.restore);
    }

    /** Takes the terminal over; undefined when the stream is none. */
    static on(stdout: NodeJS.WriteStream): Screen | undefined {
        return stdout.isTTY ? new Screen(stdout) : undefined;
    }

    /** Replaces what is on the screen, as much of it as fits. */
    show(text: string): void {
        const lines = text
            .trimEnd()
            .split("\n")
            .slice(0, this.stdout.rows - 1);
        this.stdout.write(`\x1b[H${lines.map((line) => `${line}\x1b[K\n`).join("")}\x1b[J`);
    }

    readonly restore = (): void => {
        process.off("exit", this.restore);
        this.stdout.write("\x1b[?7h\x1b[?25h");
    };
}
