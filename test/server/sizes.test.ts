import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCpu, parseMemory } from "../../server/sizes";

test("a memory size is digits with a binary unit in either case", () => {
    assert.equal(parseMemory("1048576"), 1048576);
    assert.equal(parseMemory("100M"), 100 * 1024 ** 2);
    assert.equal(parseMemory("100m"), 100 * 1024 ** 2);
    assert.equal(parseMemory("64KiB"), 64 * 1024);
    assert.equal(parseMemory("64kb"), 64 * 1024);
    assert.equal(parseMemory("2G"), 2 * 1024 ** 3);
    assert.equal(parseMemory("1T"), 1024 ** 4);
    assert.equal(parseMemory("10B"), 10);
});

test("a memory size that is anything else is refused", () => {
    const wrong = [
        "100Q",
        "-1",
        "+1",
        "1e9",
        "1.5G",
        "",
        " 1M",
        "1M ",
        "M",
        "0x10",
        "1 M",
        "1iB",
        "9999999T",
    ];
    for (const text of wrong) {
        assert.equal(parseMemory(text), undefined, text);
    }
});

test("cpu is a decimal number of cores", () => {
    assert.equal(parseCpu("0.5"), 0.5);
    assert.equal(parseCpu("2"), 2);
    assert.equal(parseCpu(".25"), 0.25);
    assert.equal(parseCpu("0.01"), 0.01);
});

test("cpu that is no decimal, or less than the kernel can give, is refused", () => {
    for (const text of ["NaN", "0", "0,5", "0.009", "-1", "1e1", "Infinity", "", "9000", "1."]) {
        assert.equal(parseCpu(text), undefined, text);
    }
});
