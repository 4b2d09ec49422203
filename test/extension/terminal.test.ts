/** What a terminal does with the stream of a session: flow control, keys, line by line. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, suite, test } from "node:test";
import { EscapeTracker } from "../../extension/terminal/escapes";
import { FlowControl } from "../../extension/terminal/flow";
import { LineEditor, withCarriageReturns } from "../../extension/terminal/lineEditor";
import { WINDOW_BYTES } from "../../server/protocol";

suite("a place between sequences", () => {
    function ends(...pieces: string[]): boolean {
        const tracker = new EscapeTracker();
        for (const piece of pieces) {
            tracker.read(piece);
        }
        return tracker.betweenSequences;
    }

    test("is after text and after whole sequences", () => {
        for (const text of [
            "",
            "text",
            "\x1b[31mred\x1b[0m",
            "\x1b]0;title\x07",
            "\x1b]0;title\x1b\\",
            "\x1bP+q544e\x1b\\",
            "\x1b(B",
            "\x1b7",
            "\x9b1m",
            "\x1b[?2026h",
        ]) {
            assert.equal(ends(text), true, JSON.stringify(text));
        }
    });

    test("is not inside of one", () => {
        for (const text of [
            "\x1b",
            "\x1b[",
            "\x1b[31",
            "\x1b(",
            "\x1b]0;title",
            "\x1b]8;;http://x\x1b",
            "\x1bPdata",
            "\x1bPbell does not end this\x07",
            "\x1b_string",
            "\x9d0;title",
        ]) {
            assert.equal(ends(text), false, JSON.stringify(text));
        }
    });

    test("is found wherever the output is cut", () => {
        const text = "a\x1b[1;31mb\x1b]0;t\x07c\x1bPq\x1b\\d\x1b(Be";
        const whole = Array.from(text, (_, index) => ends(text.slice(0, index)));
        for (let cut = 0; cut < text.length; cut++) {
            for (let end = cut; end < text.length; end++) {
                assert.equal(ends(text.slice(0, cut), text.slice(cut, end)), whole[end]);
            }
        }
    });

    test("is back after an abort", () => {
        assert.equal(ends("\x1b]0;never ends", "\x18"), true);
        assert.equal(ends("\x1b[1\x1a"), true);
    });
});

// eslint-disable-next-line no-control-regex -- an escape sequence is what is looked for
const QUESTION = /^\x1b\[\?(\d+)\$p$/;

suite("flow control", () => {
    const KIB = 1024;
    const line = "y".repeat(KIB - 2) + "\r\n";
    let acknowledged: number;
    let flow: FlowControl;

    beforeEach(() => {
        mock.timers.enable({ apis: ["setTimeout"] });
        acknowledged = 0;
        flow = new FlowControl((bytes) => (acknowledged += bytes));
    });

    afterEach(() => {
        flow.dispose();
        mock.timers.reset();
    });

    /** Passes so many KiB, and gives the questions that went along. */
    function pass(kib: number): string[] {
        const questions: string[] = [];
        for (let count = 0; count < kib; count++) {
            const written = flow.pass(line, KIB);
            assert.ok(written.startsWith(line));
            if (written.length > line.length) {
                questions.push(written.slice(line.length));
            }
        }
        return questions;
    }

    /** The answer of xterm.js to DECRQM for a mode that it does not know. */
    function answer(question: string): string {
        const mode = QUESTION.exec(question)?.[1];
        assert.ok(mode, JSON.stringify(question));
        return `\x1b[?${mode};0$y`;
    }

    test("leaves a little output alone", () => {
        assert.deepEqual(pass(10), []);
    });

    test("asks the terminal about every so often", () => {
        const questions = pass(128);
        assert.equal(questions.length, 4);
        assert.equal(new Set(questions).size, 4);
    });

    test("lets at most a quarter of a mebibyte be under way", () => {
        const questions = pass(WINDOW_BYTES / KIB);
        assert.equal(acknowledged, 0);
        let shown = 0;
        for (const question of questions) {
            assert.equal(flow.takeAnswers(answer(question)), "");
            shown += 32 * KIB;
            assert.equal(acknowledged, Math.max(0, shown - (WINDOW_BYTES - 256 * KIB)));
        }
    });

    test("gives what was typed between the answers", () => {
        const [first = "", second = ""] = pass(64);
        assert.equal(flow.takeAnswers(`a${answer(first)}b${answer(second)}\x03`), "ab\x03");
        assert.equal(flow.takeAnswers("\x1b[?7;1$y"), "\x1b[?7;1$y", "another program's question");
        assert.equal(flow.takeAnswers("\x1b[5;10R"), "\x1b[5;10R");
    });

    test("does not believe in answers that are not due", () => {
        const questions = pass(WINDOW_BYTES / KIB);
        for (const question of questions.slice(1)) {
            flow.takeAnswers(answer(question));
        }
        assert.equal(acknowledged, 0);
        flow.takeAnswers(answer(questions[0] ?? ""));
        flow.takeAnswers(answer(questions[0] ?? ""));
        // The first of 32 was shown, and that is less than what is held back for good.
        assert.equal(acknowledged, 0);
    });

    test("goes on, slowly, in a terminal that never answers", () => {
        pass(WINDOW_BYTES / KIB);
        mock.timers.tick(999);
        assert.equal(acknowledged, 0);
        mock.timers.tick(1);
        assert.equal(acknowledged, 256 * KIB);
        pass(256);
        mock.timers.tick(1000);
        assert.equal(acknowledged, 512 * KIB);
    });

    test("asks nothing inside a sequence", () => {
        flow.pass("\x1b]52;c;", 7);
        for (let count = 0; count < 100; count++) {
            assert.equal(flow.pass("A".repeat(KIB), KIB), "A".repeat(KIB));
        }
        const end = flow.pass("\x07", 1);
        assert.match(end.slice(1), QUESTION);
    });

    test("does not stop at a sequence that never ends", () => {
        flow.pass("\x1bP", 2);
        for (let count = 0; count < 2 * KIB; count++) {
            flow.pass("A".repeat(KIB), KIB);
        }
        assert.ok(acknowledged > WINDOW_BYTES);
    });
});

