/** Names and numbers of signals (signal(7)). */
import { constants } from "node:os";

const numbers: Record<string, number> = constants.signals;

/** "SIGKILL" for 9; realtime signals are counted from SIGRTMIN, which is 34 with glibc and musl. */
export function signalName(number: number): string {
    const known = Object.keys(numbers).find((name) => numbers[name] === number);
    return known ?? (number >= 34 ? `SIGRTMIN+${number - 34}` : `SIG${number}`);
}

/** Number of "SIGHUP", "HUP" or "1", in either case; undefined when there is no such signal. */
export function signalNumber(text: string): number | undefined {
    const name = text.toUpperCase();
    const [, digits] = /^(?:SIG)?([0-9]+)$/.exec(name) ?? [];
    if (digits !== undefined) {
        const number = Number(digits);
        return number >= 1 && number <= 64 ? number : undefined;
    }
    const realtime = /^(?:SIG)?RTMIN(?:\+([0-9]{1,2}))?$/.exec(name);
    if (realtime !== null) {
        const number = 34 + Number(realtime[1] ?? 0);
        return number <= 64 ? number : undefined;
    }
    return Object.hasOwn(numbers, name) ? numbers[name] : numbers[`SIG${name}`];
}
