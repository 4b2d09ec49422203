/** Copies a directory as it is: owners, modes, times, links, extended attributes. */
import type { ChildProcess } from "node:child_process";
import { readFile } from "node:fs/promises";
import { unless } from "../files";
import type { Meter } from "./space";
import { runTool } from "./tool";

/** How often a copy is looked at, in milliseconds. */
const LOOK_MS = 250;

const NEWLINE = 0x0a;

/**
 * Copies what is in `source`, on its own file system, into the existing directory `target`. Shares
 * the blocks where the file system can (btrfs, xfs). Rejects with an McmError, or with the reason of
 * `signal` once nothing is written any more.
 */
export async function copyDirectory(
    source: string,
    target: string,
    meter: Meter,
    signal: AbortSignal,
): Promise<void> {
    const full = new AbortController();
    let running: ChildProcess | undefined;
    let said = 0;
    const look = async () => {
        const written = await bytesWritten(running?.pid);
        await meter.addBytes(Math.max(0, written - said - meter.bytes));
    };
    const timer = setInterval(() => {
        look().catch((error: unknown) => full.abort(error));
    }, LOOK_MS);
    try {
        await runTool(
            `Copying ${source}`,
            "cp",
            [
                "--archive",
                "--reflink=auto",
                "--one-file-system",
                "--verbose",
                "--no-target-directory",
                "--",
                source,
                target,
            ],
            {
                signal: AbortSignal.any([signal, full.signal]),
                onStart: (child) => (running = child),
                onOutput: (data) => {
                    // With --verbose a line is an entry.
                    said += data.length;
                    meter.addEntries(data.reduce((n, byte) => n + Number(byte === NEWLINE), 0));
                },
            },
        );
    } finally {
        clearInterval(timer);
    }
}

/** Bytes that a process has written so far (proc_pid_io(5)); 0 when it has ended. */
async function bytesWritten(pid: number | undefined): Promise<number> {
    if (pid === undefined) {
        return 0;
    }
    const text = await readFile(`/proc/${pid}/io`, "latin1").catch(
        unless("ENOENT", "ESRCH", "EACCES"),
    );
    return Number(/^wchar: (\d+)$/m.exec(text ?? "")?.[1] ?? 0);
}

/** Bytes on disk of a tree. */
export async function diskUsage(directory: string, signal?: AbortSignal): Promise<number> {
    let output = "";
    await runTool(
        `Measuring ${directory}`,
        "du",
        ["--summarize", "--block-size=1", "--", directory],
        { signal, onOutput: (data) => (output += data.toString("latin1")) },
    );
    return Number.parseInt(output, 10);
}
