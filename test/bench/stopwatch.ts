/** Times of contenders, side by side. */
import { run } from "../../scripts/lib/run";
import type { Contender } from "./contenders";
import type { Workshop } from "./workshop";

/** Milliseconds of each round, by the contender's name. */
export type Times = Map<string, number[]>;

/** Runs each contender once a round. A time lasts until everything that it started has ended. */
export async function stopwatch(
    workshop: Workshop,
    contenders: Contender[],
    rounds: number,
): Promise<Times> {
    const args = contenders.flatMap(({ argv, namespace, input }) => [
        ...[namespace, input, ...argv],
        ";",
    ]);
    const output = await run(workshop.program("stopwatch"), [String(rounds), ...args]);
    const times: Times = new Map(contenders.map(({ name }) => [name, []]));
    for (const line of output.trim().split("\n")) {
        const [index = NaN, microseconds = NaN] = line.split(" ").map(Number);
        times.get(contenders[index]?.name ?? "")?.push(microseconds / 1000);
    }
    return times;
}
