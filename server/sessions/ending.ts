/** Whether a container's first process is on its way out. */
import { readFile } from "node:fs/promises";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

import { errnoOf } from "../errors";

/** A process with its start time, field 22 of /proc/PID/stat. */
interface Identity {
    pid: number;
    startTime: number;
}

/** Flag of a task that has begun to exit (include/linux/sched.h). */
const PF_EXITING = 0x4;

/** Killing a cgroup reaches its processes one by one, the first one maybe last. */
const RECHECK_MS = 50;

/**
 * True when the container's init has ended or is about to: the kernel kills the others in its pid
 * namespace while init exits, so they are seen to end before it.
 */
export async function isEnding(init: Identity): Promise<boolean> {
    if (await isEndingNow(init)) {
        return true;
    }
    await sleep(RECHECK_MS);
    return isEndingNow(init);
}

async function isEndingNow({ pid, startTime }: Identity): Promise<boolean> {
    try {
        const stat = await readFile(`/proc/${pid}/stat`, "latin1");
        // The name in parentheses may hold anything, so fields are counted from its end.
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        const [state, flags, started] = [fields[0], Number(fields[6]), Number(fields[19])];
        if (state === "Z" || state === "X" || started !== startTime || flags & PF_EXITING) {
            return true;
        }
        const status = await readFile(`/proc/${pid}/status`, "latin1");
        const pending = BigInt(`0x${/^ShdPnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
        return (pending & (1n << BigInt(constants.signals.SIGKILL - 1))) !== 0n;
    } catch (error) {
        if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ESRCH") {
            return true;
        }
        throw error;
    }
}
