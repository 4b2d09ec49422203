/** Starting other programs: one way to run and wait, with failures in words. */
import { spawn } from "node:child_process";
import type { StdioOptions } from "node:child_process";

export interface RunOptions {
    cwd?: string;
    /** Added to this process's environment. An undefined value takes a variable away. */
    env?: Record<string, string | undefined>;
    /** Milliseconds; then the program is killed and the run fails. */
    timeoutMs?: number;
    /** Let the program write to our terminal instead of capturing what it says. */
    inherit?: boolean;
}

/** How much of a failed program's output stands in the error. */
const SHOWN_OUTPUT = 4000;

/** A program that ended otherwise than with exit code 0. */
export class RunError extends Error {
    // Private, so that it is not printed a second time beside the message.
    readonly #output: string;

    constructor(
        command: string[],
        readonly exitCode: number | null,
        signal: NodeJS.Signals | null,
        output: string,
    ) {
        const how = signal === null ? `exit code ${exitCode ?? "unknown"}` : `signal ${signal}`;
        const tail = output.trim().slice(-SHOWN_OUTPUT);
        super(`${command.join(" ")}: ${how}${tail === "" ? "" : `\n${tail}`}`);
        this.name = "RunError";
        this.#output = output;
    }

    /** All that it wrote. */
    get output(): string {
        return this.#output;
    }
}

/**
 * Runs a program to its end and returns what it wrote to stdout (nothing with `inherit`).
 *
 * @throws RunError when it fails; the error of spawn(2) when it cannot be started.
 */
export async function run(
    command: string,
    args: string[] = [],
    options: RunOptions = {},
): Promise<string> {
    const output = options.inherit === true ? "inherit" : "pipe";
    const stdio: StdioOptions = ["ignore", output, output];
    const child = spawn(command, args, {
        cwd: options.cwd,
        env: { ...process.env, ...options.env },
        stdio,
        timeout: options.timeoutMs,
        killSignal: "SIGKILL",
    });
    let stdout = "";
    let all = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
        stdout += text;
        all += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (all += text));
    return new Promise((resolve, reject) => {
        child.once("error", reject);
        child.once("close", (code, signal) => {
            if (code === 0) {
                resolve(stdout);
            } else {
                reject(new RunError([command, ...args], code, signal, all));
            }
        });
    });
}

/** A line about what is being done, for whoever waits. */
export function progress(text: string): void {
    process.stderr.write(`${text}\n`);
}
