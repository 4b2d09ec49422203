/** Figures as people read them. */
import type { ContainerState, Limits, Rootfs } from "../protocol";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Bytes with three figures at most: "512 B", "1.5 MiB", "100 MiB". */
export function formatBytes(bytes: number): string {
    let value = bytes;
    let unit = 0;
    while (unit < UNITS.length - 1 && value >= 999.5) {
        value /= 1024;
        unit++;
    }
    const digits = unit === 0 || value >= 99.95 ? 0 : 1;
    return `${value.toFixed(digits).replace(/\.0$/, "")} ${UNITS[unit] ?? ""}`;
}

/** A share of one core, as a percentage: 0.257 is "25.7%". */
export function formatCpu(cores: number): string {
    return `${(cores * 100).toFixed(1)}%`;
}

const SPANS: readonly (readonly [unit: string, seconds: number])[] = [
    ["year", 365 * 86400],
    ["month", 30 * 86400],
    ["week", 7 * 86400],
    ["day", 86400],
    ["hour", 3600],
    ["minute", 60],
    ["second", 1],
];

/** A span of time in its largest unit: "2 minutes"; less than a second is "an instant". */
export function formatSpan(milliseconds: number): string {
    const seconds = Math.floor(milliseconds / 1000);
    for (const [unit, length] of SPANS) {
        const count = Math.floor(seconds / length);
        if (count >= 1) {
            return `${count} ${unit}${count === 1 ? "" : "s"}`;
        }
    }
    return "an instant";
}

/**
 * How long ago something was: "2 minutes ago".
 *
 * @param time RFC 3339; returned as it is when it is not
 * @param now milliseconds since the epoch
 */
export function formatAgo(time: string, now: number): string {
    const then = Date.parse(time);
    if (Number.isNaN(then)) {
        return time;
    }
    return now - then < 1000 ? "just now" : `${formatSpan(now - then)} ago`;
}

/** Microseconds of cpu time: "0.35 s", "2 minutes". */
export function formatCpuTime(microseconds: number): string {
    const seconds = microseconds / 1e6;
    return seconds < 60 ? `${seconds.toFixed(2)} s` : formatSpan(seconds * 1000);
}

/** A state in a word or three: "running", "exited (137, SIGKILL)". */
export function formatState(state: ContainerState): string {
    switch (state.kind) {
        case "running":
        case "paused":
        case "created":
        case "lost":
        case "broken":
            return state.kind;
        case "exited": {
            const { exitCode, signal, oomKilled } = state.exit;
            const how = [exitCode, signal, oomKilled ? "out of memory" : null];
            return `exited (${how.filter((part) => part !== null).join(", ")})`;
        }
    }
}

/** A rootfs as `--rootfs` takes it; empty when it is not known. */
export function formatRootfs(rootfs: Rootfs | undefined): string {
    switch (rootfs?.kind) {
        case undefined:
            return "";
        case "host":
            return "host";
        case "directory":
            return rootfs.path;
        case "imported":
            return rootfs.name;
    }
}

/** A command as one would type it: quoted where a shell would need it. */
export function formatCommand(command: readonly string[]): string {
    return command
        .map((word) =>
            /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`,
        )
        .join(" ");
}

/** The limits that are set: "memory 100 MiB, cpu 0.5"; "none" when there are none. */
export function formatLimits(limits: Limits): string {
    const parts = [
        limits.memory === undefined ? [] : [`memory ${formatBytes(limits.memory)}`],
        limits.cpu === undefined ? [] : [`cpu ${limits.cpu}`],
        limits.cpuset === undefined ? [] : [`cpus ${limits.cpuset}`],
        limits.pids === undefined ? [] : [`pids ${limits.pids}`],
        limits.ioRead === undefined ? [] : [`read ${formatBytes(limits.ioRead)}/s`],
        limits.ioWrite === undefined ? [] : [`write ${formatBytes(limits.ioWrite)}/s`],
    ].flat();
    return parts.length === 0 ? "none" : parts.join(", ");
}
