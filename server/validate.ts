/**
 * The form of every parameter of every request: one zod schema for each, and one function that
 * turns a refusal into an error with the parameter's name, its value and what it takes.
 */
import * as z from "zod/mini";
import { invalid, type McmError } from "./errors";
import type {
    AttachParams,
    ClientHello,
    ContainerRef,
    ContainerSpec,
    ExecParams,
    KillParams,
    LogsParams,
    RemoveParams,
    RenameParams,
    RootfsImportParams,
    StatsSubscribeParams,
    StopParams,
} from "./protocol";
import { signalNumber } from "./sessions/signals";
import { CPU_MAXIMUM, CPU_MINIMUM, MEMORY_MINIMUM } from "./sizes";

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
function text(expected: Expected, matches: (value: string) => boolean): z.ZodMiniType<string> {
    return z
        .string({ error: expected })
        .check(z.refine((value) => !value.includes("\0") && matches(value), { error: expected }));
}

function pattern(expected: Expected, regex: RegExp): z.ZodMiniType<string> {
    return text(expected, (value) => regex.test(value));
}

function wholeNumber(expected: Expected, least: number, most: number): z.ZodMiniType<number> {
    return z
        .int({ error: expected })
        .check(z.minimum(least, { error: expected }), z.maximum(most, { error: expected }));
}

function realNumber(expected: Expected, least: number, most: number): z.ZodMiniType<number> {
    return z
        .number({ error: expected })
        .check(z.minimum(least, { error: expected }), z.maximum(most, { error: expected }));
}

