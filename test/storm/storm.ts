/** What the storms share: how many there are of everything, and waiting without a pause. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { nativeProgram } from "../support/fixtures";

/** Containers one after the other, fewer where each takes long. */
export const RUNS = Number(process.env.MCM_STORM_RUNS ?? 500);

/** Containers at the same time. */
export const AT_ONCE = Number(process.env.MCM_STORM_AT_ONCE ?? 100);

/** How often {@link until} looks, in milliseconds; a container lives for ten. */
const POLL_MS = 2;
const PATIENCE_MS = 30_000;

/** As `eventually`, for what is waited for a thousand times. */
export async function until(check: () => boolean): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    while (!check()) {
        await sleep(POLL_MS);
        if (Date.now() > deadline) {
            throw new Error(`after ${PATIENCE_MS} ms still not: ${check.toString()}`);
        }
    }
}

/** Starts container_executor, to be killed: nobody reads what it says. */
export function launch(args: string[]): {
    kill: (signal: NodeJS.Signals) => boolean;
    ended: Promise<unknown>;
} {
    const [verb = "", ...rest] = args;
    const program = nativeProgram("container_executor");
    const child = spawn(program, [verb, "--status-fd", "3", ...rest], {
        stdio: ["ignore", "ignore", "ignore", "ignore"],
    });
    return { kill: (signal) => child.kill(signal), ended: once(child, "exit") };
}
