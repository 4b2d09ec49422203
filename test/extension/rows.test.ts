/** What the rows of the Containers view say of a container. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { detailRows } from "../../extension/view/details";
import { lookAlike } from "../../extension/view/drawn";
import { containerRow, figures, stateIcon } from "../../extension/view/rows";
import { FIGURE_SPACE } from "../../extension/view/format";
import type { ContainerState } from "../../server/protocol";
import { container, exited, MIB, paused, running, usage } from "./examples";

const states: Record<string, ContainerState> = {
    created: { kind: "created" },
    running,
    paused,
    "exited well": exited(),
    "exited badly": exited({ exitCode: 3 }),
    "out of memory": exited({ exitCode: null, signal: "SIGKILL", oomKilled: true }),
    lost: { kind: "lost" },
    broken: { kind: "broken", reason: "config.json is no JSON" },
};

suite("the row of a container", () => {
    test("shows CPU and memory of its limit when it runs", () => {
        const row = containerRow(container(), { usage: usage({ memoryLimit: 100 * MIB }) });
        assert.equal(row.label, "web");
        assert.equal(row.description.replaceAll(FIGURE_SPACE, "_"), "_12.3%  45.1 / 100 MiB");
    });

    test("is as wide whatever the figures are", () => {
        const memoryLimit = 100 * MIB;
        const widths = [
            figures(usage({ cpu: undefined, memory: 0, memoryLimit })),
            figures(usage({ cpu: 0, memory: 4096, memoryLimit })),
            figures(usage({ cpu: 0.0987, memory: 9.9 * MIB, memoryLimit })),
            figures(usage({ cpu: 1, memory: 100 * MIB, memoryLimit })),
            figures(usage({ cpu: 16, memory: 55 * MIB, memoryLimit })),
        ].map((text) => text.length);
        assert.equal(new Set(widths).size, 1, `widths ${widths.join(", ")}`);
    });

    test("says that it runs as long as there are no figures", () => {
        assert.equal(containerRow(container(), {}).description, "running");
    });

    test("says that it is paused, and not what it uses", () => {
        const row = containerRow(container({ state: paused }), { usage: usage({ cpu: 0 }) });
        assert.equal(row.description, "paused");
        assert.match(row.contextValue, /^container;paused;/);
        assert.equal(containerRow(container(), { activity: "pausing" }).description, "pausing…");
    });

    test("leaves out a figure that the host cannot give", () => {
        const row = containerRow(container(), { usage: usage({ memory: undefined }) });
        assert.equal(row.description.trim(), "12.3%");
    });

    test("says how the container ended", () => {
        const description = (state: ContainerState) =>
            containerRow(container({ state }), {}).description;
        assert.equal(description(exited()), "exited");
        assert.equal(description(exited({ exitCode: 3 })), "exited with code 3");
        assert.equal(
            description(exited({ exitCode: null, signal: "SIGTERM" })),
            "ended by SIGTERM",
        );
        assert.equal(
            description(exited({ exitCode: null, signal: "SIGKILL", oomKilled: true })),
            "killed, out of memory",
        );
        assert.equal(description({ kind: "lost" }), "ended, nobody saw how");
    });

    test("says what is being done, whatever the figures are", () => {
        const row = containerRow(container(), { usage: usage(), activity: "stopping" });
        assert.equal(row.description, "stopping…");
        assert.equal(row.icon.id, "loading~spin");
        assert.match(row.contextValue, /;busy$/);
    });

    test("need not be drawn again for what nobody would notice", () => {
        const drawn = usage({ cpu: 0.5, memory: 45 * MIB, memoryLimit: 100 * MIB });
        assert.ok(lookAlike(drawn, { ...drawn, cpu: 0.505, memory: 45.5 * MIB, time: 1 }));
        assert.ok(!lookAlike(drawn, { ...drawn, cpu: 0.55 }));
        assert.ok(!lookAlike(drawn, { ...drawn, memory: 47 * MIB }));
        assert.ok(!lookAlike(drawn, { ...drawn, memoryLimit: 200 * MIB }));
        assert.ok(!lookAlike({ ...drawn, cpu: undefined }, drawn));
        assert.ok(lookAlike({ ...drawn, cpu: 0 }, { ...drawn, cpu: 0.003 }));
    });

    test("keeps why something failed", () => {
        const row = containerRow(container({ state: exited() }), { failure: "No such file." });
        assert.equal(row.description, "exited — No such file.");
        assert.equal(row.spoken, "web, exited, No such file.");
    });

    test("is spoken in whole words", () => {
        const row = containerRow(container(), {
            usage: usage({ memoryLimit: 100 * MIB }),
        });
        assert.equal(
            row.spoken,
            "web, running, CPU 12 percent, memory 45 mebibytes of 100 mebibytes",
        );
    });

    test("has facets for the menus", () => {
        const facets = (changes: Parameters<typeof container>[0]) =>
            containerRow(container(changes), {}).contextValue;
        assert.equal(facets({}), "container;running;command");
        assert.equal(facets({ command: [] }), "container;running");
        assert.equal(
            facets({ limits: { memory: MIB }, state: exited() }),
            "container;exited;command;limited",
        );
    });

    test("has another shape in each state, not only another colour", () => {
        const shapes = Object.values(states).map((state) => stateIcon(state).id);
        assert.equal(new Set(shapes).size, shapes.length, shapes.join(", "));
    });
});

test("a container that was told to end did not fail", () => {
    for (const exit of [{ exitCode: null, signal: "SIGTERM" }, { exitCode: 143 }]) {
        assert.equal(stateIcon(exited(exit)).id, stateIcon(exited()).id);
    }
    for (const exit of [{ exitCode: null, signal: "SIGSEGV" }, { exitCode: 1 }]) {
        assert.notEqual(stateIcon(exited(exit)).id, stateIcon(exited()).id);
    }
});

suite("the rows below a container", () => {
    const byKey = (...args: Parameters<typeof detailRows>) =>
        new Map(detailRows(...args).map((detail) => [detail.key, detail]));

    test("draw what was used lately", () => {
        const memoryLimit = 100 * MIB;
        const rows = byKey(container({ limits: { cpu: 0.5 } }), [
            usage({ cpu: 0, memory: 0, memoryLimit }),
            usage({ cpu: 0.5, memory: 100 * MIB, memoryLimit, pids: 3, pidsLimit: 10 }),
        ]);
        assert.equal(rows.get("cpu")?.value, "50.0% of 50.0%");
        assert.match(rows.get("cpu")?.description ?? "", /▁█$/);
        assert.equal(rows.get("memory")?.value, "100 / 100 MiB");
        assert.equal(rows.get("pids")?.value, "3 / 10");
    });

    test("tell the limits of a container that does not run", () => {
        const limits = { memory: 100 * MIB, cpu: 0.5, pids: 64 };
        const rows = byKey(container({ state: exited(), limits }), []);
        assert.equal(rows.get("memory")?.value, "at most 100 MiB");
        assert.equal(rows.get("cpu")?.value, "at most 50.0%");
        assert.equal(rows.get("pids")?.value, "at most 64");
        assert.equal(rows.has("pid"), false);
    });

    test("tell command, root file system, process and id", () => {
        const rows = byKey(
            container({
                command: ["sh", "-c", "sleep 1"],
                rootfs: { kind: "imported", name: "d" },
            }),
            [],
        );
        assert.equal(rows.get("command")?.value, "sh -c 'sleep 1'");
        assert.equal(rows.get("rootfs")?.value, "d");
        assert.equal(rows.get("pid")?.value, "4711");
        assert.equal(rows.get("id")?.value, "0123456789ab");
    });
});
