/**
 * Ranges of host ids for containers: 65,536 each, from a region that neither people nor
 * /etc/subuid have, so that no id inside any container is anybody outside or in another one.
 */
import { readFile } from "node:fs/promises";
import { unless } from "./files";

/** Ids of one container. */
export const RANGE_SIZE = 65_536;

/** Where ours begin; systemd calls this region the one for containers (uid allocation docs). */
export const FIRST_ID = 0x3000_0000;

/** How many ranges there are below 0x70000000, where that region ends. */
export const SLOT_COUNT = (0x7000_0000 - FIRST_ID) / RANGE_SIZE;

/** First host id of a slot. */
export function slotBase(slot: number): number {
    return FIRST_ID + slot * RANGE_SIZE;
}

/** A range that somebody else was given. */
interface ForeignRange {
    first: number;
    count: number;
}

/** The ranges of a file in the form of subuid(5); lines that are none are skipped. */
export function parseSubordinate(text: string): ForeignRange[] {
    return Array.from(text.matchAll(/^[^:\n]+:([0-9]+):([0-9]+)\s*$/gm), (match) => ({
        first: Number(match[1]),
        count: Number(match[2]),
    }));
}

/** Ranges that /etc/subuid and /etc/subgid give to users. */
export async function foreignRanges(): Promise<ForeignRange[]> {
    const files = ["/etc/subuid", "/etc/subgid"];
    const texts = files.map((file) => readFile(file, "utf8").catch(unless("ENOENT")));
    return (await Promise.all(texts)).flatMap((text) => parseSubordinate(text ?? ""));
}

/** The slots that are free, lowest first: not `taken` and nobody else's. */
export function* freeSlots(taken: Set<number>, foreign: ForeignRange[]): Generator<number> {
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
        const base = slotBase(slot);
        const others = foreign.some(
            ({ first, count }) => first < base + RANGE_SIZE && base < first + count,
        );
        if (!taken.has(slot) && !others) {
            yield slot;
        }
    }
}