suite("a line editor in front of a program without a terminal", () => {
    test("shows what is typed and sends whole lines", () => {
        const editor = new LineEditor();
        assert.deepEqual(editor.type("ls"), {
            echo: "ls",
            input: "",
            interrupt: false,
            end: false,
        });
        assert.equal(editor.type("\r").input, "ls\n");
    });

    test("takes back characters and lines", () => {
        const editor = new LineEditor();
        assert.equal(editor.type("lß\x7f").echo, "lß\b \b");
        assert.equal(editor.type("s\r").input, "ls\n");
        assert.equal(editor.type("wrong\x15").echo, `wrong${"\b \b".repeat(5)}`);
        assert.equal(editor.type("\x7fright\r").input, "right\n");
    });

    test("sends every line of what is pasted", () => {
        assert.equal(new LineEditor().type("one\rtwo\rthr").input, "one\ntwo\n");
    });

    test("interrupts, and forgets the line", () => {
        const editor = new LineEditor();
        const edited = editor.type("abc\x03");
        assert.equal(edited.interrupt, true);
        assert.equal(edited.echo, "abc^C\r\n");
        assert.equal(editor.type("d\r").input, "d\n");
    });

    test("ends the input at the beginning of a line, and otherwise sends the line as it is", () => {
        const editor = new LineEditor();
        assert.deepEqual(editor.type("abc\x04"), {
            echo: "abc",
            input: "abc",
            interrupt: false,
            end: false,
        });
        assert.equal(editor.type("\x04").end, true);
    });

    test("ignores keys that move about", () => {
        assert.equal(new LineEditor().type("a\x1b[Ab\x1b[1;5C\x1bOPc\r").input, "abc\n");
    });

    test("shows lines from the left", () => {
        assert.equal(withCarriageReturns("a\nb\r\nc"), "a\r\nb\r\nc");
    });
});
