import assert from "node:assert/strict";
import { test } from "node:test";
import { randomName } from "../../server/names";
import {
    FIRST_ID,
    RANGE_SIZE,
    SLOT_COUNT,
    freeSlots,
    parseSubordinate,
    slotBase,
} from "../../server/ranges";
import * as schemas from "../../server/validate";
import { validate } from "../../server/validate";

test("the lowest free range is given first", () => {
    const [first, second] = freeSlots(new Set([0, 2]), []);
    assert.deepEqual([first, second], [1, 3]);
    assert.equal(slotBase(0), FIRST_ID);
    assert.equal(slotBase(1), FIRST_ID + RANGE_SIZE);
});

test("a range that overlaps one of /etc/subuid by a single id is skipped", () => {
    const foreign = [{ first: slotBase(1) - 1, count: 2 }];
    const [first] = freeSlots(new Set(), foreign);
    assert.equal(first, 2);
    const [beside] = freeSlots(new Set(), [{ first: slotBase(1), count: 1 }]);
    assert.equal(beside, 0);
});

test("no range reaches ids that mean something else", () => {
    assert.ok(slotBase(SLOT_COUNT) <= 2 ** 31);
    assert.deepEqual([...freeSlots(new Set(Array(SLOT_COUNT).keys()), [])], []);
});

test("lines of subuid(5) are read, and others skipped", () => {
    const text = "alice:100000:65536\n# a comment\n1000:165536:10\nbob:x:1\n\n";
    assert.deepEqual(parseSubordinate(text), [
        { first: 100000, count: 65536 },
        { first: 165536, count: 10 },
    ]);
});

test("every name that is made up is one that can be given", () => {
    for (let attempt = 0; attempt < 500; attempt++) {
        const name = randomName(attempt % 20);
        assert.equal(validate(schemas.containerSpecSchema, { name }).name, name);
    }
});
