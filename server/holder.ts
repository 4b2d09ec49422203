/** A process as the holder of a claim (claims.ts): it loses the claim when it dies. */
import { randomBytes } from "node:crypto";
import { currentBootId, isAlive, processStartTime } from "./state";

/** This process, with a number of its own each time. */
export function thisProcess(): string {
    const startTime = processStartTime(process.pid) ?? 0;
    return [process.pid, startTime, currentBootId(), randomBytes(4).toString("hex")].join("_");
}

/** True when the process that holds a claim so has ended. */
export function isGone(holder: string): boolean {
    const [pid = "", startTime = "", bootId = ""] = holder.split("_");
    return !isAlive({ pid: Number(pid), startTime: Number(startTime), bootId });
}
