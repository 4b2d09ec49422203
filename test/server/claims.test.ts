import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { Claims } from "../../server/claims";

let directory: string;
let claims: Claims;

beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "mcm claims "));
    claims = new Claims(path.join(directory, "claims"));
});

afterEach(() => rm(directory, { recursive: true }));

const alive = () => Promise.resolve(false);
const dead = () => Promise.resolve(true);

test("of many who want a claim at once exactly one gets it", async () => {
    const holders = Array.from({ length: 40 }, (_, index) => `holder-${index}`);
    const got = await Promise.all(holders.map((each) => claims.take("name-web", each, alive)));
    assert.equal(got.filter(Boolean).length, 1);
    assert.equal(await claims.holder("name-web"), holders[got.indexOf(true)]);
});

test("a claim that is given up can be taken by another", async () => {
    assert.ok(await claims.take("name-web", "a", alive));
    assert.ok(!(await claims.take("name-web", "b", alive)));
    await claims.give("name-web", "a");
    assert.ok(await claims.take("name-web", "b", alive));
});

test("taking what one has already is no failure", async () => {
    assert.ok(await claims.take("name-web", "a", alive));
    assert.ok(await claims.take("name-web", "a", alive));
});

test("giving up what another has taken since leaves it alone", async () => {
    assert.ok(await claims.take("name-web", "b", alive));
    await claims.give("name-web", "a");
    assert.equal(await claims.holder("name-web"), "b");
});

test("a claim whose holder is gone is taken over, by one of many", async () => {
    assert.ok(await claims.take("name-web", "gone", alive));
    const holders = Array.from({ length: 40 }, (_, index) => `holder-${index}`);
    const stale = (holder: string) => Promise.resolve(holder === "gone");
    const got = await Promise.all(holders.map((each) => claims.take("name-web", each, stale)));
    assert.equal(got.filter(Boolean).length, 1);
});

test("an empty claim, as a crash between unlink and rmdir leaves it, is free", async () => {
    await mkdir(path.join(directory, "claims", "name-web"), { recursive: true });
    assert.equal(await claims.holder("name-web"), undefined);
    assert.ok(await claims.take("name-web", "a", alive));
});

test("a sweep removes what died while taking a claim, and no claim", async () => {
    assert.ok(await claims.take("name-web", "a", dead));
    const left = path.join(directory, "claims", ".claim-abcdef");
    await mkdir(left);
    await writeFile(path.join(left, "b"), "");
    await claims.sweep();
    assert.deepEqual(await readdir(path.join(directory, "claims")), ["name-web"]);
    assert.deepEqual(await claims.list(), ["name-web"]);
});
