/** Runs of the native programs in which one system call fails, by inject.c. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { run } from "../../scripts/lib/run";
import { nativeProgram } from "../support/fixtures";
import { compile, nativeSource } from "./compile";
import type { StatusEvent } from "./executor";

const STATUS_FD = 3;
const CONTROL_FD = 4;
const COUNTS_FD = 5;

/** Which call fails: the `nth` of this name, in whichever process of the run. 0: none. */
export interface Fault {
    call: string;
    nth: number;
    code: "EIO" | "ENOSYS" | "EPERM";
}

export interface FaultyRun {
    exitCode: number | null;
    signal: NodeJS.Signals | null;
    /** Its last status line; none when it could not write any. */
    event?: StatusEvent;
    stderr: string;
    /** How many of these calls the run made, to the end of its last process. */
    calls: number;
}

/** Compiles inject.c into a directory and reads the numbers of system calls. */
export async function prepareFaults(directory: string): Promise<FaultInjector> {
    const injector = join(directory, "inject");
    const generator = nativeSource("build/generated/seccomp_generate");
    await compile(injector, ["inject.c"], []);
    await run("make", ["-s", "-C", nativeSource(""), "build/generated/seccomp_generate"]);
    const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
    const numbers = new Map<string, string>();
    for (const line of (await run(generator, ["list", machine])).trim().split("\n")) {
        const [abi, number, name] = line.split(" ");
        if (abi === machine && number !== undefined && name !== undefined) {
            numbers.set(name, number);
        }
    }
    return new FaultInjector(injector, numbers);
}

export class FaultInjector {
    constructor(
        private readonly injector: string,
        private readonly numbers: Map<string, string>,
    ) {}

    /**
     * Runs a native program to the end of every process of it. It has a control fd that stays open
     * for as long as it runs.
     */
    async run(
        program: "container_executor" | "ns_enter",
        args: string[],
        fault: Fault,
    ): Promise<FaultyRun> {
        const number = this.numbers.get(fault.call);
        assert.ok(number !== undefined, `${fault.call} is no system call of this machine`);
        const errno = constants.errno[fault.code];
        const child = spawn(
            this.injector,
            [COUNTS_FD, number, fault.nth, errno, nativeProgram(program), ...args].map(String),
            { stdio: ["ignore", "ignore", "pipe", "pipe", "pipe", "pipe"], env: {} },
        );
        assert.ok(child.stderr);
        const stream = (fd: number): Readable => child.stdio[fd] as Readable;
        stream(CONTROL_FD).on("error", () => undefined);
        const [[exitCode, signal], lines, calls, stderr] = await Promise.all([
            new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
                child.once("error", reject);
                child.once("exit", (...how) => resolve(how));
            }),
            text(stream(STATUS_FD)),
            text(stream(COUNTS_FD)),
            text(child.stderr),
        ]);
        const last = lines.trim().split("\n").at(-1) ?? "";
        const event = last === "" ? undefined : (JSON.parse(last) as StatusEvent);
        return { exitCode, signal, event, stderr, calls: Number(calls) };
    }
}

/** For the arguments of a run. */
export const statusFlags = ["--status-fd", String(STATUS_FD)];
export const controlFlags = ["--control-fd", String(CONTROL_FD)];
