/** The command that starts a backend: what it is, what its end means, who may ask for it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";
import { isHeld, takeLock } from "../../extension/elevation/lock";
import { interpretPrompt } from "../../extension/elevation/prompt";
import { backendCommand, startDirectly } from "../../extension/elevation/start";

suite("the command that starts a backend", () => {
    test("is Node, the server and the user", () => {
        assert.deepEqual(backendCommand("/usr/bin/node", "/x y/server.js", 1000, false), [
            "/usr/bin/node",
            "/x y/server.js",
            "start",
            "--uid",
            "1000",
        ]);
    });

    test("turns Electron into Node in the command itself, as sudo passes no environment", () => {
        const command = backendCommand("/opt/code", "/server.js", 1000, true);
        assert.deepEqual(command.slice(0, 3), [
            "/usr/bin/env",
            "ELECTRON_RUN_AS_NODE=1",
            "/opt/code",
        ]);
    });

    test("reports that it started", async () => {
        const argv = [process.execPath, "-e", "console.log('ready /run/x.sock')"];
        assert.deepEqual(await startDirectly(argv), { kind: "started" });
    });

    test("reports the line in which it says why not", async () => {
        const script = "console.error('The kernel has no user namespaces.'); process.exit(1)";
        assert.deepEqual(await startDirectly([process.execPath, "-e", script]), {
            kind: "failed",
            reason: "The kernel has no user namespaces.",
        });
    });

    test("reports a program that is not there", async () => {
        const result = await startDirectly(["/nonexistent/node"]);
        assert.ok(result.kind === "failed");
        assert.match(result.reason, /ENOENT/);
    });
});

suite("the end of sudo-prompt", () => {
    const failure = (message: string, code?: number) => Object.assign(new Error(message), { code });

    test("without an error is a start", () => {
        assert.deepEqual(interpretPrompt(undefined, "ready /run/x.sock\n", ""), {
            kind: "started",
        });
        // Node's exec gives null.
        assert.deepEqual(interpretPrompt(null, "", ""), { kind: "started" });
    });

    test("without an agent or without pkexec leads to the terminal", () => {
        const noAgent = failure("No polkit authentication agent found.", 127);
        assert.deepEqual(interpretPrompt(noAgent, "", ""), { kind: "noAgent" });
        const noProgram = failure("Unable to find pkexec or kdesudo.");
        assert.deepEqual(interpretPrompt(noProgram, "", ""), { kind: "noAgent" });
    });

    test("tells a closed dialog from a refusal", () => {
        const message = "User did not grant permission.";
        assert.deepEqual(interpretPrompt(failure(message, 126), "", ""), { kind: "dismissed" });
        assert.deepEqual(interpretPrompt(failure(message, 127), "", "Not authorized\n"), {
            kind: "denied",
            reason: "Not authorized",
        });
    });

    test("of a command that failed as root is its own reason", () => {
        const error = failure("Command failed: /usr/bin/pkexec …", 1);
        assert.deepEqual(interpretPrompt(error, "", "No cgroups.\n"), {
            kind: "failed",
            reason: "No cgroups.",
        });
        assert.deepEqual(interpretPrompt(error, "Said on stdout.\n", ""), {
            kind: "failed",
            reason: "Said on stdout.",
        });
    });
});

suite("the right to ask for a password", () => {
    let directory: string;

    beforeEach(async () => {
        directory = await mkdtemp(path.join(tmpdir(), "mcm-extension-lock-"));
    });

    afterEach(async () => {
        await rm(directory, { recursive: true });
    });

    test("is one process's at a time, and free again after", async () => {
        const lock = await takeLock(directory);
        assert.ok(lock);
        assert.equal(await isHeld(directory), true);
        assert.equal(await takeLock(directory), undefined);
        await lock.release();
        assert.equal(await isHeld(directory), false);
        const again = await takeLock(directory);
        assert.ok(again);
        await again.release();
        assert.deepEqual(await readdir(directory), []);
    });

    test("makes the directory it needs", async () => {
        const lock = await takeLock(path.join(directory, "not", "there yet"));
        assert.ok(lock);
        await lock.release();
    });

    test("is not kept by a process that ended", async () => {
        const child = spawn(process.execPath, ["-e", ""]);
        await once(child, "exit");
        await symlink(`${child.pid ?? 0}-1`, path.join(directory, "asking-for-password"));
        assert.equal(await isHeld(directory), false);
        const lock = await takeLock(directory);
        assert.ok(lock);
        await lock.release();
    });

    test("is not kept by a process that has the pid of one that ended", async () => {
        await symlink(`${process.pid}-1`, path.join(directory, "asking-for-password"));
        assert.equal(await isHeld(directory), false);
    });
});
