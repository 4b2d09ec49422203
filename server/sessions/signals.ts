/** Names and numbers of signals (signal(7)). */
import { constants } from "node:os";

const numbers: Record<string, number> = constants.signals;

/** "SIGKILL" for 9; realtime signals are counted from SIGRTMIN, which is 34 with glibc and musl. */
export function signalName(number: number): string {
    const known = Object.keys(numbers).find((name) => numbers[name] === number);
    return known ?? (number >= 34 ? `SIGRTMIN+${number - 34}` : `SIG${number}`);
}