/** Absolute and without `..`, so that it means what it says. */
function absolutePath(expected: Expected): z.ZodMiniType<string> {
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
const containerName = text(
    `${NAME_FORM}; not 12 hex digits, which would be taken for an id`,
    (value) => NAME.test(value) && !/^[0-9a-f]{12}$/.test(value),
);

const rootfsName = pattern(NAME_FORM, NAME);

const container = text(
    "a container's id, the beginning of one, or a name",
    (value) => value.length > 0 && value.length <= 63,
);

const rootfs = z.discriminatedUnion(
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

const limits = z.strictObject({
    memory: z.optional(
        wholeNumber(
            `a whole number of bytes, at least ${MEMORY_MINIMUM} (4M), for example 104857600 (100M)`,
            MEMORY_MINIMUM,
            Number.MAX_SAFE_INTEGER,
        ),
    ),
    cpu: z.optional(realNumber(CPU_EXPECTED, CPU_MINIMUM, CPU_MAXIMUM)),
    cpuset: z.optional(text('a list of cpus, for example "0-1,3"', isCpuList)),
    pids: z.optional(wholeNumber("a whole number of processes, at least 1", 1, PIDS_MAXIMUM)),
});

/** One label of a domain name, or several with dots between (RFC 1123); 64 is the kernel's limit. */
const hostname = text(
    'a host name: letters, digits and "-", in parts with "." between, at most 64 characters',
    (value) =>
        value.length <= 64 &&
        value
            .split(".")
            .every((label) => /^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/.test(label)),
);

const ENV_KEY_FORM = 'a variable\'s name: letters, digits and "_", not beginning with a digit';

/** Bytes that strings take, each with the `extra` ones around it. */
function bytesOf(strings: string[], extra: number): number {
    return strings.reduce((sum, each) => sum + Buffer.byteLength(each) + extra, 0);
}

const env = z
    .record(
        pattern(ENV_KEY_FORM, /^[A-Za-z_][A-Za-z0-9_]{0,254}$/),
        text("text without NUL", () => true),
        {
            error: "an object of variables, each with its value as text",
        },
    )
    .check(
        z.refine((value) => bytesOf(Object.entries(value).flat(), 1) <= STRINGS_BYTES, {
            error: "an environment of at most 1 MiB",
        }),
    );

const command = z
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
const presentCommand = command.check(
    z.refine((words) => words.length > 0, { error: "a list of at least the program" }),
);

const workdir = absolutePath('an absolute path in the container without "..", like "/srv/app"');

const USER_PART = "(?:[a-zA-Z_][a-zA-Z0-9_.-]{0,31}|0|[1-9][0-9]{0,4})";

/** Numbers are below 65536, the size of a container's range; native/command.h resolves names. */
const user = text(
    'USER or USER:GROUP, names or numbers up to 65535, for example "www-data" or "1000:1000"',
    (value) =>
        new RegExp(`^${USER_PART}(?::${USER_PART})?$`).test(value) &&
        value.split(":").every((part) => !/^[0-9]+$/.test(part) || Number(part) <= 65535),
);

const volume = z.strictObject({
    source: absolutePath('an absolute path on this computer without ".."'),
    target: absolutePath('an absolute path in the container without "..", and not "/"').check(
        z.refine((value) => /[^/.]|\.[^/]/.test(value), {
            error: 'a path in the container other than "/"',
        }),
    ),
    mode: z.enum(["ro", "rw", "cow"], { error: '"ro", "rw" or "cow"' }),
});

const flag = z.boolean({ error: "true or false" });

const TERMINAL_FORM = "a number from 1 to 65535";

const terminalShape = {
    rows: wholeNumber(TERMINAL_FORM, 1, 65535),
    columns: wholeNumber(TERMINAL_FORM, 1, 65535),
};
const terminal = z.strictObject(terminalShape);

/** Named by the client; unique among its streams. */
const token = text("a token of 1 to 128 characters", (v) => v.length > 0 && v.length <= 128);

const signal = text(
    'a signal, for example "SIGHUP", "HUP" or "1"',
    (value) => signalNumber(value) !== undefined,
);

export const clientHelloSchema: z.ZodMiniType<ClientHello> = z.object({
    protocolVersion: z.int({ error: "the protocol's version, a whole number" }),
    client: text("what the client calls itself, at most 64 characters", (v) => v.length <= 64),
});

export const containerSpecSchema: z.ZodMiniType<ContainerSpec> = z.strictObject({
    name: z.optional(containerName),
    rootfs: z.optional(rootfs),
    command: z.optional(command),
    limits: z.optional(limits),
    hostname: z.optional(hostname),
    env: z.optional(env),
    workdir: z.optional(workdir),
    user: z.optional(user),
    volumes: z.optional(z.array(volume).check(z.maxLength(256, { error: "at most 256 volumes" }))),
    interactive: z.optional(flag),
    tty: z.optional(flag),
    autoRemove: z.optional(flag),
});

export const nothingSchema: z.ZodMiniType<undefined> = z.undefined({ error: "nothing" });

export const containerRefSchema: z.ZodMiniType<ContainerRef> = z.strictObject({ container });

export const stopSchema: z.ZodMiniType<StopParams> = z.strictObject({
    container,
    graceSeconds: z.optional(realNumber("a number of seconds from 0 to 86400", 0, 86_400)),
});

export const killSchema: z.ZodMiniType<KillParams> = z.strictObject({
    container,
    signal: z.optional(signal),
});

export const removeSchema: z.ZodMiniType<RemoveParams> = z.strictObject({
    container,
    force: z.optional(flag),
});

export const renameSchema: z.ZodMiniType<RenameParams> = z.strictObject({
    container,
    name: containerName,
});

export const statsSubscribeSchema: z.ZodMiniType<StatsSubscribeParams> = z.strictObject({
    intervalMs: wholeNumber("a number of milliseconds from 250 to 60000", 250, 60_000),
});

export const logsSchema: z.ZodMiniType<LogsParams> = z.strictObject({
    container,
    tail: z.optional(wholeNumber("a whole number of lines", 0, Number.MAX_SAFE_INTEGER)),
    follow: z.optional(flag),
    token,
});

export const execSchema: z.ZodMiniType<ExecParams> = z.strictObject({
    container,
    command: presentCommand,
    env: z.optional(env),
    workdir: z.optional(workdir),
    user: z.optional(user),
    terminal: z.optional(terminal),
    token,
});

export const attachSchema: z.ZodMiniType<AttachParams> = z.strictObject({
    container,
    terminal: z.optional(terminal),
    token,
});

export const rootfsImportSchema: z.ZodMiniType<RootfsImportParams> = z.strictObject({
    name: rootfsName,
    source: absolutePath('the absolute path of a directory or tarball, without ".."'),
    token: z.optional(token),
});

export const rootfsRemoveSchema: z.ZodMiniType<{ name: string }> = z.strictObject({
    name: rootfsName,
});

export const sessionInputSchema = z.strictObject({
    token,
    data: pattern("base64", /^[A-Za-z0-9+/]*={0,2}$/),
});
export const sessionInputEndSchema = z.strictObject({ token });
export const sessionResizeSchema = z.strictObject({ token, ...terminalShape });
export const sessionSignalSchema = z.strictObject({ token, signal });
export const acknowledgeSchema = z.strictObject({
    token,
    bytes: wholeNumber("a whole number of bytes", 0, Number.MAX_SAFE_INTEGER),
});

/** The parameters, checked. Throws Invalid that names the first one that is refused. */
export function validate<Params>(schema: z.ZodMiniType<Params>, params: unknown): Params {
    const result = schema.safeParse(params, { reportInput: true });
    if (!result.success) {
        throw refusal(result.error.issues[0], params);
    }
    return result.data;
}

/** The error of a refusal: the path of the parameter, its value, and what it takes. */
function refusal(issue: z.core.$ZodIssue | undefined, params: unknown): McmError {
    if (issue?.code === "unrecognized_keys") {
        const field = [...issue.path, issue.keys[0]].join(".");
        return invalid(field, valueAt(params, [...issue.path, issue.keys[0] ?? ""]), "known here");
    }
    if (issue?.code === "invalid_key") {
        // The key itself is at fault; its value may be a secret.
        return invalid(issue.path.slice(0, -1).join("."), issue.path.at(-1), ENV_KEY_FORM);
    }
    const path = issue?.path ?? [];
    const secret = path[0] === "env" && path.length > 1;
    return invalid(
        path.join(".") || "params",
        secret ? "…" : valueAt(params, path),
        issue?.message ?? "understood",
    );
}

function valueAt(params: unknown, path: PropertyKey[]): unknown {
    return path.reduce<unknown>(
        (value, key) =>
            typeof value === "object" && value !== null
                ? (value as Record<PropertyKey, unknown>)[key]
                : undefined,
        params,
    );
}
