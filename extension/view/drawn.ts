/** What the rows on screen say, to tell which of them would say something else now. */
import type { Usage } from "../../server/protocol";

/** What a figure may change by without being drawn again: a share of itself, and percent points. */
const TOLERANCE = { share: 0.02, cpu: 0.005 };

/**
 * Whether two rows with these figures look as good as the same. A row that is drawn again loses the
 * hover that is about to show, so it is not done for what nobody would notice.
 */
export function lookAlike(a: Usage, b: Usage): boolean {
    return (
        isClose(a.cpu, b.cpu, TOLERANCE.cpu) &&
        isClose(a.memory, b.memory, 0) &&
        a.memoryLimit === b.memoryLimit
    );
}

function isClose(a: number | undefined, b: number | undefined, least: number): boolean {
    return a === undefined || b === undefined
        ? a === b
        : Math.abs(a - b) <= Math.max(least, TOLERANCE.share * Math.max(a, b));
}

export class Drawn {
    private readonly rows = new Map<string, { text: string; usage: Usage | undefined }>();

    /**
     * @param id of the row
     * @param text all that it says, in whatever form
     * @param usage the figures in it, if there are some
     */
    set(id: string, text: string, usage: Usage | undefined): void {
        this.rows.set(id, { text, usage });
    }

    clear(): void {
        this.rows.clear();
    }

    /** Whether the row is on screen and says something else than `text`. */
    differs(id: string, text: string): boolean {
        const row = this.rows.get(id);
        return row !== undefined && row.text !== text;
    }

    /** Whether the row shows figures. */
    hasFigures(id: string): boolean {
        return this.rows.get(id)?.usage !== undefined;
    }

    /** Whether the row's figures are too far from `usage` by now. */
    hasMoved(id: string, usage: Usage): boolean {
        const drawn = this.rows.get(id)?.usage;
        return drawn === undefined || !lookAlike(drawn, usage);
    }
}
