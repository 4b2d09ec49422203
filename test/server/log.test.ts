import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { Log, type LogEntry } from "../../server/log";

let directory: string;
let file: string;

beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "mcm log "));
    file = path.join(directory, "backend.log");
});

afterEach(() => rm(directory, { recursive: true }));

test("an entry is one line with its time and level, for root only", async () => {
    const log = new Log(file);
    log.info("began");
    log.error("a\nb\u001b[31m");
    const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
    assert.match(lines[0]!, /^\d{4}-\d\d-\d\dT[0-9:.]+Z info began$/);
    assert.match(lines[1]!, /^\S+ error a\\u000ab\\u001b\[31m$/);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
});

test("it goes on where an earlier backend's log ended", async () => {
    new Log(file).info("first");
    new Log(file).info("second");
    assert.match(await readFile(file, "utf8"), /first\n.*second\n$/);
});

test("it is bounded: an old part is kept aside, an older one is not", async () => {
    const log = new Log(file);
    for (let index = 0; index < 3000; index++) {
        log.info(`${index} ${"x".repeat(1000)}`);
    }
    const sizes = [(await stat(file)).size, (await stat(`${file}.1`)).size];
    assert.ok(Math.max(...sizes) <= 1024 * 1024, String(sizes));
    assert.match(await readFile(file, "utf8"), / 2999 x+\n$/);
});

test("whoever listens hears every entry until it stops listening", () => {
    const log = new Log();
    const heard: LogEntry[] = [];
    const stop = log.onEntry((entry) => heard.push(entry));
    log.warn("one");
    stop();
    log.warn("two");
    assert.deepEqual(
        heard.map(({ level, message }) => [level, message]),
        [["warn", "one"]],
    );
});

test("a log that cannot be written stops nothing", () => {
    new Log(path.join(directory, "absent", "backend.log")).info("lost");
});
