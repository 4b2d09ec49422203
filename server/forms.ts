/**
 * The forms that values have: text, numbers, paths, and what containers are made of. Each refuses
 * with what it takes, as the end of the sentence "FIELD: VALUE is not …".
 */
import * as z from "zod/mini";
import { signalNumber } from "./sessions/signals";
import { CPU_MAXIMUM, CPU_MINIMUM, MEMORY_MINIMUM, RATE_MINIMUM } from "./sizes";

/** A parameter's schema refuses with this text: what the parameter takes. */
type Expected = string;

/** Longest path that the kernel takes, without its NUL (PATH_MAX). */
const PATH_LENGTH = 4095;

/** Longest single argument that execve(2) takes, in bytes (MAX_ARG_STRLEN less its NUL). */
const ARGUMENT_BYTES = 128 * 1024 - 1;

/** All arguments together, and the whole environment (native/README.md), in bytes. */
const STRINGS_BYTES = 1024 * 1024;

/** Most cpus and processes that a kernel can be built for (NR_CPUS, PID_MAX_LIMIT). */
const CPU_COUNT = CPU_MAXIMUM;
const PIDS_MAXIMUM = 4_194_304;

/** A string that matches; strings with a NUL never do. */
export function text(
    expected: Expected,
    matches: (value: string) => boolean,
): z.ZodMiniType<string> {
    return z
        .string({ error: expected })
        .check(z.refine((value) => !value.includes("\0") && matches(value), { error: expected }));
}

export function pattern(expected: Expected, regex: RegExp): z.ZodMiniType<string> {
    return text(expected, (value) => regex.test(value));
}

export function wholeNumber(
    expected: Expected,
    least: number,
    most: number,
): z.ZodMiniType<number> {
    return z
        .int({ error: expected })
        .check(z.minimum(least, { error: expected }), z.maximum(most, { error: expected }));
}

export function realNumber(expected: Expected, least: number, most: number): z.ZodMiniType<number> {
    return z
        .number({ error: expected })
        .check(z.minimum(least, { error: expected }), z.maximum(most, { error: expected }));
}

