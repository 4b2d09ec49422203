import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ResponseError } from "vscode-jsonrpc";
import {
    CliError,
    UNSUPPORTED,
    debugDetails,
    describeError,
    exitCodeOf,
} from "../../server/cli/errors";
import { ErrorCode, type ErrorData } from "../../server/protocol";

function refused(message: string, data: ErrorData = {}, code = ErrorCode.Invalid): Error {
    return new ResponseError(code, message, data);
}

suite("errors in words", () => {
    test("are one line, whatever a container has put into them", () => {
        assert.equal(describeError(refused("no\x1b[2J\nway")), "no way");
        assert.equal(describeError("thrown"), "thrown");
    });

    test("name the option that a refused parameter came from", () => {
        const told = (field: string): string =>
            describeError(refused(`${field}: "x" is not it`, { field }));
        assert.equal(told("limits.memory"), '--memory: "x" is not it');
        assert.equal(told("volumes.0.source"), '--volume: "x" is not it');
        assert.equal(told("graceSeconds"), '--time: "x" is not it');
        assert.equal(told("rootfs.name"), '--rootfs: "x" is not it');
        assert.equal(told("container"), 'container: "x" is not it');
        assert.equal(describeError(refused("elsewhere", { field: "user" })), "elsewhere");
    });

    test("that lie with the computer lead to mcm doctor", () => {
        assert.equal(UNSUPPORTED, ErrorCode.Unsupported);
        const lacks = refused("No.", { step: "clone" }, ErrorCode.Unsupported);
        assert.equal(describeError(lacks), "No. See also: mcm doctor");
        const older = refused("No.", {}, ErrorCode.Unsupported);
        assert.equal(describeError(older), "No.");
    });

    test("have the exit code of what failed", () => {
        const exec = (errno: string): Error =>
            refused("exec failed", { step: "exec", errno }, ErrorCode.NativeFailed);
        assert.equal(exitCodeOf(exec("ENOENT")), 127);
        assert.equal(exitCodeOf(exec("EACCES")), 126);
        assert.equal(exitCodeOf(refused("no", { step: "clone", errno: "ENOENT" })), 125);
        assert.equal(exitCodeOf(new CliError("no")), 125);
        assert.equal(exitCodeOf(new TypeError("a bug")), 125);
    });

    test("have their code, their data and where they came from for MCM_DEBUG", async () => {
        const text = await debugDetails(refused("no", { errno: "EPERM" }, ErrorCode.Denied));
        assert.match(
            text,
            /^Error: no\n +at [\s\S]*\ncode 6 \(Denied\), data \{"errno":"EPERM"\}$/,
        );
    });
});
