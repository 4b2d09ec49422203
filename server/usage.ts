/**
 * What one container uses, from the files of its cgroups: of v1, v2 or some of each.
 */
import { closeSync, existsSync, openSync, readdirSync, readSync } from "node:fs";
import path from "node:path";

import { CGROUP_PARENT, type CgroupLayout } from "./cgroup";
import type { ContainerId, Pressure, Usage } from "./protocol";

/** Figures of a {@link Usage} that are read and not computed from two readings. */
export type Reading = Omit<Usage, "cpu">;

/** Raw figures on their way to a {@link Reading}; what a file did not give stays undefined. */
interface Figures extends Partial<Omit<Reading, "time" | "memory">> {
    memoryUsage?: number;
    inactiveFile?: number;
}

interface FigureFile {
    /** v1: the mount's controller; v2: "cgroup2". */
    hierarchy: string;
    file: string;
    parse: (text: string, figures: Figures) => void;
}

/** Reads `key value` of a flat keyed file. */
function keyed(text: string, key: string): number | undefined {
    const needle = `${key} `;
    let start = text.startsWith(needle) ? 0 : text.indexOf(`\n${needle}`) + 1;
    if (start === 0 && !text.startsWith(needle)) {
        return undefined;
    }
    start += needle.length;
    const end = text.indexOf("\n", start);
    return number(text.slice(start, end < 0 ? undefined : end));
}

function number(text: string): number | undefined {
    const value = text.trim() === "" ? NaN : Number(text);
    return Number.isFinite(value) ? value : undefined;
}

/** A limit; "max" and v1's number for it, the largest page-aligned 63-bit one, are no limit. */
function limit(text: string): number | undefined {
    const value = number(text);
    return value !== undefined && value < 2 ** 62 ? value : undefined;
}

function divided(value: number | undefined, divisor: number): number | undefined {
    return value === undefined ? undefined : Math.round(value / divisor);
}

/**
 * True for a device that is made of others (device-mapper, RAID), by its numbers: what goes through
 * it is counted once more for each of those.
 */
function isMadeOfOthers(device: string): boolean {
    let known = madeOfOthers.get(device);
    if (known === undefined) {
        const slaves = `/sys/dev/block/${device}/slaves`;
        known = existsSync(slaves) && readdirSync(slaves).length > 0;
        madeOfOthers.set(device, known);
    }
    return known;
}

const madeOfOthers = new Map<string, boolean>();

/** Sums a pattern's second group over the devices that its first names. */
function summed(text: string, pattern: RegExp): number {
    let sum = 0;
    for (const [, device = "", bytes] of text.matchAll(pattern)) {
        sum += isMadeOfOthers(device) ? 0 : Number(bytes);
    }
    return sum;
}

/** The shares of the last 10 s of a pressure file; undefined when it has none. */
function pressureOf(text: string): Pressure | undefined {
    const share = (kind: string) => {
        const match = new RegExp(`^${kind} avg10=([0-9.]+)`, "m").exec(text);
        return match === null ? undefined : Number(match[1]);
    };
    const [some, full] = [share("some"), share("full")];
    return some === undefined ? undefined : { some, full };
}

/** A pressure file, which no controller has to be there for. */
function pressureFile(resource: keyof NonNullable<Usage["pressure"]>): FigureFile {
    return {
        hierarchy: "cgroup2",
        file: `${resource}.pressure`,
        parse: (text, figures) => {
            const pressure = pressureOf(text);
            if (pressure !== undefined) {
                figures.pressure = { ...figures.pressure, [resource]: pressure };
            }
        },
    };
}

/** Those that count the periods of a limit, of v1 and of v2. */
function parsePeriods(text: string, figures: Figures): void {
    figures.cpuPeriods = keyed(text, "nr_periods");
    figures.throttledPeriods = keyed(text, "nr_throttled");
}

const PIDS_FILES: Omit<FigureFile, "hierarchy">[] = [
    { file: "pids.current", parse: (text, figures) => (figures.pids = number(text)) },
    { file: "pids.max", parse: (text, figures) => (figures.pidsLimit = limit(text)) },
];

