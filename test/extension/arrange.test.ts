/** Filter, order and groups of the Containers view. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { groupOf, matches, type Order, sorted } from "../../extension/view/arrange";
import type { Usage } from "../../server/protocol";
import { container, exited, usage } from "./examples";

const web = container({ id: "aaaaaaaaaaaa", name: "web", createdAt: "2026-03-01T10:00:00Z" });
const db2 = container({ id: "bbbbbbbbbbbb", name: "db2", createdAt: "2026-03-01T12:00:00Z" });
const db10 = container({ id: "cccccccccccc", name: "db10", createdAt: "2026-03-01T11:00:00Z" });
const old = container({ id: "dddddddddddd", name: "a-stopped-one", state: exited() });

const figures: Record<string, Usage> = {
    [web.id]: usage({ cpu: 0.1, memory: 300 }),
    [db2.id]: usage({ cpu: 0.9, memory: 100 }),
    [db10.id]: usage({ cpu: 0.5, memory: 200 }),
};

function names(order: Order): string[] {
    return sorted([old, db10, web, db2], order, (id) => figures[id]).map(({ name }) => name);
}

suite("the order", () => {
    test("has running containers first, numbers in names as numbers", () => {
        assert.deepEqual(names("name"), ["db2", "db10", "web", "a-stopped-one"]);
    });

    test("can have the newest first", () => {
        assert.deepEqual(names("created"), ["db2", "db10", "web", "a-stopped-one"]);
    });

    test("can have the busiest or the largest first", () => {
        assert.deepEqual(names("cpu"), ["db2", "db10", "web", "a-stopped-one"]);
        assert.deepEqual(names("memory"), ["web", "db10", "db2", "a-stopped-one"]);
    });

    test("does not change the list it is given", () => {
        const list = [web, db2];
        sorted(list, "name", () => undefined);
        assert.deepEqual(list, [web, db2]);
    });
});

suite("the filter", () => {
    test("lets everything pass when it is empty", () => {
        assert.ok(matches(web, ""));
        assert.ok(matches(web, "  "));
    });

    test("finds a name by some of its letters, in either case", () => {
        assert.ok(matches(old, "stp"));
        assert.ok(matches(web, "WB"));
        assert.ok(!matches(web, "bw"));
    });

    test("finds id, command, root file system and state as they stand", () => {
        const found = container({
            command: ["/usr/bin/python3", "-m", "http.server"],
            rootfs: { kind: "imported", name: "debian" },
        });
        assert.ok(matches(found, "0123"));
        assert.ok(matches(found, "http.server"));
        assert.ok(matches(found, "debian"));
        assert.ok(matches(found, "running"));
        assert.ok(!matches(found, "0321"));
    });

    test("wants every word", () => {
        assert.ok(matches(web, "web running"));
        assert.ok(!matches(web, "web exited"));
    });
});

test("a damaged one, of which little is known, is among the oldest, and found by its state", () => {
    const bad = container({
        name: "bad",
        rootfs: undefined,
        command: [],
        createdAt: "",
        state: { kind: "broken", reason: "config.json is no JSON" },
    });
    const order = sorted([bad, old, web], "created", () => undefined);
    assert.deepEqual(
        order.map(({ name }) => name),
        ["web", "a-stopped-one", "bad"],
    );
    assert.ok(matches(bad, "broken"));
    assert.ok(!matches(bad, "host"));
    assert.equal(groupOf(bad, "rootfs"), "–");
});

test("groups are states or root file systems", () => {
    assert.equal(groupOf(old, "state"), "exited");
    assert.equal(groupOf(web, "rootfs"), "host");
    const rootfs = { kind: "directory", path: "/srv/root" } as const;
    assert.equal(groupOf(container({ rootfs }), "rootfs"), "/srv/root");
});
