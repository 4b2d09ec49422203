/** The text of a log document: plain, and never larger than a bound. */
import type { LogLine } from "../../server/protocol";

/** Characters a document holds at most. */
export const MAX_CHARACTERS = 1024 * 1024;

/** After the bound was passed: room for a while, so that not every line moves all others. */
const KEEP = 0.75;

/** A line beyond this part of the bound is broken. */
const LONGEST_LINE = 0.1;

// CSI sequences; strings (OSC, DCS, …) up to their terminator; other escapes; then what is left of
// control characters, except tab.
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CSI = /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]/g;
// eslint-disable-next-line no-control-regex -- as above
const STRINGS = /(?:\x1b[P\]X^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)/g;
// eslint-disable-next-line no-control-regex -- as above
const OTHER = /\x1b[ -/]*[0-~]?|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g;

/**
 * A line as an editor can show it: without control sequences, and of a line that was written over
 * (a progress bar with carriage returns) what it said last.
 */
export function plain(text: string): string {
    const stripped = text.replace(STRINGS, "").replace(CSI, "").replace(OTHER, "");
    const parts = stripped.split("\r").filter((part) => part !== "");
    return (parts.at(-1) ?? "").replaceAll("\n", "");
}

/** A log's last lines. */
export class LogText {
    private text = "";
    /** The last line of a stream may go on: what there is of it so far, as it came. */
    private readonly unfinished = { stdout: "", stderr: "" };
    private isCut = false;

    constructor(private readonly maxCharacters = MAX_CHARACTERS) {}

    /** Whether older lines were dropped to stay within the bound. */
    get cut(): boolean {
        return this.isCut;
    }

    get length(): number {
        const { stdout, stderr } = this.unfinished;
        return this.text.length + stdout.length + stderr.length;
    }

    append(lines: readonly LogLine[]): void {
        let added = "";
        for (const { stream, text, partial } of lines) {
            this.unfinished[stream] += text;
            if (
                partial !== true ||
                this.unfinished[stream].length > this.maxCharacters * LONGEST_LINE
            ) {
                added += `${plain(this.unfinished[stream])}\n`;
                this.unfinished[stream] = "";
            }
        }
        this.text += added;
        if (this.text.length > this.maxCharacters) {
            const from = this.text.length - Math.floor(this.maxCharacters * KEEP);
            // From the beginning of a line, if one begins there at all.
            const lineEnd = this.text.indexOf("\n", from - 1);
            this.text = this.text.slice(lineEnd + 1 < this.text.length ? lineEnd + 1 : from);
            this.isCut = true;
        }
    }

    clear(): void {
        this.text = "";
        this.unfinished.stdout = "";
        this.unfinished.stderr = "";
        this.isCut = false;
    }

    toString(): string {
        const { stdout, stderr } = this.unfinished;
        return [stdout, stderr].filter((line) => line !== "").reduce(addLine, this.text);
    }
}

function addLine(text: string, line: string): string {
    return `${text}${plain(line)}\n`;
}
