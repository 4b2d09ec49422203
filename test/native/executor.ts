/** Containers by the real container_executor, through its flags, status lines and files alone. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { busyboxRootfs, eventually, nativeProgram, temporaryRoots } from "../support/fixtures";

const STATUS_FD = 3;
const ENV_FD = 4;

/** One line of the status fd. */
export interface StatusEvent {
    event: string;
    step?: string;
    code?: string;
    message?: string;
    forced?: boolean;
    running?: boolean;
}

/** How one run of container_executor ended. */
export interface Executed {
    exitCode: number | null;
    /** Its last status line. */
    event: StatusEvent;
    /** All of them. */
    events: StatusEvent[];
    stderr: string;
}

/** Content of state.json. */
export interface Running {
    pid: number;
    startTime: number;
    bootId: string;
    monitorPid: number;
    monitorStartTime: number;
    startedAt: string;
}

/** Content of exit.json. */
export interface ExitRecord {
    exitCode: number | null;
    signal: number | null;
    oomKilled: boolean;
    startedAt: string;
    finishedAt: string;
    memoryPeak?: number;
    cpuUsageUsec?: number;
}

export interface StartOptions {
    flags?: string[];
    rootfs?: string;
    /** What goes through --env-fd. */
    environment?: string;
    /** Command that starts container_executor. */
    wrapper?: string[];
}

/** How container_executor is started, when not as it is on the host as it is. */
export interface Launch {
    /** Command that starts it. */
    wrapper?: string[];
    /** Its path, when it is a copy. */
    program?: string;
}

/** Runs container_executor with a status fd to its end. */
export async function execute(
    verb: string,
    args: string[],
    environment?: string,
    { wrapper = [], program = nativeProgram("container_executor") }: Launch = {},
): Promise<Executed> {
    const inherited = environment === undefined ? [] : ["--env-fd", String(ENV_FD)];
    const [command, ...before] = [...wrapper, program];
    const child = spawn(
        command,
        [...before, verb, "--status-fd", String(STATUS_FD), ...inherited, ...args],
        { stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"], env: { SECRET: "of the caller" } },
    );
    const writable = child.stdio[ENV_FD] as Writable;
    writable.on("error", () => undefined); // it may end without reading
    writable.end(environment);
    assert.ok(child.stderr);
    const [exitCode, lines, stderr] = await Promise.all([
        new Promise<number | null>((resolve, reject) => {
            child.once("error", reject);
            child.once("exit", resolve);
        }),
        text(child.stdio[STATUS_FD] as Readable),
        text(child.stderr),
    ]);
    const events = lines
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as StatusEvent);
    const event = events.at(-1);
    assert.ok(event, `no status line; stderr: ${stderr}`);
    return { exitCode, event, events, stderr };
}

/** A container that may be started more than once, in directories of a test's own. */
export class Container {
    readonly id = randomBytes(6).toString("hex");
    /** No other test that runs now has any of these host ids. */
    readonly idBase = 0x60000000 + randomInt(0x1000) * 0x10000;
    readonly stateDir: string;
    readonly runDir: string;
    /** Command that starts every container_executor about it. */
    wrapper: string[] = [];

    constructor(roots: { stateDir: string; runDir: string }) {
        this.stateDir = join(roots.stateDir, "containers", this.id);
        this.runDir = join(roots.runDir, "containers", this.id);
    }

    /** The arguments of a start; `command` comes behind "--". */
    async startArgs(command: string[], options: StartOptions = {}): Promise<string[]> {
        return [
            ...["--id", this.id, "--state-dir", this.stateDir, "--run-dir", this.runDir],
            ...["--rootfs", options.rootfs ?? (await busyboxRootfs())],
            ...["--id-base", String(this.idBase), ...(options.flags ?? [])],
            ...(command.length > 0 ? ["--", ...command] : []),
        ];
    }

    /** Starts it, and expects nothing. */
    async tryStart(command: string[], options: StartOptions = {}): Promise<Executed> {
        const args = await this.startArgs(command, options);
        const wrapper = options.wrapper ?? this.wrapper;
        return execute("start", args, options.environment, { wrapper });
    }

    /** Starts it; fails the test when that fails. */
    async start(command: string[] = [], options: StartOptions = {}): Promise<Running> {
        const { event, exitCode, stderr } = await this.tryStart(command, options);
        assert.equal(event.event, "started", JSON.stringify({ event, stderr }));
        assert.equal(exitCode, 0);
        return event as unknown as Running;
    }

    /** Starts it and waits for its end: what it wrote, and how it ended. */
    async run(
        command: string[],
        options: StartOptions = {},
    ): Promise<{ stdout: string; stderr: string; exit: ExitRecord }> {
        const before = this.logLines().length;
        const running = await this.start(command, options);
        const exit = await this.ended(running);
        const lines = this.logLines().slice(before);
        return { stdout: unwrap(lines, "stdout"), stderr: unwrap(lines, "stderr"), exit };
    }

