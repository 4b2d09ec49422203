import assert from "node:assert/strict";
import { existsSync, renameSync, writeFileSync } from "node:fs";
import files, { appendFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, suite, test, type TestContext } from "node:test";
import { followEntries, presentEntries } from "../../server/follow";
import { EntryDecoder, LogCursor, parseEntry, type LogEntry } from "../../server/logs";
import { eventually } from "../support/fixtures";

const TIME = "2026-01-02T03:04:05.678901Z";
const never = new AbortController().signal;

let directory: string;
let log: string;

beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "mcm-streams logs-"));
    log = path.join(directory, "log");
});

afterEach(async () => {
    await rm(directory, { recursive: true });
});

function entry(text: string, tag = "F", stream = "stdout"): string {
    return `${TIME} ${stream} ${tag} ${text}\n`;
}

/** Text of a log of lines `from`…`to`. */
function numbered(from: number, to: number): string {
    return Array.from({ length: to - from + 1 }, (_, i) => entry(`line ${from + i}`)).join("");
}

async function read(tail?: number): Promise<string[]> {
    const cursor = await LogCursor.open(log, tail);
    try {
        return texts(await collect(presentEntries(cursor, never)));
    } finally {
        await cursor.close();
    }
}

async function collect(batches: AsyncIterable<LogEntry[]>): Promise<LogEntry[]> {
    const entries: LogEntry[] = [];
    for await (const batch of batches) {
        entries.push(...batch);
    }
    return entries;
}

function texts(entries: LogEntry[]): string[] {
    return entries.map(({ data }) => data.toString());
}

suite("entries of a log", () => {
    test("have a time, a stream and a text that may hold anything", () => {
        const parsed = parseEntry(Buffer.from(`${TIME} stderr F  two  spaces: F P é`));
        assert.deepEqual(parsed, {
            time: TIME,
            stream: "stderr",
            partial: false,
            data: Buffer.from(" two  spaces: F P é"),
        });
    });

    test("may be empty or partial", () => {
        assert.equal(parseEntry(Buffer.from(`${TIME} stdout F `))?.data.length, 0);
        assert.equal(parseEntry(Buffer.from(`${TIME} stdout F`))?.data.length, 0);
        assert.equal(parseEntry(Buffer.from(`${TIME} stdout P abc`))?.partial, true);
    });

    test("that are damaged are nothing", () => {
        for (const damaged of ["", "x", TIME, `${TIME} stdin F x`, "\0\0\0 \0 "]) {
            assert.equal(parseEntry(Buffer.from(damaged)), undefined, damaged);
        }
    });

    test("decode to text with a character cut in two whole again, for each stream apart", () => {
        const decoder = new EntryDecoder();
        const [first, rest] = [Buffer.from("é").subarray(0, 1), Buffer.from("é").subarray(1)];
        const common = { time: TIME, partial: true } as const;
        const lines = [
            decoder.decode({ ...common, stream: "stdout", data: first }),
            decoder.decode({ ...common, stream: "stderr", data: Buffer.from("x") }),
            decoder.decode({ ...common, stream: "stdout", partial: false, data: rest }),
            decoder.decode({ ...common, stream: "stdout", partial: false, data: first }),
        ];
        assert.deepEqual(
            lines.map(({ text }) => text),
            ["", "x", "é", "\ufffd"],
        );
        assert.equal("partial" in lines[2]!, false);
    });
});

suite("reading a log", () => {
    test("gives nothing when there is none", async () => {
        assert.deepEqual(await read(), []);
        assert.deepEqual(await read(5), []);
    });

    test("begins with the older file", async () => {
        await writeFile(`${log}.1`, numbered(1, 2));
        await writeFile(log, numbered(3, 4));
        assert.deepEqual(await read(), ["line 1", "line 2", "line 3", "line 4"]);
    });

    test("passes over damaged entries", async () => {
        await writeFile(log, `${entry("a")}\0\0\0garbage\n${entry("b")}`);
        assert.deepEqual(await read(), ["a", "b"]);
    });

    for (const [tail, expected] of [
        [0, []],
        [1, ["line 4"]],
        [2, ["line 3", "line 4"]],
        [3, ["line 2", "line 3", "line 4"]],
        [9, ["line 1", "line 2", "line 3", "line 4"]],
    ] as const) {
        test(`gives the last ${tail} lines of both files`, async () => {
            await writeFile(`${log}.1`, numbered(1, 2));
            await writeFile(log, numbered(3, 4));
            assert.deepEqual(await read(tail), expected);
        });
    }

    test("counts partial entries as parts of their line, and an unfinished line as one", async () => {
        const whole = entry("a") + entry("b1", "P") + entry("b2", "P") + entry("b3");
        await writeFile(log, whole);
        assert.deepEqual(await read(1), ["b1", "b2", "b3"]);
        await writeFile(log, `${whole}${entry("c1", "P")}`);
        assert.deepEqual(await read(1), ["c1"]);
        assert.deepEqual(await read(2), ["b1", "b2", "b3", "c1"]);
    });

    test("finds the last lines of a large file, whatever the blocks cut", async () => {
        const count = 30_000;
        await writeFile(log, numbered(1, count));
        for (const tail of [1, 1499, 1500, 20_000]) {
            const lines = await read(tail);
            assert.equal(lines.length, tail);
            assert.equal(lines[0], `line ${count - tail + 1}`);
            assert.equal(lines.at(-1), `line ${count}`);
        }
    });

    test("finds the last lines among ones longer than a block", async () => {
        const long = "x".repeat(200_000);
        await writeFile(log, entry("a") + entry(long) + entry("b") + entry(long) + entry("c"));
        assert.deepEqual(await read(2), [long, "c"]);
        assert.deepEqual(await read(4), [long, "b", long, "c"]);
    });
});