/** Absolute and without `..`, so that it means what it says. */
export function absolutePath(expected: Expected): z.ZodMiniType<string> {
    return text(
        expected,
        (value) =>
            value.startsWith("/") &&
            Buffer.byteLength(value) <= PATH_LENGTH &&
            !value.split("/").includes(".."),
    );
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/;
const NAME_FORM =
    'a name: a letter or digit, then at most 62 letters, digits, "_", "." or "-", for example "web-1"';

/** A container's name; 12 hex digits would be taken for an id. */
export const containerName = text(
    `${NAME_FORM}; not 12 hex digits, which would be taken for an id`,
    (value) => NAME.test(value) && !/^[0-9a-f]{12}$/.test(value),
);

export const rootfsName = pattern(NAME_FORM, NAME);

export const container = text(
    "a container's id, the beginning of one, or a name",
    (value) => value.length > 0 && value.length <= 63,
);

export const rootfs = z.discriminatedUnion(
    "kind",
    [
        z.strictObject({ kind: z.literal("host") }),
        z.strictObject({
            kind: z.literal("directory"),
            path: absolutePath('the absolute path of a directory without "..", like "/srv/debian"'),
        }),
        z.strictObject({ kind: z.literal("imported"), name: rootfsName }),
    ],
    { error: '{"kind": "host"}, "directory" with a path, or "imported" with a name' },
);

/** Each range of a cpuset(7) list has its ends in order. */
function isCpuList(value: string): boolean {
    return value.split(",").every((range) => {
        const match = /^([0-9]{1,4})(?:-([0-9]{1,4}))?$/.exec(range);
        const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
        return match !== null && first <= last && last < CPU_COUNT;
    });
}

const CPU_EXPECTED = `a number of cores from ${CPU_MINIMUM} to ${CPU_MAXIMUM}, for example 0.5`;

const rate = wholeNumber(
    `a whole number of bytes a second, at least ${RATE_MINIMUM} (4K), for example 10485760 (10M)`,
    RATE_MINIMUM,
    Number.MAX_SAFE_INTEGER,
);

const limit = {
    memory: wholeNumber(
        `a whole number of bytes, at least ${MEMORY_MINIMUM} (4M), for example 104857600 (100M)`,
        MEMORY_MINIMUM,
        Number.MAX_SAFE_INTEGER,
    ),
    cpu: realNumber(CPU_EXPECTED, CPU_MINIMUM, CPU_MAXIMUM),
    cpuset: text('a list of cpus, for example "0-1,3"', isCpuList),
    pids: wholeNumber("a whole number of processes, at least 1", 1, PIDS_MAXIMUM),
    ioRead: rate,
    ioWrite: rate,
};

export const limits = z.strictObject({
    memory: z.optional(limit.memory),
    cpu: z.optional(limit.cpu),
    cpuset: z.optional(limit.cpuset),
    pids: z.optional(limit.pids),
    ioRead: z.optional(limit.ioRead),
    ioWrite: z.optional(limit.ioWrite),
});

/** Limits to be changed; null is none. */
export const limitChanges = z
    .strictObject({
        memory: z.optional(z.nullable(limit.memory)),
        cpu: z.optional(z.nullable(limit.cpu)),
        cpuset: z.optional(z.nullable(limit.cpuset)),
        pids: z.optional(z.nullable(limit.pids)),
        ioRead: z.optional(z.nullable(limit.ioRead)),
        ioWrite: z.optional(z.nullable(limit.ioWrite)),
    })
    .check(
        z.refine((changes) => Object.keys(changes).length > 0, {
            error: "an object with at least one limit",
        }),
    );

/** One label of a domain name, or several with dots between (RFC 1123); 64 is the kernel's limit. */
export const hostname = text(
    'a host name: letters, digits and "-", in parts with "." between, at most 64 characters',
    (value) =>
        value.length <= 64 &&
        value
            .split(".")
            .every((label) => /^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/.test(label)),
);

export const ENV_KEY_FORM =
    'a variable\'s name: letters, digits and "_", not beginning with a digit';

/** Bytes that strings take, each with the `extra` ones around it. */
function bytesOf(strings: string[], extra: number): number {
    return strings.reduce((sum, each) => sum + Buffer.byteLength(each) + extra, 0);
}

const ENV_KEY = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/;

function isObject(value: unknown): boolean {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** By hand, as z.record() passes over a variable of the name `__proto__` without a word. */
const checkVariables = z.check<Record<string, unknown>>(({ value, issues }) => {
    for (const [key, text] of Object.entries(value)) {
        if (!ENV_KEY.test(key)) {
            issues.push({
                code: "invalid_key",
                origin: "record",
                issues: [],
                input: key,
                path: [key],
            });
        } else if (typeof text !== "string" || text.includes("\0")) {
            issues.push({ code: "custom", message: "text without NUL", input: text, path: [key] });
        }
    }
});

export const env: z.ZodMiniType<Record<string, string>> = z
    .custom<Record<string, string>>(isObject, {
        error: "an object of variables, each with its value as text",
        abort: true,
    })
    .check(
        checkVariables,
        z.refine((value) => bytesOf(Object.entries(value).flat(), 1) <= STRINGS_BYTES, {
            error: "an environment of at most 1 MiB",
        }),
        z.refine(
            (value) =>
                Object.entries(value).every((entry) => bytesOf(entry, 1) <= ARGUMENT_BYTES + 1),
            { error: "an environment of variables below 128 KiB each" },
        ),
    );

export const command = z
    .array(
        text(
            "text without NUL, below 128 KiB",
            (value) => Buffer.byteLength(value) <= ARGUMENT_BYTES,
        ),
        { error: "a list: the program, then its arguments" },
    )
    .check(
        z.refine((words) => words.length === 0 || words[0] !== "", {
            error: "a list that begins with the name of a program",
        }),
        z.refine((words) => bytesOf(words, 9) <= STRINGS_BYTES, {
            error: "a command of at most 1 MiB",
        }),
    );

/** Of one more command, which must be there. */
export const presentCommand = command.check(
    z.refine((words) => words.length > 0, { error: "a list of at least the program" }),
);

export const workdir = absolutePath(
    'an absolute path in the container without "..", like "/srv/app"',
);

const USER_PART = "(?:[a-zA-Z_][a-zA-Z0-9_.-]{0,31}|0|[1-9][0-9]{0,4})";

/** Numbers are below 65536, the size of a container's range; native/command.h resolves names. */
export const user = text(
    'USER or USER:GROUP, names or numbers up to 65535, for example "www-data" or "1000:1000"',
    (value) =>
        new RegExp(`^${USER_PART}(?::${USER_PART})?$`).test(value) &&
        value.split(":").every((part) => !/^[0-9]+$/.test(part) || Number(part) <= 65535),
);

export const volume = z.strictObject({
    source: absolutePath('an absolute path on this computer without ".."'),
    target: absolutePath('an absolute path in the container without "..", and not "/"').check(
        z.refine((value) => /[^/.]|\.[^/]/.test(value), {
            error: 'a path in the container other than "/"',
        }),
    ),
    mode: z.enum(["ro", "rw", "cow"], { error: '"ro", "rw" or "cow"' }),
});

export const flag = z.boolean({ error: "true or false" });

const TERMINAL_FORM = "a number from 1 to 65535";

export const terminalShape = {
    rows: wholeNumber(TERMINAL_FORM, 1, 65535),
    columns: wholeNumber(TERMINAL_FORM, 1, 65535),
};
export const terminal = z.strictObject(terminalShape);

/** Named by the client; unique among its streams. */
export const token = text("a token of 1 to 128 characters", (v) => v.length > 0 && v.length <= 128);

export const signal = text(
    'a signal, for example "SIGHUP", "HUP" or "1"',
    (value) => signalNumber(value) !== undefined,
);
