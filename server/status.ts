/** The events of the native programs: one JSON object a line (native/README.md). */
import type { Readable } from "node:stream";
import { z } from "zod";

/** Processes of a running container, as `started` and state.json have them. */
export const containerProcessSchema = z.object({
    pid: z.int().positive(),
    startTime: z.int().nonnegative(),
    bootId: z.string(),
    monitorPid: z.int().positive(),
    monitorStartTime: z.int().nonnegative(),
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
    code: z.string().optional(),
    message: z.string(),
});

/** What `container_executor` says. */
export const executorEventSchema = z.discriminatedUnion("event", [
    containerProcessSchema.extend({ event: z.literal("started") }),
    z.object({ event: z.literal("stopped"), forced: z.boolean() }),
    z.object({ event: z.literal("signalled") }),
    z.object({ event: z.literal("removed") }),
    warningSchema,
    failedSchema,
]);

/** What `ns_enter` says. */
export const enterEventSchema = z.discriminatedUnion("event", [
    z.object({ event: z.literal("started"), pid: z.int().positive() }),
    z.object({
        event: z.literal("exited"),
        exitCode: z.int().nullable(),
        signal: z.int().nullable(),
    }),
    warningSchema,
    failedSchema,
]);

export type ExecutorEvent = z.infer<typeof executorEventSchema>;
export type EnterEvent = z.infer<typeof enterEventSchema>;

/** The event of a line; undefined when we do not know it, as newer programs may say more. */
export function parseEvent<Event>(line: string, schema: z.ZodType<Event>): Event | undefined {
    try {
        return schema.safeParse(JSON.parse(line)).data;
    } catch {
        return undefined;
    }
}

/** The events of a status stream up to its end; leaving earlier destroys the stream. */
export async function* readEvents<Event>(
    stream: Readable,
    schema: z.ZodType<Event>,
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
