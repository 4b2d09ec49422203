/** Figures as text. Knows nothing of VS Code. */

/** As wide as a digit, where a plain space is not: what is padded with it does not jump. */
export const FIGURE_SPACE = "\u2007";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const BLOCKS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/** `text`, right-aligned in a column of so many digits. */
export function padFigure(text: string, width: number): string {
    return text.padStart(width, FIGURE_SPACE);
}

/** One decimal below 100, none from there on: never more than four characters below 10,000. */
function shortNumber(value: number): string {
    return value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}

/** @param cores in use, 1 = one core; "12.3%" */
export function formatCpu(cores: number): string {
    return `${shortNumber(cores * 100)}%`;
}

/** The largest unit in which so many bytes are at least 1, as its exponent of 1024. */
function unitOf(bytes: number): number {
    let exponent = 0;
    // 1023.95 would be printed as "1024".
    for (let rest = bytes; rest >= 1023.5 && exponent < UNITS.length - 1; rest /= 1024) {
        exponent += 1;
    }
    return exponent;
}

function inUnit(bytes: number, exponent: number): string {
    return exponent === 0 ? bytes.toFixed(0) : shortNumber(bytes / 1024 ** exponent);
}

/** "45.1 MiB" */
export function formatBytes(bytes: number): string {
    const exponent = unitOf(bytes);
    return `${inUnit(bytes, exponent)} ${UNITS[exponent] ?? ""}`;
}

/** "100 MiB", "1.5 GiB": a figure that a person chose, without a needless ".0". */
export function formatLimit(bytes: number): string {
    return formatBytes(bytes).replace(".0 ", " ");
}

/** "100M": bytes as they are typed, in the largest unit that leaves no fraction. */
export function sizeText(bytes: number): string {
    const units = ["", "K", "M", "G", "T"];
    let value = bytes;
    let unit = 0;
    while (unit < units.length - 1 && value > 0 && value % 1024 === 0) {
        value /= 1024;
        unit++;
    }
    return `${value}${units[unit] ?? ""}`;
}

/** "45.1 / 100 MiB", both in the limit's unit, or "45.1 MiB" without a limit. */
export function formatMemory(bytes: number, limit: number | undefined): string {
    if (limit === undefined) {
        return formatBytes(bytes);
    }
    return `${inUnit(bytes, unitOf(limit))} / ${formatLimit(limit)}`;
}

/** "4 s", "12 min", "3 h 20 min", "5 d 2 h" */
export function formatDuration(milliseconds: number): string {
    const seconds = Math.max(0, Math.floor(milliseconds / 1000));
    const minutes = Math.floor(seconds / 60);
    const hours = Math.floor(minutes / 60);
    const days = Math.floor(hours / 24);
    if (days > 0) {
        return withRest(`${days} d`, hours % 24, "h");
    }
    if (hours > 0) {
        return withRest(`${hours} h`, minutes % 60, "min");
    }
    return minutes > 0 ? `${minutes} min` : `${seconds} s`;
}

function withRest(whole: string, rest: number, unit: string): string {
    return rest > 0 ? `${whole} ${rest} ${unit}` : whole;
}

/**
 * A bar of text.
 * @param fraction 0 to 1; what is beyond is drawn as full
 */
export function bar(fraction: number, width: number): string {
    const clamped = Math.min(1, Math.max(0, fraction));
    // Something in use is shown as something.
    const filled = clamped > 0 ? Math.max(1, Math.round(clamped * width)) : 0;
    return "█".repeat(filled) + "░".repeat(width - filled);
}

/**
 * One block a value, the height relative to `top`.
 * @param values an absent one is a gap
 */
export function sparkline(values: readonly (number | undefined)[], top: number): string {
    return values
        .map((value) => {
            if (value === undefined) {
                return " ";
            }
            const height = top > 0 ? Math.round((value / top) * (BLOCKS.length - 1)) : 0;
            return BLOCKS[Math.min(BLOCKS.length - 1, Math.max(0, height))] ?? "";
        })
        .join("");
}

function highest(values: readonly (number | undefined)[]): number {
    return Math.max(0, ...values.filter((value) => value !== undefined));
}

/** The top of a graph of cores: the limit, or else a whole core or what is more. */
export function cpuTop(values: readonly (number | undefined)[], limit: number | undefined): number {
    return limit ?? Math.max(1, highest(values));
}

/** The top of a graph of bytes: the limit, or else with some room above the most. */
export function memoryTop(
    values: readonly (number | undefined)[],
    limit: number | undefined,
): number {
    return limit ?? 1.5 * highest(values);
}

/** A command as one line that a shell would read the same way. */
export function formatCommand(command: readonly string[]): string {
    return command
        .map((word) =>
            /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`,
        )
        .join(" ");
}
