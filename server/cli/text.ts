/** Text that is safe to show on a terminal, whoever wrote it. */
import { stripVTControlCharacters } from "node:util";

/** C0, DEL and C1; line and paragraph separators; marks that reorder what stands around them. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]+/gu;

/** One line: escape sequences vanish, every run of other control characters becomes a space. */
export function printable(text: string): string {
    return stripVTControlCharacters(text).replace(UNPRINTABLE, " ").trim();
}

/** As {@link printable}, for a line of a log: tabs and the space around it stay. */
export function printableLine(text: string): string {
    return stripVTControlCharacters(text).replace(UNPRINTABLE, (run) =>
        run.includes("\t") ? "\t" : "",
    );
}
