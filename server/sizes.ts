/**
 * Sizes and shares as people write them. Used by everything that takes them as text (the command
 * line, the extension's input boxes), so it imports nothing: the protocol has numbers only.
 */

/** What {@link parseMemory} takes, for messages. */
export const MEMORY_FORM = 'a whole number with an optional K, M, G or T, for example "100M"';

/** What {@link parseCpu} takes, for messages. */
export const CPU_FORM = 'a decimal number of cores, at least 0.01, for example "0.5"';

/** The least memory a container can be given, in bytes: less kills its own start. */
export const MEMORY_MINIMUM = 4 * 1024 * 1024;

/** What a number of bytes a second is, for messages. */
export const RATE_FORM = 'bytes a second, with an optional K, M, G or T, for example "10M"';

/** The least of them: one page a second. */
export const RATE_MINIMUM = 4096;

/** The least share of a core: the kernel's smallest quota, 1 ms in each period of 100 ms. */
export const CPU_MINIMUM = 0.01;

/** More cores than any kernel runs on (NR_CPUS is 8192 at most). */
export const CPU_MAXIMUM = 8192;

const BINARY_EXPONENTS: Record<string, number> = { "": 0, K: 1, M: 2, G: 3, T: 4 };

/**
 * Bytes of a size like "100M", "64kib" or "1048576"; undefined when it is none or is too large to
 * be exact. The unit is binary, in either case, with an optional "B" or "iB" after it.
 */
export function parseMemory(text: string): number | undefined {
    const match = /^([0-9]+)(?:([KMGT])(?:i?B)?|B)?$/i.exec(text);
    if (match === null) {
        return undefined;
    }
    const [, digits = "", unit = ""] = match;
    const bytes = Number(digits) * 1024 ** (BINARY_EXPONENTS[unit.toUpperCase()] ?? 0);
    return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Cores of a decimal like "0.5" or "2"; undefined when it is none or out of range. */
export function parseCpu(text: string): number | undefined {
    if (!/^([0-9]+(\.[0-9]+)?|\.[0-9]+)$/.test(text)) {
        return undefined;
    }
    const cores = Number(text);
    return cores >= CPU_MINIMUM && cores <= CPU_MAXIMUM ? cores : undefined;
}
