/**
 * The values of options, from what was typed to what the protocol carries. A value that is not
 * understood is refused with the option's name, the value and an example, before anything is asked
 * of the backend.
 */
import { resolve } from "node:path";
import type { Rootfs, Volume } from "../protocol";
import {
    CPU_FORM,
    MEMORY_FORM,
    MEMORY_MINIMUM,
    parseCpu,
    parseMemory,
    RATE_FORM,
    RATE_MINIMUM,
} from "../sizes";
import { CliError } from "./errors";

/**
 * Ends in an error that names the option and what was given.
 *
 * @param fault what is wrong with the value
 * @param takes what the option takes, with an example
 */
function refuse(option: string, value: string, fault: string, takes: string): never {
    throw new CliError(`${option}: ${JSON.stringify(value)} is ${fault}; give ${takes}`);
}

/** What clears a limit. */
export const NONE = "max";

/** A limit of memory in bytes. */
export function parseMemoryLimit(option: string, value: string): number {
    const bytes = parseMemory(value);
    if (bytes === undefined || bytes < MEMORY_MINIMUM) {
        const fault = bytes === undefined ? "not a size" : `less than ${MEMORY_MINIMUM / 2 ** 20}M`;
        refuse(option, value, fault, MEMORY_FORM);
    }
    return bytes;
}

/** A limit of reading or writing, in bytes a second. */
export function parseRate(option: string, value: string): number {
    const bytes = parseMemory(value);
    if (bytes === undefined || bytes < RATE_MINIMUM) {
        const fault = bytes === undefined ? "not a size" : `less than ${RATE_MINIMUM / 1024}K`;
        refuse(option, value, fault, RATE_FORM);
    }
    return bytes;
}

/** A number of cores. */
export function parseCpuLimit(option: string, value: string): number {
    return parseCpu(value) ?? refuse(option, value, "not a share of the processors", CPU_FORM);
}

/** A list of cpus, as cpuset(7) has it. */
export function parseCpuset(option: string, value: string): string {
    if (!/^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$/.test(value)) {
        refuse(option, value, "not a list of cpus", 'numbers and ranges, for example "0-1,3"');
    }
    return value;
}

/** A whole number from `least` on. */
export function parseCount(option: string, value: string, least: number): number {
    const count = /^[0-9]+$/.test(value) ? Number(value) : NaN;
    if (!(Number.isSafeInteger(count) && count >= least)) {
        refuse(option, value, "not a count", `a whole number of at least ${least}`);
    }
    return count;
}

/** `KEY=VALUE`, added to those before. */
export function parseEnv(
    option: string,
    value: string,
    before: Record<string, string> = {},
): Record<string, string> {
    const split = value.indexOf("=");
    if (split < 1) {
        refuse(option, value, "not a variable", 'KEY=VALUE, for example "LANG=C.UTF-8"');
    }
    return { ...before, [value.slice(0, split)]: value.slice(split + 1) };
}

function isMode(mode: string): mode is Volume["mode"] {
    return mode === "ro" || mode === "rw" || mode === "cow";
}

/**
 * `SRC:DST[:ro|rw|cow]`, added to those before; SRC may be relative to here, rw is the default. A
 * colon that belongs to a path has a backslash before it.
 */
export function parseVolume(option: string, value: string, before: Volume[] = []): Volume[] {
    const parts = value.split(/(?<!\\):/).map((part) => part.replaceAll("\\:", ":"));
    const [source, target, mode = "rw", ...rest] = parts;
    if (!source || !target?.startsWith("/") || !isMode(mode) || rest.length > 0) {
        const takes =
            'SRC:DST[:ro|rw|cow] with an absolute DST, for example "./src:/work:ro", ' +
            "and \\: for each : in a path";
        refuse(option, value, "not a volume", takes);
    }
    return [...before, { source: resolve(source), target, mode }];
}

/** "host", a directory (anything with a slash, "." and ".."), or the name of an imported one. */
export function parseRootfs(option: string, value: string): Rootfs {
    if (value === "") {
        refuse(
            option,
            value,
            "not a rootfs",
            'a directory, the name of an imported one, or "host"',
        );
    }
    if (value === "host") {
        return { kind: "host" };
    }
    if (value.includes("/") || value === "." || value === "..") {
        return { kind: "directory", path: resolve(value) };
    }
    return { kind: "imported", name: value };
}