    /** A shell script's output, which must succeed without a word on stderr. */
    async outputOf(script: string, options: StartOptions = {}): Promise<string> {
        const { stdout, stderr, exit } = await this.run(["/bin/sh", "-c", script], options);
        assert.deepEqual({ stderr, code: exit.exitCode }, { stderr: "", code: 0 });
        return stdout;
    }

    /** Waits until the monitor has gone, and with it written all down. */
    async ended(running: Running): Promise<ExitRecord> {
        await eventually(() => hasEnded(running.monitorPid), "monitor gone");
        return JSON.parse(readFileSync(join(this.stateDir, "exit.json"), "utf8")) as ExitRecord;
    }

    logLines(): string[] {
        const read = (name: string): string => {
            const path = join(this.stateDir, name);
            return existsSync(path) ? readFileSync(path, "utf8") : "";
        };
        return (read("log.1") + read("log")).split("\n").slice(0, -1);
    }

    stop(running: Running, ...flags: string[]): Promise<Executed> {
        return this.execute("stop", [...targetArgs(running), ...flags]);
    }

    pause(running: Running): Promise<Executed> {
        return this.execute("pause", initArgs(running));
    }

    resume(running: Running): Promise<Executed> {
        return this.execute("resume", initArgs(running));
    }

    /** Changes the limits that `flags` say. */
    async update(...flags: string[]): Promise<Executed> {
        const directories = ["--state-dir", this.stateDir, "--rootfs", await busyboxRootfs()];
        return this.execute("update", [...directories, ...flags]);
    }

    kill(running: Running, signal: number): Promise<Executed> {
        return this.execute("kill", [...targetArgs(running), "--signal", String(signal)]);
    }

    remove(): Promise<Executed> {
        const directories = ["--state-dir", this.stateDir, "--run-dir", this.runDir];
        return this.execute("remove", directories);
    }

    private execute(verb: string, args: string[]): Promise<Executed> {
        const { wrapper } = this;
        return execute(verb, ["--id", this.id, ...args], undefined, { wrapper });
    }

    /** Its cgroup directories that exist now, by the directory below /sys/fs/cgroup. */
    cgroups(): string[] {
        return ["", ...readdirSync("/sys/fs/cgroup")]
            .map((name) => join("/sys/fs/cgroup", name, "my-container-manager", this.id))
            .filter((path) => existsSync(path));
    }
}

/** Whether a process is gone, or about to be reaped by whoever its parent is. */
export function hasEnded(pid: number): boolean {
    try {
        return /^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
        return true;
    }
}

function initArgs(running: Running): string[] {
    return [
        ...["--pid", String(running.pid), "--start-time", String(running.startTime)],
        ...["--boot-id", running.bootId],
    ];
}

function targetArgs(running: Running): string[] {
    return [
        ...[...initArgs(running), "--monitor-pid", String(running.monitorPid)],
        ...["--monitor-start-time", String(running.monitorStartTime)],
    ];
}

/** The text that was written to one stream, from lines of the log. */
function unwrap(lines: string[], stream: string): string {
    return lines
        .map((line) => /^\S+ (stdout|stderr) ([FP]) (.*)$/s.exec(line))
        .filter((match) => match?.[1] === stream)
        .map((match) => `${match?.[3]}${match?.[2] === "F" ? "\n" : ""}`)
        .join("");
}

/**
 * A container that is removed after the test, which fails when anything of it is left: a process, a
 * mount, a control group, a file.
 */
export async function testContainer(t: TestContext): Promise<Container> {
    const roots = await temporaryRoots();
    const container = new Container(roots);
    await mkdir(container.stateDir, { recursive: true, mode: 0o700 });
    await mkdir(join(roots.runDir, "containers"), { recursive: true });
    t.after(async () => {
        try {
            await endContainer(container);
            assert.deepEqual(container.cgroups(), []);
            assert.deepEqual(readdirSync(join(roots.stateDir, "containers")), []);
            assert.deepEqual(readdirSync(join(roots.runDir, "containers")), []);
        } finally {
            await roots.dispose();
        }
    });
    return container;
}

async function endContainer(container: Container): Promise<void> {
    const state = join(container.runDir, "state.json");
    if (existsSync(state)) {
        const running = JSON.parse(readFileSync(state, "utf8")) as Running;
        await container.stop(running, "--grace-ms", "0");
    }
    assert.deepEqual((await container.remove()).event, { event: "removed" });
}

/** Asserts that a start was refused and left nothing behind. */
export function assertRefused(
    container: Container,
    executed: Executed,
    expected: { step: string; code?: string; message?: RegExp; exitCode?: number },
): void {
    const { event, exitCode } = executed;
    assert.deepEqual(
        { event: event.event, step: event.step, code: event.code },
        { event: "failed", step: expected.step, code: expected.code },
        event.message,
    );
    assert.match(event.message ?? "", expected.message ?? /./);
    assert.equal(exitCode, expected.exitCode ?? 125);
    assert.deepEqual(readdirSync(container.stateDir), []);
    assert.ok(!existsSync(container.runDir));
    assert.deepEqual(container.cgroups(), []);
}
