/** The sums in the status bar, and what its hover lists. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { metersSpoken, metersText, writeMetersHover } from "../../extension/view/metersText";
import { totals } from "../../extension/view/totals";
import type { Usage } from "../../server/protocol";
import { container, exited, MIB, usage } from "./examples";
import { markdown } from "./markdown";

const web = container({ id: "aaaaaaaaaaaa", name: "web" });
const db = container({ id: "bbbbbbbbbbbb", name: "db" });
const fresh = container({ id: "cccccccccccc", name: "fresh" });
const old = container({ id: "dddddddddddd", name: "old", state: exited() });

const figures: Record<string, Usage> = {
    [web.id]: usage({ cpu: 0.1, memory: 95 * MIB, memoryLimit: 100 * MIB }),
    [db.id]: usage({ cpu: 0.4, memory: 100 * MIB }),
};

function sums(...containers: Parameters<typeof totals>[0]) {
    return totals(containers, (id) => figures[id], 0.9);
}

suite("the sums", () => {
    test("count what runs, and add what is known of it", () => {
        const all = sums(web, db, fresh, old);
        assert.equal(all.running, 3);
        assert.equal(all.cpu, 0.5);
        assert.equal(all.memory, 195 * MIB);
    });

    test("are absent, not 0, while nothing is known", () => {
        const { cpu, memory } = sums(fresh);
        assert.equal(cpu, undefined);
        assert.equal(memory, undefined);
    });

    test("name those near a limit, of memory or of processes", () => {
        assert.deepEqual(sums(web, db).nearLimit, [web]);
        const crowded = { [db.id]: usage({ pids: 9, pidsLimit: 10 }) };
        assert.deepEqual(totals([db], (id) => crowded[id], 0.9).nearLimit, [db]);
    });

    test("list the busiest first", () => {
        const names = sums(web, db).busiest.map((entry) => entry.container.name);
        assert.deepEqual(names, ["db", "web"]);
    });
});

suite("the status bar", () => {
    test("is as wide whatever the figures are", () => {
        const widths = [
            { running: 2, cpu: 0, memory: 0 },
            { running: 2 },
            { running: 2, cpu: 0.999, memory: 1023 * MIB },
            { running: 2, cpu: 2.5, memory: 4 * MIB },
        ].map((some) => metersText({ ...some, busiest: [], nearLimit: [] }).length);
        assert.equal(new Set(widths).size, 1, `widths ${widths.join(", ")}`);
    });

    test("is spoken in words", () => {
        assert.equal(
            metersSpoken(sums(web, db)),
            "2 containers run, CPU 50 percent, memory 195 MiB, web near a limit",
        );
        assert.equal(metersSpoken(sums()), "0 containers run");
    });

    test("tells in its hover who uses most, and who is near a limit", () => {
        const hover = markdown();
        writeMetersHover(hover, sums(web, db), { cpus: 2, memory: 1024 * MIB });
        const text = hover.value();
        assert.match(text, /0\.50 of 2 cores/);
        assert.match(text, /195 MiB of 1 GiB/);
        assert.ok(text.indexOf("db") < text.indexOf("web"), text);
        assert.match(text, /web.*\$\(warning\) 95% of a limit/);
    });

    test("says in its hover that nothing runs", () => {
        const hover = markdown();
        writeMetersHover(hover, sums(old), undefined);
        assert.equal(hover.value(), "No container is running.");
    });
});
