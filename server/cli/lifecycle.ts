/** The verbs that take several containers, and `mcm rename`. */
import {
    KillRequest,
    PauseRequest,
    RemoveRequest,
    RenameRequest,
    RestartRequest,
    ResumeRequest,
    StartRequest,
    StopRequest,
    UpdateRequest,
    type LimitChanges,
    type Limits,
} from "../protocol";
import type { Client } from "./client";
import { remark, type Context } from "./context";
import { CliError, describeError, EXIT } from "./errors";
import { printable } from "./text";
import { NONE } from "./values";
import { withTimeline } from "./timeline";

/**
 * Does `action` for every container at once. Each one done is printed as it was named, each failure
 * is a line on stderr; one failure makes the exit code that of a failure.
 */
function forEach(
    containers: readonly string[],
    context: Context,
    action: (client: Client, container: string) => Promise<void>,
): Promise<number> {
    return context.withClient(async (client) => {
        let exitCode: number = EXIT.ok;
        const one = async (container: string): Promise<void> => {
            try {
                await action(client, container);
                context.io.stdout.write(`${printable(container)}\n`);
            } catch (error) {
                remark(context, describeError(error));
                exitCode = EXIT.failed;
            }
        };
        await Promise.all([...new Set(containers)].map(one));
        return exitCode;
    });
}

/** Options of those that stop. */
export interface StopOptions {
    /** Seconds. */
    time: number;
}

/** `mcm stop ID…`. */
export function stop(
    containers: string[],
    { time }: StopOptions,
    context: Context,
): Promise<number> {
    return forEach(containers, context, async (client, container) => {
        const { forced } = await client.request(StopRequest, { container, graceSeconds: time });
        if (forced) {
            remark(context, `${printable(container)} did not end within ${time} s and was killed`);
        }
    });
}

/** Options of `mcm start`. */
export interface StartOptions {
    trace?: boolean;
}

/** `mcm start ID…`. */
export function start(
    containers: string[],
    { trace }: StartOptions,
    context: Context,
): Promise<number> {
    return forEach(containers, context, async (client, container) => {
        await withTimeline(context, () => client.request(StartRequest, { container, trace }));
    });
}

/** `mcm restart ID…`. */
export function restart(
    containers: string[],
    { time }: StopOptions,
    context: Context,
): Promise<number> {
    return forEach(containers, context, async (client, container) => {
        await client.request(RestartRequest, { container, graceSeconds: time });
    });
}

/** `mcm pause ID…`. */
export function pause(containers: string[], context: Context): Promise<number> {
    return forEach(containers, context, async (client, container) => {
        await client.request(PauseRequest, { container });
    });
}

/** `mcm resume ID…`. */
export function resume(containers: string[], context: Context): Promise<number> {
    return forEach(containers, context, async (client, container) => {
        await client.request(ResumeRequest, { container });
    });
}

/** Limits as they were typed: commander takes no null for the value of an option. */
export type TypedLimits = { [Name in keyof Limits]: Limits[Name] | typeof NONE };

/** `mcm update ID`. */
export function update(container: string, typed: TypedLimits, context: Context): Promise<number> {
    const limits: LimitChanges = Object.fromEntries(
        Object.entries(typed).map(([name, value]) => [name, value === NONE ? null : value]),
    );
    if (Object.keys(limits).length === 0) {
        throw new CliError(
            "update: no limit is given; give at least one, for example --memory 100M",
        );
    }
    return context.withClient(async (client) => {
        await client.request(UpdateRequest, { container, limits });
        return EXIT.ok;
    });
}

/** `mcm kill ID…`. */
export function kill(
    containers: string[],
    { signal }: { signal: string },
    context: Context,
): Promise<number> {
    return forEach(containers, context, (client, container) =>
        client.request(KillRequest, { container, signal }),
    );
}

/** `mcm rm ID…`. */
export function remove(
    containers: string[],
    { force }: { force?: boolean },
    context: Context,
): Promise<number> {
    return forEach(containers, context, (client, container) =>
        client.request(RemoveRequest, { container, force }),
    );
}

/** `mcm rename ID NAME`. */
export function rename(container: string, name: string, context: Context): Promise<number> {
    return context.withClient(async (client) => {
        await client.request(RenameRequest, { container, name });
        return EXIT.ok;
    });
}
