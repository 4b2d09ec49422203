/**
 * Flow control up to the eye. VS Code takes whatever an extension's terminal writes and does not
 * say when it was shown, so a flood would pile up there and Ctrl-C would come minutes late.
 * Terminals do answer questions, though, and in order: now and then one is put into the output,
 * and its answer means that everything before it was shown.
 *
 * The question is DECRQM, "is mode N set?", for private modes that do not exist: it changes
 * nothing, and the answer ("not recognized") names N, so it is told from all other input.
 */
import { WINDOW_BYTES } from "../../server/protocol";
import { EscapeTracker } from "./escapes";

/** Bytes after which it is asked again. */
const ASK_EVERY_BYTES = 32 * 1024;

/** Bytes that may be under way. The backend's window is larger than a terminal needs; what is
 * shown after Ctrl-C is at most what is under way. */
const TERMINAL_WINDOW_BYTES = 256 * 1024;

/** Inside one endless sequence nothing can be asked; from here on it is not waited for. */
const NEVER_ASKED_BYTES = 128 * 1024;

/** A terminal that does not know the question must not stop its session: milliseconds until the
 * answers that are missing are taken as given. */
const PATIENCE_MS = 1000;

/** The modes asked for: this and the next few. */
const FIRST_MODE = 7_700_000;
const MODES = 1000;

// eslint-disable-next-line no-control-regex -- an escape sequence is what is looked for
const ANSWER = /\x1b\[\?(\d{7});\d\$y/g;

interface Question {
    mode: number;
    bytes: number;
}

export class FlowControl {
    private readonly tracker = new EscapeTracker();
    private readonly questions: Question[] = [];
    private asked = 0;
    private unasked = 0;
    private heldBack = 0;
    private patience: NodeJS.Timeout | undefined;

    /**
     * @param acknowledge tells the backend that so many more bytes were shown
     */
    constructor(private readonly acknowledge: (bytes: number) => void) {}

    /**
     * What to write for output that came: the text, with a question where one is due.
     *
     * @param bytes that the text was sent as
     */
    pass(text: string, bytes: number): string {
        this.tracker.read(text);
        this.unasked += bytes;
        if (this.unasked < ASK_EVERY_BYTES) {
            return text;
        }
        if (!this.tracker.betweenSequences) {
            if (this.unasked >= NEVER_ASKED_BYTES) {
                this.consumed(this.unasked);
                this.unasked = 0;
            }
            return text;
        }
        const mode = FIRST_MODE + (this.asked++ % MODES);
        this.questions.push({ mode, bytes: this.unasked });
        this.unasked = 0;
        this.waitForAnswer();
        return `${text}\x1b[?${mode}$p`;
    }

    /** Takes the answers out of what the terminal sends; what is left the user typed. */
    takeAnswers(input: string): string {
        return input.replace(ANSWER, (whole, digits: string) => {
            const mode = Number(digits);
            if (mode < FIRST_MODE || mode >= FIRST_MODE + MODES) {
                return whole;
            }
            // A container may ask the same to make us believe in answers; only the oldest counts.
            if (this.questions[0]?.mode === mode) {
                this.answered(1);
            }
            return "";
        });
    }

    /** No more answers are waited for. */
    dispose(): void {
        clearTimeout(this.patience);
        this.questions.length = 0;
    }

    /** The oldest questions were answered, or may be taken to be. */
    private answered(count: number): void {
        const questions = this.questions.splice(0, count);
        this.waitForAnswer();
        this.consumed(questions.reduce((sum, { bytes }) => sum + bytes, 0));
    }

    private waitForAnswer(): void {
        clearTimeout(this.patience);
        if (this.questions.length > 0) {
            this.patience = setTimeout(() => {
                this.answered(this.questions.length);
            }, PATIENCE_MS);
        }
    }

    private consumed(bytes: number): void {
        const kept = Math.min(bytes, WINDOW_BYTES - TERMINAL_WINDOW_BYTES - this.heldBack);
        this.heldBack += kept;
        if (bytes > kept) {
            this.acknowledge(bytes - kept);
        }
    }
}
