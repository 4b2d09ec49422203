/** Figures as text: what they say, and that they keep their width. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
    bar,
    FIGURE_SPACE,
    formatBytes,
    formatCommand,
    formatCpu,
    formatDuration,
    formatLimit,
    formatMemory,
    padFigure,
    sparkline,
} from "../../extension/view/format";

const KIB = 1024;
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

suite("figures", () => {
    test("CPU is percent of one core", () => {
        assert.equal(formatCpu(0), "0.0%");
        assert.equal(formatCpu(0.1234), "12.3%");
        assert.equal(formatCpu(1), "100%");
        assert.equal(formatCpu(12.34), "1234%");
    });

    test("CPU just below 100 % is not printed wider than 100 %", () => {
        assert.equal(formatCpu(0.9994), "99.9%");
        assert.equal(formatCpu(0.9999), "100%");
    });

    test("bytes have the largest unit that leaves at least one", () => {
        assert.equal(formatBytes(0), "0 B");
        assert.equal(formatBytes(1023), "1023 B");
        assert.equal(formatBytes(KIB), "1.0 KiB");
        assert.equal(formatBytes(45.12 * MIB), "45.1 MiB");
        assert.equal(formatBytes(100 * MIB), "100 MiB");
        assert.equal(formatBytes(2.5 * GIB), "2.5 GiB");
    });

    test("bytes that would be rounded to 1024 of a unit are one of the next", () => {
        assert.equal(formatBytes(1023.9 * KIB), "1.0 MiB");
        assert.equal(formatBytes(1023.4 * MIB), "1023 MiB");
    });

    test("no figure of bytes has more than four digits", () => {
        for (let bytes = 1; bytes < 2 ** 50; bytes = Math.ceil(bytes * 1.37)) {
            const [figure = ""] = formatBytes(bytes).split(" ");
            assert.ok(figure.length <= 4, `${bytes} is printed as ${figure}`);
        }
    });

    test("a limit has no needless decimal", () => {
        assert.equal(formatLimit(4 * MIB), "4 MiB");
        assert.equal(formatLimit(1.5 * GIB), "1.5 GiB");
    });

    test("memory has the unit of its limit", () => {
        assert.equal(formatMemory(45.1 * MIB, 100 * MIB), "45.1 / 100 MiB");
        assert.equal(formatMemory(100 * KIB, 100 * MIB), "0.1 / 100 MiB");
        assert.equal(formatMemory(512 * MIB, 2 * GIB), "0.5 / 2 GiB");
        assert.equal(formatMemory(45.1 * MIB, undefined), "45.1 MiB");
    });

    test("padding is as wide as digits are", () => {
        assert.equal(padFigure("1.0%", 6), `${FIGURE_SPACE}${FIGURE_SPACE}1.0%`);
        assert.equal(padFigure("12345", 4), "12345");
    });

    test("durations have at most two units", () => {
        const second = 1000;
        const minute = 60 * second;
        const hour = 60 * minute;
        assert.equal(formatDuration(-5), "0 s");
        assert.equal(formatDuration(59.9 * second), "59 s");
        assert.equal(formatDuration(12 * minute + 3 * second), "12 min");
        assert.equal(formatDuration(3 * hour), "3 h");
        assert.equal(formatDuration(3 * hour + 20 * minute), "3 h 20 min");
        assert.equal(formatDuration(50 * hour), "2 d 2 h");
    });
});

suite("graphs", () => {
    test("a bar is always as long", () => {
        assert.equal(bar(0, 4), "░░░░");
        assert.equal(bar(0.5, 4), "██░░");
        assert.equal(bar(1, 4), "████");
    });

    test("a bar shows a little use, and no more than all", () => {
        assert.equal(bar(0.001, 4), "█░░░");
        assert.equal(bar(7, 4), "████");
        assert.equal(bar(-1, 4), "░░░░");
    });

    test("a sparkline is as high as its values are", () => {
        assert.equal(sparkline([0, 0.5, 1], 1), "▁▅█");
        assert.equal(sparkline([2], 1), "█");
    });

    test("a sparkline has a gap where a value is absent, and is flat without a top", () => {
        assert.equal(sparkline([undefined, 1], 1), " █");
        assert.equal(sparkline([0, 0], 0), "▁▁");
    });
});

test("a command is quoted as a shell would read it", () => {
    assert.equal(formatCommand(["ls", "-l", "/tmp"]), "ls -l /tmp");
    assert.equal(formatCommand(["sh", "-c", "echo it's"]), `sh -c 'echo it'\\''s'`);
    assert.equal(formatCommand(["printf", ""]), "printf ''");
    assert.equal(formatCommand([]), "");
});
