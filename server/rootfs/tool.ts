/** Runs a program of coreutils(7) for what it does better than code of our own. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { McmError, errnoOf, systemError } from "../errors";
import { ErrorCode } from "../protocol";

/** Characters of stderr that are kept. */
const COMPLAINT_LENGTH = 1000;

export interface ToolOptions {
    signal?: AbortSignal;
    onOutput?: (data: Buffer) => void;
    /** Told of the process once it runs. */
    onStart?: (child: ChildProcess) => void;
}

/**
 * Resolves when the program has succeeded. Rejects with an McmError that begins with `doing` and has
 * the program's words, or with the reason of the signal once the program has ended.
 */
export async function runTool(
    doing: string,
    program: string,
    args: string[],
    { signal, onOutput, onStart }: ToolOptions = {},
): Promise<void> {
    signal?.throwIfAborted();
    const child = spawn(program, args, {
        cwd: "/",
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" },
        stdio: ["ignore", "pipe", "pipe"],
    });
    const stop = () => child.kill("SIGKILL");
    signal?.addEventListener("abort", stop, { once: true });
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
        complaint = (complaint + text).slice(0, COMPLAINT_LENGTH);
    });
    child.stdout.on("data", (data: Buffer) => onOutput?.(data));
    try {
        child.once("spawn", () => onStart?.(child));
        const [code] = (await once(child, "close")) as [number | null];
        signal?.throwIfAborted();
        if (code !== 0) {
            throw toolError(doing, program, code, complaint);
        }
    } catch (error) {
        throw errnoOf(error) === undefined ? error : systemError(doing, error);
    } finally {
        signal?.removeEventListener("abort", stop);
    }
}

function toolError(
    doing: string,
    program: string,
    code: number | null,
    complaint: string,
): McmError {
    const reason = complaint.trim().split("\n")[0] ?? "";
    const full = reason.endsWith("No space left on device");
    const hint = full ? "Free some space there, then try again." : undefined;
    return new McmError(
        ErrorCode.NativeFailed,
        `${doing} failed: ${reason || `${program} ended with code ${code ?? "unknown"}`}.` +
            (hint === undefined ? "" : ` ${hint}`),
        { errno: full ? "ENOSPC" : undefined, hint },
    );
}
