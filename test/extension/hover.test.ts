/** The hover of a container. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { HOVER_COMMANDS, type Subject, writeHover } from "../../extension/view/hover";
import { container, exited, MIB, paused, STARTED, usage } from "./examples";
import { markdown, type RecordedMarkdown } from "./markdown";

const now = Date.parse(STARTED) + 3 * 60_000;

function hover(subject: Partial<Subject>): RecordedMarkdown {
    const written = markdown();
    writeHover(written, { container: container(), history: [], now, ...subject });
    return written;
}

/** The commands that links in the hover run. */
function linked(written: RecordedMarkdown): string[] {
    return [...written.markup().matchAll(/\(command:([\w.]+)\?/g)].map(([, id = ""]) => id);
}

suite("the hover of a container", () => {
    test("tells since when it runs", () => {
        assert.ok(hover({}).texts().includes("running for 3 min"));
    });

    test("tells how and when it ended", () => {
        const subject = { container: container({ state: exited({ exitCode: 3 }) }) };
        const later = Date.parse("2026-03-01T12:07:00Z");
        assert.ok(
            hover({ ...subject, now: later })
                .texts()
                .includes("exited with code 3, 2 min ago"),
        );
    });

    test("draws what is used of the limits, and the last minute", () => {
        const memoryLimit = 100 * MIB;
        const history = [
            usage({ cpu: 0, memoryLimit }),
            usage({ cpu: 0.5, memory: 50 * MIB, memoryLimit, pids: 5, pidsLimit: 10 }),
        ];
        const text = hover({ container: container({ limits: { cpu: 0.5 } }), history }).value();
        assert.match(text, /CPU \| `█{20}` \| 50\.0% of 50\.0%/);
        assert.match(text, /`▁█` \| last minute/);
        assert.match(text, /Memory \| `█{10}░{10}` \| 50\.0 \/ 100 MiB/);
        assert.match(text, /Processes \| `█{10}░{10}` \| 5 \/ 10/);
    });

    test("tells what keeps it waiting, where that is worth a word", () => {
        const pressure = { cpu: { some: 41.6, full: 0 }, memory: { some: 0.2 }, io: { some: 3 } };
        const held = hover({ history: [usage({ throttledUsec: 95_000_000, pressure })] }).value();
        assert.match(held, /Throttled \| +\| 1 min by its limit of CPU/);
        assert.match(held, /Waiting for \| +\| CPU 42 %, Disk 3 %/);
        const idle = hover({ history: [usage({ throttledUsec: 0, pressure: {} })] }).value();
        assert.doesNotMatch(idle, /Throttled|Waiting/);
    });

    test("draws a minute of samples no wider than a bar, without losing a peak", () => {
        const history = Array.from({ length: 60 }, (_, at) => usage({ cpu: at === 30 ? 1 : 0 }));
        const text = hover({ history }).value();
        const [, graph = ""] = /`([▁-█]+)` \| last minute/.exec(text) ?? [];
        assert.equal(graph.length, 20);
        assert.match(graph, /█/);
    });

    test("gives as text, to be escaped, all that containers or people wrote", () => {
        const nasty = "[x](command:evil) $(sync~spin) `<b>` |";
        const written = hover({
            container: container({
                name: nasty,
                command: [nasty],
                rootfs: { kind: "directory", path: nasty },
            }),
            failure: nasty,
        });
        assert.ok(!written.markup().includes("evil"), written.markup());
        assert.equal(written.texts().filter((text) => text.includes("evil")).length, 4);
    });

    test("cuts long commands", () => {
        const written = hover({ container: container({ command: ["x".repeat(5000)] }) });
        assert.ok(written.value().length < 2000);
    });

    test("links only to commands that its owner allows", () => {
        const states = [undefined, paused, exited(), { kind: "lost" } as const];
        for (const state of states) {
            const commands = linked(hover({ container: container(state && { state }) }));
            assert.ok(commands.length > 0);
            for (const command of commands) {
                assert.ok((HOVER_COMMANDS as readonly string[]).includes(command), command);
            }
        }
    });

    test("offers what fits the state", () => {
        assert.ok(linked(hover({})).includes("myContainerManager.stop"));
        const still = hover({ container: container({ state: paused }) });
        assert.ok(still.texts().includes("paused, started 3 min ago"));
        assert.ok(linked(still).includes("myContainerManager.resume"));
        assert.ok(linked(still).includes("myContainerManager.stop"));
        assert.ok(!linked(still).includes("myContainerManager.openShell"));
        const stopped = linked(hover({ container: container({ state: exited() }) }));
        assert.ok(stopped.includes("myContainerManager.start"));
        assert.ok(!stopped.includes("myContainerManager.openShell"));
        const broken = container({ state: { kind: "broken", reason: "no JSON" } });
        assert.deepEqual(linked(hover({ container: broken })), []);
    });
});
