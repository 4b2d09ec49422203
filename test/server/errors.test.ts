import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import type { McmError } from "../../server/errors";
import { MEANINGS, nativeError, systemError } from "../../server/errors";
import { ErrorCode } from "../../server/protocol";
import { root } from "../support/fixtures";

/** The error of a native program that failed so. */
function failed(step: string, code: string | undefined, message = "it failed"): McmError {
    return nativeError({ step, errno: code === undefined ? 0 : 1, code, message });
}

test("a failure keeps its step and errno, and says them", () => {
    const error = failed("pivot-root", "EPERM", "pivot_root");
    assert.equal(error.code, ErrorCode.NativeFailed);
    assert.equal(error.data.step, "pivot-root");
    assert.equal(error.data.errno, "EPERM");
    assert.match(error.message, /pivot_root \(pivot-root: EPERM\)/);
});

test("a failure without an errno has none made up", () => {
    const error = failed("options", undefined, "--id is missing");
    assert.equal(error.data.errno, undefined);
    assert.equal(error.message, "--id is missing.");
});

for (const [step, errno, code, field] of [
    ["lock", "EBUSY", ErrorCode.Running, undefined],
    ["identify", "ESRCH", ErrorCode.NotRunning, undefined],
    ["exec", "ENOENT", ErrorCode.NativeFailed, "command"],
    ["exec", "EACCES", ErrorCode.NativeFailed, "command"],
    ["exec", "EAGAIN", ErrorCode.Invalid, "limits.pids"],
    ["rootfs", "ENOENT", ErrorCode.Invalid, "rootfs"],
    ["user", undefined, ErrorCode.Invalid, "user"],
    ["workdir", "ENOENT", ErrorCode.Invalid, "workdir"],
    ["mount-volume", "ENOENT", ErrorCode.Invalid, "volumes"],
    ["limit-memory", "ENOENT", ErrorCode.Unsupported, "limits.memory"],
    ["limit-cpuset", "EINVAL", ErrorCode.Invalid, "limits.cpuset"],
    ["clone", "EPERM", ErrorCode.Unsupported, undefined],
    ["clone", "ENOSPC", ErrorCode.Unsupported, undefined],
    ["rootfs", "ENOSYS", ErrorCode.Unsupported, undefined],
    ["privilege", "EPERM", ErrorCode.Unsupported, undefined],
    ["cgroup", "EROFS", ErrorCode.Unsupported, undefined],
    ["overlay", "ENODEV", ErrorCode.Unsupported, undefined],
    ["idmapped-mount", "EINVAL", ErrorCode.Unsupported, undefined],
] as const) {
    test(`${step} with ${errno ?? "no errno"} is ${ErrorCode[code]}`, () => {
        const error = failed(step, errno);
        assert.equal(error.code, code);
        assert.equal(error.data.field, field);
    });
}

test("a full disk has a hint, whoever met it", () => {
    assert.match(failed("state", "ENOSPC").data.hint ?? "", /space/);
    const thrown = Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
    const error = systemError("Writing /x/config.json", thrown);
    assert.equal(error.data.errno, "ENOSPC");
    assert.match(error.message, /^Writing \/x\/config\.json failed: .*space/);
});

test("every step that has a meaning is one the native programs know", () => {
    const header = readFileSync(path.join(root, "native/error.h"), "utf8");
    const steps = new Set(Array.from(header.matchAll(/X\(\w+, "([a-z-]+)"\)/g), (m) => m[1]));
    assert.ok(steps.size > 30);
    for (const { step } of MEANINGS) {
        assert.ok(step === undefined || steps.has(step), step);
    }
});
