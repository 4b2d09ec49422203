/** From "is one running?" to a running backend, or to the reason why not. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
    firstStep,
    nextStep,
    type Outcome,
    type Result,
    type Step,
} from "../../extension/elevation/ladder";

const ROOT = 0;
const USER = 1000;

/** Climbs with these results; gives the steps that were done, and the end. */
function climb(uid: number, ...results: Result[]): { steps: string[]; outcome: Outcome } {
    const steps: string[] = [];
    let step: Step = firstStep;
    for (const result of results) {
        assert.notEqual(step.kind, "end", `${result.kind} comes after the end`);
        steps.push(step.kind);
        step = nextStep(step, result, uid);
    }
    if (step.kind !== "end") {
        assert.fail(`The climb goes on with ${step.kind}.`);
    }
    return { steps, outcome: step.outcome };
}

const absent: Result = { kind: "absent" };
const connected: Result = { kind: "connected" };
const started: Result = { kind: "started" };
const locked: Result = { kind: "locked" };
const noAgent: Result = { kind: "noAgent" };
const dismissed: Result = { kind: "dismissed" };

suite("the ladder", () => {
    test("uses a backend that answers without asking anything", () => {
        const { steps, outcome } = climb(USER, connected);
        assert.deepEqual(steps, ["connect"]);
        assert.deepEqual(outcome, { kind: "running" });
    });

    test("starts one directly for root", () => {
        const { steps, outcome } = climb(ROOT, absent, started, connected);
        assert.deepEqual(steps, ["connect", "direct", "connectToStarted"]);
        assert.deepEqual(outcome, { kind: "running" });
    });

    test("asks polkit for anybody else", () => {
        const { steps, outcome } = climb(USER, absent, locked, started, connected);
        assert.deepEqual(steps, ["connect", "lock", "prompt", "connectToStarted"]);
        assert.deepEqual(outcome, { kind: "running" });
    });

    test("asks in a terminal where nobody shows polkit's dialog", () => {
        const { steps, outcome } = climb(USER, absent, locked, noAgent, connected);
        assert.deepEqual(steps, ["connect", "lock", "prompt", "terminal"]);
        assert.deepEqual(outcome, { kind: "running" });
    });

    test("ends without a reason to show when the user dismissed the dialog", () => {
        const { outcome } = climb(USER, absent, locked, dismissed);
        assert.deepEqual(outcome, { kind: "dismissed" });
    });

    test("ends without a reason to show when the user closed the terminal", () => {
        const { outcome } = climb(USER, absent, locked, noAgent, dismissed);
        assert.deepEqual(outcome, { kind: "dismissed" });
    });

    test("says why when the user may not", () => {
        const denied: Result = { kind: "denied", reason: "Not authorized." };
        assert.deepEqual(climb(USER, absent, locked, denied).outcome, denied);
    });

    test("says why when the backend said why", () => {
        const failed: Result = { kind: "failed", reason: "No user namespaces." };
        assert.deepEqual(climb(ROOT, absent, failed).outcome, failed);
        assert.deepEqual(climb(USER, absent, locked, failed).outcome, failed);
    });

    test("says so when a backend said it is ready but does not answer", () => {
        const { outcome } = climb(ROOT, absent, started, absent);
        assert.equal(outcome.kind, "failed");
    });

    test("ends a backend of another version, and goes on as if there were none", () => {
        const outdated: Result = { kind: "outdated", reason: "It is version 2." };
        const { steps, outcome } = climb(ROOT, outdated, absent, started, connected);
        assert.deepEqual(steps, ["connect", "replace", "direct", "connectToStarted"]);
        assert.deepEqual(outcome, { kind: "running" });
        const stuck = climb(ROOT, outdated, absent, started, outdated);
        assert.deepEqual(stuck.outcome, { kind: "failed", reason: "It is version 2." });
    });

    test("waits while another window asks, and uses what came of it", () => {
        const { steps, outcome } = climb(USER, absent, { kind: "busy" }, connected);
        assert.deepEqual(steps, ["connect", "lock", "waitForOther"]);
        assert.deepEqual(outcome, { kind: "running" });
    });

    test("does not ask again when the other window was told no", () => {
        const { outcome } = climb(USER, absent, { kind: "busy" }, { kind: "released" });
        assert.deepEqual(outcome, { kind: "dismissed" });
    });
});