suite("a log that is rotated while it is read", () => {
    /** Does something just before the `nth` look at a file (open(2), stat(2)) from now on. */
    function before(context: TestContext, nth: number, happens: () => void): void {
        let looks = 0;
        for (const look of ["open", "stat"] as const) {
            const real = files[look] as (...args: unknown[]) => Promise<unknown>;
            context.mock.method(files, look, (...args: unknown[]) => {
                if (++looks === nth) {
                    happens();
                }
                return real(...args);
            });
        }
    }

    /** What is read when all that happens comes before the `nth` look; none when that never is. */
    async function rotatedAt(nth: number, context: TestContext): Promise<string[]> {
        await rm(`${log}.1`, { force: true });
        await writeFile(log, entry("a"));
        const cursor = await LogCursor.open(log);
        const seen = texts(await cursor.read());
        await rename(log, `${log}.1`);
        before(context, nth, () => {
            writeFileSync(log, entry("b"));
            renameSync(log, `${log}.1`);
            writeFileSync(log, entry("c"));
        });
        seen.push(...texts(await cursor.read()));
        context.mock.restoreAll();
        seen.push(...texts(await collect(presentEntries(cursor, never))));
        await cursor.close();
        return existsSync(log) ? seen : [];
    }

    test("loses nothing, whenever a rotation ends and one more comes", async (t) => {
        let nth = 1;
        for (let seen; (seen = await rotatedAt(nth, t)).length > 0; nth++) {
            assert.deepEqual(seen, ["a", "b", "c"], `at look ${nth}`);
            await rm(log);
        }
        assert.ok(nth > 2, "reading looked at files");
    });
});

suite("following a log", () => {
    let ended: AbortController;
    beforeEach(() => {
        ended = new AbortController();
    });
    // Whatever became of the test: a follower that goes on would hold it up.
    afterEach(() => ended.abort());

    /** Follows in the background; `finish` tells that the container has ended. */
    async function follow(tail?: number) {
        const cursor = await LogCursor.open(log, tail);
        const seen: string[] = [];
        const done = (async () => {
            for await (const batch of followEntries(cursor, log, ended.signal, never)) {
                seen.push(...texts(batch));
            }
            await cursor.close();
        })();
        const saw = (text: string) =>
            eventually(() => seen.includes(text), `"${text}" to be followed`);
        return {
            seen,
            saw,
            finish: async () => {
                ended.abort();
                await done;
                return seen;
            },
        };
    }

    test("gives what is appended, and at the end what was written just before it", async () => {
        await writeFile(log, entry("a"));
        const following = await follow();
        await following.saw("a");
        await appendFile(log, entry("b"));
        await following.saw("b");
        await appendFile(log, entry("c"));
        assert.deepEqual(await following.finish(), ["a", "b", "c"]);
    });

    test("waits for an entry that is written in two halves", async () => {
        await writeFile(log, entry("a") + entry("bcd").slice(0, -3));
        const following = await follow();
        await following.saw("a");
        await appendFile(log, entry("bcd").slice(-3));
        await following.saw("bcd");
        assert.deepEqual(await following.finish(), ["a", "bcd"]);
    });

    test("begins before there is a log", async () => {
        const following = await follow(3);
        await writeFile(log, entry("a"));
        await following.saw("a");
        assert.deepEqual(await following.finish(), ["a"]);
    });

    test("loses and repeats nothing when the log is rotated again and again", async () => {
        await writeFile(log, "");
        const following = await follow();
        const total = 2000;
        for (let first = 1; first <= total; first += 100) {
            await appendFile(log, numbered(first, first + 99));
            await rename(log, `${log}.1`);
            await writeFile(log, "");
            // The log keeps two files: a follower that is slower than that must lose entries.
            await following.saw(`line ${first + 99}`);
        }
        const expected = Array.from({ length: total }, (_, i) => `line ${i + 1}`);
        assert.deepEqual(await following.finish(), expected);
    });

    test("finds the file between when two rotations come at once", async () => {
        await writeFile(log, entry("a"));
        const following = await follow();
        await following.saw("a");
        await appendFile(log, entry("b"));
        await rename(log, `${log}.1`);
        await writeFile(log, entry("c"));
        await rename(log, `${log}.1`);
        await writeFile(log, entry("d"));
        await following.saw("d");
        assert.deepEqual(await following.finish(), ["a", "b", "c", "d"]);
    });

    test("ends with the reason of its signal when that aborts", async () => {
        await writeFile(log, entry("a"));
        const cursor = await LogCursor.open(log);
        const cancel = new AbortController();
        const following = collect(followEntries(cursor, log, never, cancel.signal));
        cancel.abort(new Error("enough"));
        await assert.rejects(following, /enough/);
        await cursor.close();
    });
});
