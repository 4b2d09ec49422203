/** `mcm run`, `mcm exec`, `mcm attach`: commands inside containers. */
import {
    AttachRequest,
    ExecRequest,
    InspectRequest,
    RunRequest,
    SessionStartedNotification,
    type ContainerSummary,
    type Limits,
    type Rootfs,
    type StartResult,
    type Volume,
} from "../protocol";
import type { Client } from "./client";
import { printJson, remark, type Context } from "./context";
import { CliError, EXIT, traceOf } from "./errors";
import { requireTerminal, runSession, sessionExitCode } from "./session";
import { showTimeline, withTimeline } from "./timeline";

/** Options of `mcm run`. */
export interface RunOptions extends Limits {
    name?: string;
    rootfs?: Rootfs;
    hostname?: string;
    env?: Record<string, string>;
    workdir?: string;
    user?: string;
    volume?: Volume[];
    interactive?: boolean;
    tty?: boolean;
    rm?: boolean;
    trace?: boolean;
    json?: boolean;
}

/** `mcm run`: prints the id at once, or is the container's terminal until it ends. */
export function run(command: string[], options: RunOptions, context: Context): Promise<number> {
    const { name, rootfs, hostname, workdir, user, interactive, tty, trace, json } = options;
    const { memory, cpu, cpuset, pids, ioRead, ioWrite } = options;
    const attached = interactive && tty;
    if (attached && json) {
        throw new CliError("--json describes a container in the background; leave out -i -t");
    }
    if (attached) {
        requireTerminal(context.io, true);
    }
    return context.withClient(async (client) => {
        const start = (): Promise<StartResult> =>
            client.request(RunRequest, {
                name,
                rootfs,
                command,
                limits: { memory, cpu, cpuset, pids, ioRead, ioWrite },
                hostname,
                env: tty ? terminalEnv(options.env) : options.env,
                workdir,
                user,
                volumes: options.volume,
                interactive,
                tty,
                autoRemove: options.rm,
                trace,
            });
        const container = await undisturbed(() => (json ? start() : withTimeline(context, start)));
        if (json) {
            printJson(context, container);
            return EXIT.ok;
        }
        if (attached) {
            return attachTo(client, container, context);
        }
        context.io.stdout.write(`${container.id}\n`);
        return EXIT.ok;
    });
}

/** Lets no Ctrl-C come between the making of a container and the word of its id. */
async function undisturbed<T>(action: () => Promise<T>): Promise<T> {
    const ignore = (): void => undefined;
    process.on("SIGINT", ignore);
    try {
        return await action();
    } finally {
        process.off("SIGINT", ignore);
    }
}

/** The kind of this terminal goes with it, unless something else was asked for. */
function terminalEnv(env: Record<string, string> = {}): Record<string, string> {
    const { TERM } = process.env;
    return TERM === undefined ? env : { TERM, ...env };
}

/** `mcm attach ID`. */
export function attach(container: string, context: Context): Promise<number> {
    return context.withClient(async (client) => {
        const details = await client.request(InspectRequest, { container });
        if (details.tty) {
            requireTerminal(context.io, true);
        }
        return attachTo(client, details, context);
    });
}

async function attachTo(
    client: Client,
    container: ContainerSummary,
    context: Context,
): Promise<number> {
    const { id, tty } = container;
    const outcome = await runSession(
        client,
        (token, terminal, cancellation) =>
            client.request(AttachRequest, { container: id, terminal, token }, cancellation),
        { input: true, terminal: tty, detachable: tty },
        context.io,
    );
    if (outcome.kind === "detached") {
        remark(context, `detached; ${container.name} runs on, come back with mcm attach ${id}`);
    }
    return sessionExitCode(outcome);
}

/** Options of `mcm exec`. */
export interface ExecOptions {
    interactive?: boolean;
    tty?: boolean;
    user?: string;
    workdir?: string;
    env?: Record<string, string>;
    trace?: boolean;
}

/** `mcm exec ID COMMAND`: ends as the command does. */
export function exec(
    container: string,
    command: string[],
    options: ExecOptions,
    context: Context,
): Promise<number> {
    const { interactive = false, tty = false, user, workdir, trace } = options;
    if (tty) {
        requireTerminal(context.io, interactive);
    }
    const env = tty ? terminalEnv(options.env) : options.env;
    return context.withClient(async (client) => {
        client.onNotification(SessionStartedNotification, (started) =>
            showTimeline(context, started.trace),
        );
        const outcome = await runSession(
            client,
            (token, terminal, cancellation) =>
                client.request(
                    ExecRequest,
                    { container, command, env, workdir, user, terminal, trace, token },
                    cancellation,
                ),
            { input: interactive, terminal: tty, detachable: false },
            context.io,
        ).catch((error: unknown) => {
            showTimeline(context, traceOf(error));
            throw error;
        });
        if (outcome.kind === "ended" && outcome.end.containerEnded) {
            remark(context, "the container has ended, and the command with it");
        }
        return sessionExitCode(outcome);
    });
}
