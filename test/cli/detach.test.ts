import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { DetachKeys } from "../../server/cli/detach";

/** What is passed on of these keystrokes, one read after the other. */
function typed(...reads: string[]): { passed: string; detached: boolean } {
    const keys = new DetachKeys();
    let passed = "";
    for (const read of reads) {
        const { input, detached } = keys.filter(Buffer.from(read, "latin1"));
        passed += input.toString("latin1");
        if (detached) {
            return { passed, detached };
        }
    }
    return { passed, detached: false };
}

suite("detach keys", () => {
    test("leave when they come in one read, in two, or after other keys", () => {
        assert.deepEqual(typed("\x10\x11"), { passed: "", detached: true });
        assert.deepEqual(typed("ls\x10", "\x11rest"), { passed: "ls", detached: true });
        assert.deepEqual(typed("\x10", "\x10\x11"), { passed: "\x10", detached: true });
    });

    test("are keys like others when something comes between them", () => {
        assert.deepEqual(typed("\x10", "x\x11"), { passed: "\x10x\x11", detached: false });
        assert.deepEqual(typed("\x11\x10", "a"), { passed: "\x11\x10a", detached: false });
        assert.deepEqual(typed("\x10", "\x10", "a"), { passed: "\x10\x10a", detached: false });
    });
});
