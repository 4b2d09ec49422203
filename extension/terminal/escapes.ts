/** Where in a stream of terminal output an own sequence may be put without breaking another. */

const ESC = 0x1b;
const BEL = 0x07;
/** CAN and SUB abort any sequence. */
const ABORTING = new Set([0x18, 0x1a]);
/** Second characters of the sequences that are followed by a string: DCS, SOS, PM, APC. */
const STRING_STARTS = new Set(Array.from("PX^_", (character) => character.charCodeAt(0)));
/** The 8-bit forms lie this much above the characters that follow an ESC in the 7-bit ones. */
const C1_OFFSET = 0x40;
const STRING_TERMINATOR = 0x9c;

type Place = "text" | "escape" | "control" | "string" | "osc";

/** Follows output as far as to know whether it stands between sequences. Of ECMA-48 it knows the
 * shapes, not the meanings. */
export class EscapeTracker {
    private place: Place = "text";

    /** Whether everything read so far ended, so that another sequence may begin here. */
    get betweenSequences(): boolean {
        return this.place === "text";
    }

    read(text: string): void {
        // Plain text is most of what there is; it is skipped at the speed of a search.
        let at = this.place === "text" ? nextStart(text, 0) : 0;
        while (at < text.length) {
            this.place = this.after(text.charCodeAt(at));
            at = this.place === "text" ? nextStart(text, at + 1) : at + 1;
        }
    }

    private after(code: number): Place {
        if (code === ESC) {
            return "escape";
        }
        if (ABORTING.has(code) || code === STRING_TERMINATOR) {
            return "text";
        }
        if (code >= 0x80 && code < 0xa0) {
            return afterEscape(code - C1_OFFSET);
        }
        switch (this.place) {
            case "text":
                return "text";
            case "escape":
                return afterEscape(code);
            case "control":
                return code >= 0x40 && code <= 0x7e ? "text" : "control";
            case "string":
                return "string";
            case "osc":
                return code === BEL ? "text" : "osc";
        }
    }
}

function afterEscape(code: number): Place {
    if (code === 0x5b) {
        return "control";
    }
    if (code === 0x5d) {
        return "osc";
    }
    if (STRING_STARTS.has(code)) {
        return "string";
    }
    // Intermediate characters come before the final one; other controls are carried out.
    return code < 0x30 ? "escape" : "text";
}

/** Index of the next character that may begin a sequence, or the length. */
function nextStart(text: string, from: number): number {
    STARTS.lastIndex = from;
    return STARTS.exec(text)?.index ?? text.length;
}

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const STARTS = /[\x1b\x80-\x9f]/g;