/** By controller of v2: the files of each generation. */
const FILES: Record<string, { v1: FigureFile[]; v2: Omit<FigureFile, "hierarchy">[] }> = {
    cpu: {
        v1: [
            {
                hierarchy: "cpuacct",
                file: "cpuacct.usage",
                parse: (text, figures) => (figures.cpuUsageUsec = divided(number(text), 1000)),
            },
            {
                hierarchy: "cpu",
                file: "cpu.stat",
                parse: (text, figures) => {
                    figures.throttledUsec = divided(keyed(text, "throttled_time"), 1000);
                    parsePeriods(text, figures);
                },
            },
        ],
        v2: [
            {
                file: "cpu.stat",
                parse: (text, figures) => {
                    figures.cpuUsageUsec = keyed(text, "usage_usec");
                    figures.throttledUsec = keyed(text, "throttled_usec");
                    parsePeriods(text, figures);
                },
            },
        ],
    },
    memory: {
        v1: [
            {
                hierarchy: "memory",
                file: "memory.usage_in_bytes",
                parse: (text, figures) => (figures.memoryUsage = number(text)),
            },
            {
                hierarchy: "memory",
                file: "memory.stat",
                parse: (text, figures) =>
                    (figures.inactiveFile = keyed(text, "total_inactive_file")),
            },
            {
                hierarchy: "memory",
                file: "memory.limit_in_bytes",
                parse: (text, figures) => (figures.memoryLimit = limit(text)),
            },
            {
                hierarchy: "memory",
                file: "memory.max_usage_in_bytes",
                parse: (text, figures) => (figures.memoryPeak = number(text)),
            },
            {
                hierarchy: "memory",
                file: "memory.oom_control",
                parse: (text, figures) => (figures.oomKills = keyed(text, "oom_kill")),
            },
        ],
        v2: [
            {
                file: "memory.current",
                parse: (text, figures) => (figures.memoryUsage = number(text)),
            },
            {
                file: "memory.stat",
                parse: (text, figures) => (figures.inactiveFile = keyed(text, "inactive_file")),
            },
            { file: "memory.max", parse: (text, figures) => (figures.memoryLimit = limit(text)) },
            { file: "memory.peak", parse: (text, figures) => (figures.memoryPeak = number(text)) },
            {
                file: "memory.events",
                parse: (text, figures) => (figures.oomKills = keyed(text, "oom_kill")),
            },
        ],
    },
    pids: {
        v1: PIDS_FILES.map((entry) => ({ ...entry, hierarchy: "pids" })),
        v2: PIDS_FILES,
    },
    io: {
        v1: [
            {
                hierarchy: "blkio",
                file: "blkio.throttle.io_service_bytes_recursive",
                parse: (text, figures) => {
                    // Without a device there was no io, or, on newer kernels, nobody counts it.
                    if (/^\d+:\d+ /.test(text)) {
                        figures.ioReadBytes = summed(text, /^(\d+:\d+) Read (\d+)$/gm);
                        figures.ioWriteBytes = summed(text, /^(\d+:\d+) Write (\d+)$/gm);
                    }
                },
            },
        ],
        v2: [
            {
                file: "io.stat",
                parse: (text, figures) => {
                    figures.ioReadBytes = summed(text, /^(\d+:\d+) .*\brbytes=(\d+)/gm);
                    figures.ioWriteBytes = summed(text, /^(\d+:\d+) .*\bwbytes=(\d+)/gm);
                },
            },
        ],
    },
};

/** The files that a container's figures are in on this host. */
function figureFiles(layout: CgroupLayout): FigureFile[] {
    const pressure = (["cpu", "memory", "io"] as const).map(pressureFile);
    const ofControllers = Object.entries(FILES).flatMap(([controller, files]) => {
        const place = layout.controllers[controller];
        if (place === "v1") {
            return files.v1;
        }
        return place === "v2" ? files.v2.map((entry) => ({ ...entry, hierarchy: "cgroup2" })) : [];
    });
    return [...ofControllers, ...pressure];
}

// One buffer serves all readers: every read is synchronous and parsed before the next.
const buffer = Buffer.allocUnsafe(64 * 1024);

/**
 * Reads the usage of one container, again and again. Files are opened once: kernfs makes their text
 * anew on every read at offset 0, and an open, read, close costs six times a read. Reads are
 * synchronous: these files are in memory, and a thread pool hop costs more than they do.
 */
export class UsageReader {
    readonly #files: { fd: number; parse: FigureFile["parse"] }[] = [];

    /** Opens what there is; a container without any cgroup yields a reader of nothing. */
    constructor(layout: CgroupLayout, id: ContainerId) {
        for (const { hierarchy, file, parse } of figureFiles(layout)) {
            const root = hierarchy === "cgroup2" ? layout.unified : layout.legacy[hierarchy];
            if (root === undefined) {
                continue;
            }
            try {
                const fd = openSync(path.join(root, CGROUP_PARENT, id, file), "r");
                this.#files.push({ fd, parse });
            } catch (error) {
                if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
                    this.close();
                    throw error;
                }
            }
        }
    }

    /** The figures now, or undefined when the container's cgroups are gone. */
    read(): Reading | undefined {
        const figures: Figures = {};
        let anything = false;
        for (const { fd, parse } of this.#files) {
            try {
                const length = readSync(fd, buffer, 0, buffer.length, 0);
                parse(buffer.toString("latin1", 0, length), figures);
                anything = true;
            } catch (error) {
                // ENODEV: this cgroup was removed. EOPNOTSUPP: the kernel has the file and no figure.
                const { code } = error as NodeJS.ErrnoException;
                if (code !== "ENODEV" && code !== "EOPNOTSUPP") {
                    throw error;
                }
            }
        }
        return anything ? reading(figures) : undefined;
    }

    /** Closes the files; reading afterwards gives nothing. */
    close(): void {
        for (const { fd } of this.#files.splice(0)) {
            closeSync(fd);
        }
    }
}

function reading({ memoryUsage, inactiveFile, ...figures }: Figures): Reading {
    const memory =
        memoryUsage === undefined ? undefined : Math.max(0, memoryUsage - (inactiveFile ?? 0));
    return { time: Date.now(), ...figures, memory };
}

/** The usage of one container once, or undefined when it has no cgroup. */
export function readUsage(layout: CgroupLayout, id: ContainerId): Reading | undefined {
    const reader = new UsageReader(layout, id);
    try {
        return reader.read();
    } finally {
        reader.close();
    }
}
