/** The step trace of the native programs: native/README.md. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { testContainer, type StatusEvent } from "./executor";

/** One event "step". */
interface TraceStep extends StatusEvent {
    who: string;
    step: string;
    call: string;
    detail: Record<string, string | number>;
    at: number;
    us: number;
}

function stepsOf(events: StatusEvent[]): TraceStep[] {
    return events.filter(({ event }) => event === "step") as TraceStep[];
}

test("without --trace a start says nothing but that it is done", async (t) => {
    const container = await testContainer(t);
    const { events } = await container.tryStart(["/bin/true"]);
    assert.deepEqual(
        events.map(({ event }) => event),
        ["started"],
    );
});

test("with --trace a start tells who does what before it says that it is done", async (t) => {
    const container = await testContainer(t);
    const { events } = await container.tryStart(["/bin/true"], { flags: ["--trace"] });
    assert.equal(events.at(-1)?.event, "started");
    const steps = stepsOf(events);
    assert.equal(steps.length, events.length - 1);
    assert.deepEqual(
        new Set(steps.map(({ who }) => who)),
        new Set(["launcher", "monitor", "child", "command"]),
    );
    const exec = steps.find(({ call }) => call === "execve");
    assert.deepEqual(exec?.detail, { path: "/bin/true", arguments: "/bin/true" });
});
