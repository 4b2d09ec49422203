/**
 * The parameters of every request and notification: one zod schema for each, and one function that
 * turns a refusal into an error with the parameter's name, its value and what it takes.
 */
import * as z from "zod/mini";
import { invalid, type McmError } from "./errors";
import {
    absolutePath,
    command,
    container,
    containerName,
    env,
    ENV_KEY_FORM,
    flag,
    hostname,
    limitChanges,
    limits,
    pattern,
    presentCommand,
    realNumber,
    rootfs,
    rootfsName,
    signal,
    terminal,
    terminalShape,
    text,
    token,
    user,
    volume,
    wholeNumber,
    workdir,
} from "./forms";
import type {
    AttachParams,
    ClientHello,
    ContainerRef,
    ContainerSpec,
    DoctorParams,
    ExecParams,
    KillParams,
    LogsParams,
    RemoveParams,
    RenameParams,
    RootfsImportParams,
    RunParams,
    StartParams,
    StatsSubscribeParams,
    StopParams,
    UpdateParams,
} from "./protocol";

export const clientHelloSchema: z.ZodMiniType<ClientHello> = z.object({
    protocolVersion: z.int({ error: "the protocol's version, a whole number" }),
    client: text("what the client calls itself, at most 64 characters", (v) => v.length <= 64),
});

const containerSpec = {
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
};

export const containerSpecSchema: z.ZodMiniType<ContainerSpec> = z.strictObject(containerSpec);

export const runSchema: z.ZodMiniType<RunParams> = z.strictObject({
    ...containerSpec,
    trace: z.optional(flag),
});

export const nothingSchema: z.ZodMiniType<undefined> = z.undefined({ error: "nothing" });

export const containerRefSchema: z.ZodMiniType<ContainerRef> = z.strictObject({ container });

export const startSchema: z.ZodMiniType<StartParams> = z.strictObject({
    container,
    trace: z.optional(flag),
});

export const stopSchema: z.ZodMiniType<StopParams> = z.strictObject({
    container,
    graceSeconds: z.optional(realNumber("a number of seconds from 0 to 86400", 0, 86_400)),
});

export const killSchema: z.ZodMiniType<KillParams> = z.strictObject({
    container,
    signal: z.optional(signal),
});

export const updateSchema: z.ZodMiniType<UpdateParams> = z.strictObject({
    container,
    limits: limitChanges,
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
    trace: z.optional(flag),
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

export const doctorSchema: z.ZodMiniType<DoctorParams> = z.strictObject({
    rootfs: z.optional(rootfs),
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

/** What zod/mini says of everything that is given no words. */
const LIBRARY_WORDS = "Invalid input";

/** The error of a refusal: the path of the parameter, its value, and what it takes. */
function refusal(issue: z.core.$ZodIssue | undefined, params: unknown): McmError {
    if (issue?.code === "unrecognized_keys") {
        const [key] = issue.keys;
        return invalid([...issue.path, key].join("."), key, "known here");
    }
    if (issue?.code === "invalid_key") {
        // The key itself is at fault; its value may be a secret.
        return invalid(issue.path.slice(0, -1).join("."), issue.path.at(-1), ENV_KEY_FORM);
    }
    const path = issue?.path ?? [];
    // Variables, and whatever holds them, stay unsaid.
    const secret = path[0] === "env" || path.length === 0;
    return invalid(path.join(".") || "params", secret ? "…" : valueAt(params, path), formOf(issue));
}

/** What a parameter takes; an object has no words of its own, and the library's say nothing. */
function formOf(issue: z.core.$ZodIssue | undefined): string {
    return issue?.message === LIBRARY_WORDS ? "an object" : (issue?.message ?? "understood");
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
