/** From times to the figures that are told of them. */
import type { Times } from "./stopwatch";

/** Milliseconds. */
export interface Figures {
    name: string;
    runs: number;
    median: number;
    p90: number;
    /** The median against the floor's. */
    ofFloor: number;
    /** The median against ours. */
    ofOurs: number;
}

/** The value below which that part of the sorted list lies; the upper one of two in the middle. */
export function percentile(sorted: readonly number[], part: number): number {
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}

/** The figures of all contenders; those named "floor" and "ours" are what the ratios refer to. */
export function figuresOf(times: Times): Figures[] {
    const sorted = new Map(
        [...times].map(([name, list]) => [name, [...list].sort((a, b) => a - b)]),
    );
    const median = (name: string): number => percentile(sorted.get(name) ?? [], 0.5);
    return [...sorted].map(([name, list]) => ({
        name,
        runs: list.length,
        median: median(name),
        p90: percentile(list, 0.9),
        ofFloor: median(name) / median("floor"),
        ofOurs: median(name) / median("ours"),
    }));
}
