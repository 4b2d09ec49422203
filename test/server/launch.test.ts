import assert from "node:assert/strict";
import { createServer } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test, type TestContext } from "node:test";
import { logPath, socketPath, startCommand, waitForSocket } from "../../server/launch";
import { McmError } from "../../server/errors";
import { pathsFromEnvironment } from "../../server/paths";

let directory: string;

beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "mcm launch "));
});

afterEach(() => rm(directory, { recursive: true }));

function pretendToBe(uid: number, context: TestContext): void {
    context.mock.method(process as { getuid(): number }, "getuid", () => uid);
}

const ELSEWHERE = { MCM_RUN_DIR: "/tmp/run", MCM_STATE_DIR: "/tmp/state" };

test("each user has a socket and a log of their own", () => {
    assert.equal(socketPath(1000, {}), "/run/my-container-manager/backend-1000.sock");
    assert.equal(logPath(0, {}), "/run/my-container-manager/backend-0.log");
});

test("other directories count for root", (context) => {
    pretendToBe(0, context);
    assert.equal(socketPath(7, ELSEWHERE), "/tmp/run/backend-7.sock");
    assert.equal(pathsFromEnvironment("/n", ELSEWHERE).containers, "/tmp/state/containers");
});

test("other directories do not count for anybody else", (context) => {
    pretendToBe(1000, context);
    assert.equal(socketPath(7, ELSEWHERE), "/run/my-container-manager/backend-7.sock");
    const paths = pathsFromEnvironment("/n", ELSEWHERE);
    assert.equal(paths.containers, "/var/lib/my-container-manager/containers");
    assert.equal(paths.runContainers, "/run/my-container-manager/containers");
});

test("another directory that is not absolute is refused", (context) => {
    pretendToBe(0, context);
    assert.throws(() => pathsFromEnvironment("/n", { MCM_STATE_DIR: "state" }), McmError);
    assert.throws(() => pathsFromEnvironment("/n", { MCM_RUN_DIR: "" }), McmError);
});

test("the command that starts a backend is an argument list", () => {
    assert.deepEqual(startCommand("/opt/my node", "/x y/server.js", 1000), [
        "/opt/my node",
        "/x y/server.js",
        "start",
        "--uid",
        "1000",
    ]);
});

test("a socket that comes later is waited for", async () => {
    const socket = path.join(directory, "late.sock");
    const server = createServer();
    const waiting = waitForSocket(socket, 5000);
    server.listen(socket);
    (await waiting).destroy();
    await new Promise((resolve) => server.close(resolve));
});

test("waiting ends with the reason when the time is over, or when it is aborted", async () => {
    const socket = path.join(directory, "never.sock");
    await assert.rejects(waitForSocket(socket, 100), { code: "ENOENT" });
    const controller = new AbortController();
    const waiting = waitForSocket(socket, 5000, controller.signal);
    controller.abort(new Error("enough"));
    await assert.rejects(waiting, /enough/);
});
