/** Which endings of containers are told, and how. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { endingText } from "../../extension/endingText";
import type { ContainerState, Limits } from "../../server/protocol";
import { container, exited, MIB, running } from "./examples";

function told(state: ContainerState, limits: Limits = {}): string | undefined {
    return endingText(container({ state, limits }));
}

const oom = exited({ exitCode: null, signal: "SIGKILL", oomKilled: true });

test("a kill for want of memory is explained with the limit", () => {
    assert.equal(
        told(oom, { memory: 100 * MIB }),
        "“web” was killed by the kernel: it reached its memory limit of 100 MiB.",
    );
    assert.match(told(oom) ?? "", /this computer ran out of memory/);
});

test("crashes and failures are told", () => {
    const crash = exited({ exitCode: null, signal: "SIGSEGV" });
    assert.equal(told(crash), "“web” crashed: SIGSEGV.");
    assert.equal(told(exited({ exitCode: 3 })), "“web” ended with exit code 3.");
    assert.match(told({ kind: "lost" }) ?? "", /nobody saw how/);
});

test("an end that somebody wanted is no news", () => {
    for (const signal of ["SIGTERM", "SIGKILL", "SIGINT", "SIGHUP"]) {
        assert.equal(told(exited({ exitCode: null, signal })), undefined, signal);
    }
    assert.equal(told(exited({ exitCode: 143 })), undefined, "a shell that was terminated");
    assert.equal(told(exited()), undefined);
    assert.equal(told(running), undefined);
    assert.equal(told({ kind: "created" }), undefined);
});
