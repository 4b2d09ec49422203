/** The text of log documents. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { LogText, plain } from "../../extension/logs/text";
import type { LogLine } from "../../server/protocol";

function line(text: string, more: Partial<LogLine> = {}): LogLine {
    return { time: "2026-01-01T00:00:00.000000Z", stream: "stdout", text, ...more };
}

suite("a plain line", () => {
    test("has no colours, titles or links", () => {
        assert.equal(plain("\x1b[1;31mred\x1b[0m \x1b]0;title\x07text"), "red text");
        assert.equal(plain("\x1b]8;;http://x/\x1b\\link\x1b]8;;\x1b\\"), "link");
        assert.equal(plain("\x1bP1$r\x1b\\a\x1b(Bb\x1b7c"), "abc");
        assert.equal(plain("\x9b31mred"), "red");
    });

    test("has no control characters but tabs", () => {
        assert.equal(plain("a\x00\x07\x08b\tc\x7f\u0085d"), "ab\tcd");
    });

    test("that was written over says what it said last", () => {
        assert.equal(plain("10%\r50%\r100%"), "100%");
        assert.equal(plain("done\r"), "done");
    });

    test("keeps every other character", () => {
        assert.equal(plain("ünïcödé 🐋 漢字"), "ünïcödé 🐋 漢字");
    });

    test("without the end of a sequence loses no more than the rest of the line", () => {
        const text = new LogText();
        text.append([line("before\x1b]0;title without an end"), line("after")]);
        assert.equal(text.toString(), "before\nafter\n");
    });
});

suite("a log's text", () => {
    test("is its lines", () => {
        const text = new LogText();
        text.append([line("one"), line(""), line("three")]);
        assert.equal(text.toString(), "one\n\nthree\n");
    });

    test("joins the parts of a line, and shows those that are there", () => {
        const text = new LogText();
        text.append([line("one ", { partial: true })]);
        assert.equal(text.toString(), "one \n");
        text.append([line("two")]);
        assert.equal(text.toString(), "one two\n");
    });

    test("does not join the parts of different streams", () => {
        const text = new LogText();
        text.append([line("out", { partial: true }), line("error", { stream: "stderr" })]);
        text.append([line("put")]);
        assert.equal(text.toString(), "error\noutput\n");
    });

    test("takes a sequence that was cut in two for one", () => {
        const text = new LogText();
        text.append([line("\x1b[3", { partial: true }), line("1mred")]);
        assert.equal(text.toString(), "red\n");
    });

    test("stays within its bound and begins with a whole line", () => {
        const text = new LogText(1000);
        for (let number = 0; number < 500; number++) {
            text.append([line(`line ${number}`)]);
            assert.ok(text.length <= 1000);
        }
        assert.equal(text.cut, true);
        assert.match(text.toString(), /^line \d+\n/);
        assert.match(text.toString(), /\nline 499\n$/);
        assert.ok(text.length >= 700, "no more is dropped than has to be");
    });

    test("stays within its bound when there is no line", () => {
        const text = new LogText(1000);
        for (let count = 0; count < 100; count++) {
            text.append([line("x".repeat(100), { partial: true })]);
            assert.ok(text.length <= 1200);
        }
    });

    test("is empty again after it was cleared", () => {
        const text = new LogText(10);
        text.append([line("more than ten characters"), line("x", { partial: true })]);
        text.clear();
        assert.equal(text.toString(), "");
        assert.equal(text.cut, false);
    });
});
