/** The events of the native programs: one JSON object a line (native/README.md). */
import type { Readable } from "node:stream";
import * as z from "zod/mini";

/** Processes of a running container, as `started` and state.json have them. */
export const containerProcessSchema = z.object({
    pid: z.int().check(z.positive()),
    startTime: z.int().check(z.nonnegative()),
    bootId: z.string(),
    monitorPid: z.int().check(z.positive()),
    monitorStartTime: z.int().check(z.nonnegative()),
    startedAt: z.string(),
});

/** A process that may be signalled: a pid never goes without its start time (proc(5), field 22). */
export type ContainerProcess = z.infer<typeof containerProcessSchema>;

const warningSchema = z.object({
    event: z.literal("warning"),
    step: z.string(),
    message: z.string(),
});

const failedSchema = z.object({
    event: z.literal("failed"),
    step: z.string(),
    errno: z.int(),
    code: z.optional(z.string()),
    message: z.string(),
});

const stepSchema = z.object({
    event: z.literal("step"),
    who: z.string(),
    step: z.string(),
    call: z.string(),
    detail: z.record(z.string(), z.union([z.string(), z.number()])),
    at: z.int().check(z.nonnegative()),
    us: z.int().check(z.nonnegative()),
});

/** What `doctor` found of one thing. */
export const hostFindingSchema = z.object({
    name: z.string(),
    subject: z.optional(z.string()),
    outcome: z.enum(["works", "fails", "unknown"]),
    code: z.optional(z.string()),
    detail: z.optional(z.string()),
    number: z.optional(z.number()),
});

/** What `container_executor` says. */
export const executorEventSchema = z.discriminatedUnion("event", [
    z.extend(containerProcessSchema, { event: z.literal("started") }),
    z.object({ event: z.literal("stopped"), forced: z.boolean() }),
    z.object({ event: z.literal("signalled") }),
    z.object({ event: z.literal("paused") }),
    z.object({ event: z.literal("resumed") }),
    z.object({ event: z.literal("updated"), running: z.boolean() }),
    z.object({ event: z.literal("removed") }),
    stepSchema,
    z.object({
        event: z.literal("change"),
        change: z.enum(["added", "modified", "deleted"]),
        type: z.enum(["file", "directory", "link", "special"]),
        path: z.string(),
        size: z.optional(z.int()),
    }),
    z.object({ event: z.literal("changes"), count: z.int(), leftOut: z.int() }),
    z.extend(hostFindingSchema, { event: z.literal("finding") }),
    z.object({ event: z.literal("examined") }),
    warningSchema,
    failedSchema,
]);

/** What `ns_enter` says. */
export const enterEventSchema = z.discriminatedUnion("event", [
    z.object({ event: z.literal("started"), pid: z.int().check(z.positive()) }),
    z.object({
        event: z.literal("exited"),
        exitCode: z.nullable(z.int()),
        signal: z.nullable(z.int()),
    }),
    stepSchema,
    warningSchema,
    failedSchema,
]);

export type ExecutorEvent = z.infer<typeof executorEventSchema>;
export type EnterEvent = z.infer<typeof enterEventSchema>;

/** The event of a line; undefined when we do not know it, as newer programs may say more. */
export function parseEvent<Event>(line: string, schema: z.ZodMiniType<Event>): Event | undefined {
    try {
        return schema.safeParse(JSON.parse(line)).data;
    } catch {
        return undefined;
    }
}

/** The events of a status stream up to its end; leaving earlier destroys the stream. */
export async function* readEvents<Event>(
    stream: Readable,
    schema: z.ZodMiniType<Event>,
): AsyncGenerator<Event> {
    let rest = "";
    for await (const chunk of stream.setEncoding("utf8")) {
        const lines = (rest + String(chunk)).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
            const event = parseEvent(line, schema);
            if (event !== undefined) {
                yield event;
            }
        }
    }
}
