import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, suite, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { StatsSample } from "../../server/protocol";
import { Sampler, type Reader } from "../../server/sampler";

let running: string[];
let opened: string[];
let closed: string[];
let sampler: Sampler;
/** Microseconds of cpu that each reading adds. */
let spent: number;

function open(id: string): Reader {
    opened.push(id);
    let used = 0;
    return {
        read: () => {
            used += spent;
            return running.includes(id) ? { time: Date.now(), cpuUsageUsec: used } : undefined;
        },
        close: () => void closed.push(id),
    };
}

/** A client that takes each sample at once, or never. */
function subscriber(intervalMs: number, takes = true) {
    const samples: StatsSample[] = [];
    const send = (sample: StatsSample) => {
        samples.push(sample);
        return takes ? Promise.resolve() : new Promise<void>(() => undefined);
    };
    return { samples, intervalMs, send };
}

/** Lets the mocked time go on when samples have been taken, and again until they are. */
async function pass(milliseconds: number): Promise<void> {
    await setImmediate();
    mock.timers.tick(milliseconds);
    await setImmediate();
}

beforeEach(() => {
    running = ["a"];
    opened = [];
    closed = [];
    spent = 1000;
    sampler = new Sampler({ running: () => running, open });
    mock.timers.enable({ apis: ["setTimeout"] });
});

afterEach(() => {
    sampler.dispose();
    mock.timers.reset();
    mock.restoreAll();
});

suite("the sampler", () => {
    test("reads nothing before somebody subscribes, and nothing after the last one left", async () => {
        await pass(10_000);
        assert.deepEqual(opened, []);
        const owner = {};
        const one = subscriber(1000);
        sampler.subscribe(owner, one);
        await pass(1000);
        assert.equal(one.samples.length, 2);
        sampler.unsubscribe(owner);
        await pass(10_000);
        assert.equal(one.samples.length, 2);
        assert.deepEqual(closed, ["a"]);
    });

    test("samples at the fastest interval asked for, and tells all", async () => {
        const [slow, fast] = [subscriber(1000), subscriber(250)];
        sampler.subscribe(slow, slow);
        sampler.subscribe(fast, fast);
        const before = slow.samples.length;
        for (let i = 0; i < 4; i++) {
            await pass(250);
        }
        assert.equal(slow.samples.length - before, 4);
        sampler.unsubscribe(fast);
        const rest = slow.samples.length;
        await pass(999);
        assert.equal(slow.samples.length, rest);
        await pass(1);
        assert.equal(slow.samples.length, rest + 1);
    });

    test("takes another interval from one who subscribes again, who still gets each sample once", async () => {
        const one = subscriber(250);
        sampler.subscribe(one, one);
        sampler.subscribe(one, { ...one, intervalMs: 1000 });
        const before = one.samples.length;
        await pass(1000);
        assert.equal(one.samples.length, before + 1);
    });

    test("opens a container once, and closes it when it does not run any more", async () => {
        running = ["a", "b"];
        const one = subscriber(250);
        sampler.subscribe(one, one);
        await pass(250);
        await pass(250);
        assert.deepEqual(opened.sort(), ["a", "b"]);
        running = ["b"];
        await pass(250);
        assert.deepEqual(closed, ["a"]);
        assert.deepEqual(Object.keys(one.samples.at(-1)!.usage), ["b"]);
    });

    test("says once that nothing runs, sleeps, and wakes up when something starts", async () => {
        const one = subscriber(250);
        sampler.subscribe(one, one);
        running = [];
        await pass(250);
        assert.deepEqual(one.samples.at(-1)!.usage, {});
        const asleep = one.samples.length;
        await pass(10_000);
        assert.equal(one.samples.length, asleep);
        running = ["b"];
        sampler.containersChanged();
        await pass(250);
        assert.deepEqual(Object.keys(one.samples.at(-1)!.usage), ["b"]);
        assert.equal(one.samples.length, asleep + 2);
    });

    test("goes on with a container that was restarted between two looks", async () => {
        let life = 1;
        const born = () => {
            const mine = life;
            const read = () => (mine === life ? { time: Date.now() } : undefined);
            return { read, close: () => undefined };
        };
        const restarted = new Sampler({ running: () => running, open: born });
        const one = subscriber(250);
        restarted.subscribe(one, one);
        life = 2;
        await pass(250);
        assert.deepEqual(Object.keys(one.samples.at(-1)!.usage), ["a"]);
        const before = one.samples.length;
        await pass(250);
        assert.equal(one.samples.length, before + 1);
        restarted.dispose();
    });

    test("sends no second sample to a client that has not taken the first", async () => {
        const [stuck, fine] = [subscriber(250, false), subscriber(250)];
        sampler.subscribe(stuck, stuck);
        sampler.subscribe(fine, fine);
        for (let i = 0; i < 20; i++) {
            await pass(250);
        }
        assert.equal(stuck.samples.length, 1);
        assert.ok(fine.samples.length > 15, `${fine.samples.length}`);
    });

    test("has no rate in the first sample of a container, and none after it was started again", async () => {
        let now = 1000;
        mock.method(performance, "now", () => now);
        const one = subscriber(250);
        sampler.subscribe(one, one);
        now += 250;
        spent = 50_000;
        await pass(250);
        const cpu = () => one.samples.at(-1)!.usage.a!.cpu;
        assert.equal(one.samples[0]!.usage.a!.cpu, undefined);
        assert.equal(cpu(), 0.2);
        now += 250;
        spent = -40_000;
        await pass(250);
        assert.equal(cpu(), undefined);
    });

    test("keeps on with the others when one cannot be read", async () => {
        running = ["bad", "good"];
        sampler = new Sampler({
            running: () => running,
            open: (id) => {
                if (id === "bad") {
                    throw new Error("EMFILE: too many open files");
                }
                return open(id);
            },
        });
        const one = subscriber(250);
        sampler.subscribe(one, one);
        await pass(250);
        assert.deepEqual(Object.keys(one.samples.at(-1)!.usage), ["good"]);
    });
});

suite("the usage of one container", () => {
    beforeEach(() => mock.timers.reset());

    test("is read twice, so that its rate is known", async () => {
        spent = 50_000;
        const usage = await sampler.usage("a");
        // 50 ms of cpu in the 100 ms or a little more between the two.
        assert.ok(
            usage?.cpu !== undefined && usage.cpu > 0.1 && usage.cpu <= 0.55,
            `${usage?.cpu}`,
        );
        assert.deepEqual(closed, ["a"]);
    });

    test("is nothing when it has no cgroup", async () => {
        running = [];
        assert.equal(await sampler.usage("a"), undefined);
        assert.deepEqual(closed, ["a"]);
    });
});
