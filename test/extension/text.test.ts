/** Errors into words and next steps. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ResponseError } from "vscode-jsonrpc/node";
import { explain } from "../../extension/text";
import { ErrorCode, type ErrorData } from "../../server/protocol";

function told(code: number, message: string, data?: ErrorData) {
    const trouble = explain(new ResponseError(code, message, data));
    return trouble ?? assert.fail("nothing was told");
}

const codes = Object.values(ErrorCode).filter((code) => typeof code === "number");

suite("an error of the backend", () => {
    test("is told with its message and its hint", () => {
        const { message } = told(ErrorCode.NotFound, "There is no container web", {
            hint: "List them.",
        });
        assert.equal(message, "There is no container web. List them.");
    });

    test("is not told twice where the message ends with the hint", () => {
        const { message } = told(ErrorCode.Invalid, "Bad. Write 100M.", { hint: "Write 100M." });
        assert.equal(message, "Bad. Write 100M.");
    });

    test("offers what can be done next", () => {
        const commands = (code: ErrorCode) => told(code, "x").next.map(({ command }) => command);
        assert.deepEqual(commands(ErrorCode.NotRunning), ["myContainerManager.start"]);
        assert.deepEqual(commands(ErrorCode.Running), ["myContainerManager.stop"]);
        assert.deepEqual(commands(ErrorCode.Broken), ["myContainerManager.remove"]);
        assert.ok(commands(ErrorCode.Unsupported).includes("myContainerManager.checkComputer"));
        assert.ok(commands(ErrorCode.NativeFailed).includes("myContainerManager.showOutput"));
    });

    test("never shows a stack trace, whatever its code", () => {
        for (const code of [...codes, -32603, 12345]) {
            assert.doesNotMatch(told(code, "It failed").message, /\bat \S+ \(|\n/);
        }
    });
});

test("a cancelled request is nothing to tell", () => {
    assert.equal(explain(new ResponseError(-32800, "cancelled")), undefined);
    const cancelled = new Error("Canceled");
    cancelled.name = "Canceled";
    assert.equal(explain(cancelled), undefined);
});

test("without a backend, starting one is offered", () => {
    const gone = new Error("The connection to the backend was lost.");
    gone.name = "BackendUnavailable";
    const trouble = explain(gone) ?? assert.fail("nothing was told");
    assert.equal(trouble.message, "The connection to the backend was lost.");
    assert.deepEqual(
        trouble.next.map(({ command }) => command),
        ["myContainerManager.startBackend"],
    );
});

test("anything else is told as what it is: unexpected", () => {
    const trouble =
        explain(new TypeError("x is not a function")) ?? assert.fail("nothing was told");
    assert.equal(trouble.message, "Something went wrong: x is not a function.");
    assert.deepEqual(
        trouble.next.map(({ command }) => command),
        ["myContainerManager.showOutput"],
    );
    assert.equal(explain("odd")?.message, "Something went wrong: odd.");
});
