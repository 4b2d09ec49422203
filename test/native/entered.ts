/** Containers by the real container_executor, and commands entered into them by the real ns_enter. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import {
    CONTROL_FD,
    ENV_FD,
    STATUS_FD,
    enterInvocation,
    type EnterOptions,
    type StartOptions,
} from "../../server/invocation";
import { createNative } from "../../server/native";
import {
    enterEventSchema,
    readEvents,
    type ContainerProcess,
    type EnterEvent,
} from "../../server/status";
import { busyboxRootfs, nativeProgram, temporaryRoots } from "../support/fixtures";

/** A running container of a test's own. */
export interface TestContainer {
    id: string;
    process: ContainerProcess;
    /** Kills and removes it, and proves that nothing of it is left. */
    dispose(): Promise<void>;
}

/** Ids of the host for one container, of which no other test that runs now has any. */
function randomIdBase(): number {
    return 0x50000000 + randomInt(0x1000) * 0x10000;
}

/** Starts a container of busybox whose pid 1 waits, or runs `options.command`. */
export async function startContainer(options: Partial<StartOptions> = {}): Promise<TestContainer> {
    const roots = await temporaryRoots();
    const id = randomBytes(6).toString("hex");
    const native = createNative(dirname(nativeProgram("container_executor")));
    const stateDirectory = join(roots.stateDir, "containers", id);
    const runDirectory = join(roots.runDir, "containers", id);
    await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
    await mkdir(dirname(runDirectory), { recursive: true });
    try {
        const { process } = await native.start({
            id,
            stateDirectory,
            runDirectory,
            rootfs: await busyboxRootfs(),
            idBase: randomIdBase(),
            hostname: "entered",
            mounts: [],
            interactive: false,
            autoRemove: false,
            env: {},
            command: [],
            ...options,
        });
        const dispose = async (): Promise<void> => {
            // One that a test has ended is not there any more.
            await native.stop(id, process, 0).catch(() => undefined);
            await native.remove(id, stateDirectory, runDirectory);
            await roots.dispose();
        };
        return { id, process, dispose };
    } catch (error) {
        await roots.dispose();
        throw error;
    }
}

/** A running ns_enter, with nobody reading its output. */
export interface Entered {
    /** Of ns_enter itself. */
    pid: number;
    stdin: Writable;
    stdout: Readable;
    stderr: Readable;
    /** The control fd. */
    control: Writable;
    /** The command's pid; rejects when it did not start. */
    started: Promise<number>;
    /** Its last event and exit code. */
    ended: Promise<EnteredEnd>;
    /** What it warned of until now. */
    warnings: string[];
}

export interface EnteredEnd {
    event: EnterEvent | undefined;
    exitCode: number | null;
}

/** What ns_enter is told otherwise than usual, and a command that starts it. */
export type EnterChanges = Partial<EnterOptions> & { wrapper?: string[] };

/** Enters a command. */
export function enter(
    container: TestContainer,
    command: string[],
    { wrapper, ...changes }: EnterChanges = {},
): Entered {
    const { args, env } = enterInvocation({
        id: container.id,
        process: container.process,
        env: {},
        command,
        ...changes,
    });
    const entered = spawnNsEnter(args, wrapper);
    const variables = Object.entries(env ?? {}).map(([key, value]) => `${key}=${value}\0`);
    entered.environment.end(variables.join(""));
    return entered;
}

/** Starts ns_enter with these very arguments, by the command `wrapper` when there is one. */
export function spawnNsEnter(
    args: string[],
    wrapper: string[] = [],
): Entered & { environment: Writable } {
    const [command, ...before] = [...wrapper, nativeProgram("ns_enter")];
    const child = spawn(command, [...before, ...args], {
        stdio: ["pipe", "pipe", "pipe", "pipe", "pipe", "pipe"],
    });
    const pipes: readonly unknown[] = child.stdio;
    const environment = pipes[ENV_FD] as Writable;
    const control = pipes[CONTROL_FD] as Writable;
    for (const pipe of [child.stdin, environment, control]) {
        // Whoever ended takes no more; the tests look at how it ended.
        pipe.on("error", () => undefined);
    }
    const exited = new Promise<number | null>((resolve, reject) => {
        child.once("error", reject);
        child.once("exit", resolve);
    });
    const warnings: string[] = [];
    let ended: Promise<EnteredEnd> | undefined;
    const started = new Promise<number>((resolve, reject) => {
        ended = follow(pipes[STATUS_FD] as Readable, exited, resolve, warnings);
        ended.then((end) => reject(new Error(JSON.stringify(end))), reject);
    });
    started.catch(() => undefined);
    assert.ok(ended && child.pid !== undefined);
    const { stdin, stdout, stderr } = child;
    return {
        pid: child.pid,
        stdin,
        stdout,
        stderr,
        control,
        environment,
        started,
        ended,
        warnings,
    };
}

async function follow(
    status: Readable,
    exited: Promise<number | null>,
    onStarted: (pid: number) => void,
    warnings: string[],
): Promise<EnteredEnd> {
    let last: EnterEvent | undefined;
    for await (const event of readEvents(status, enterEventSchema)) {
        if (event.event === "started") {
            onStarted(event.pid);
        } else if (event.event === "warning") {
            warnings.push(event.message);
        }
        last = event;
    }
    return { event: last, exitCode: await exited };
}

/** What a finished command wrote, and how it ended. */
export interface Outcome extends EnteredEnd {
    stdout: string;
    stderr: string;
}

/** Enters a command, gives it `input` and waits for its end. */
export async function runEntered(
    container: TestContainer,
    command: string[],
    changes: EnterChanges & { input?: string | Buffer } = {},
): Promise<Outcome> {
    const { input, ...options } = changes;
    const entered = enter(container, command, options);
    if (options.terminal === undefined) {
        entered.stdin.end(input ?? "");
    } else if (input !== undefined) {
        entered.stdin.write(input);
    }
    const [stdout, stderr, end] = await Promise.all([
        text(entered.stdout),
        text(entered.stderr),
        entered.ended,
    ]);
    return { stdout, stderr, ...end };
}

/** The output of a shell script that must succeed. */
export async function outputOf(
    container: TestContainer,
    script: string,
    changes: EnterChanges & { input?: string | Buffer } = {},
): Promise<string> {
    const outcome = await runEntered(container, ["sh", "-c", script], changes);
    assert.equal(outcome.exitCode, 0, JSON.stringify(outcome));
    return outcome.stdout;
}
