/** What becomes of a native program that is missing, silent or breaks the contract. */
import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { McmError } from "../../server/errors";
import { createNative, type Native } from "../../server/native";
import { ErrorCode, ListRequest, RunRequest } from "../../server/protocol";
import { createDeps } from "../../server/compose";
import { Log } from "../../server/log";
import { Paths } from "../../server/paths";
import { eventually, temporaryRoots } from "../support/fixtures";
import { connectLocally, greet, refusedWith } from "./client";

let directory: string;
let native: Native;

beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "mcm native "));
    native = createNative(directory);
});

afterEach(() => rm(directory, { recursive: true }));

/** Puts a shell script where `container_executor` and `ns_enter` are looked for. */
async function script(text: string): Promise<void> {
    for (const name of ["container_executor", "ns_enter"]) {
        await writeFile(path.join(directory, name), `#!/bin/sh\n${text}\n`);
        await chmod(path.join(directory, name), 0o755);
    }
}

function failure(code: ErrorCode, message: RegExp) {
    return (error: unknown) => {
        assert.ok(error instanceof McmError);
        assert.equal(error.code, code);
        assert.match(error.message, message);
        return true;
    };
}

const PROCESS = {
    pid: 42,
    startTime: 1,
    bootId: "b",
    monitorPid: 43,
    monitorStartTime: 2,
    startedAt: "2026-01-01T00:00:00.000000Z",
};
const STARTED = JSON.stringify({ event: "started", ...PROCESS, news: true });
const OPTIONS = {
    id: "0123456789ab",
    stateDirectory: "/s",
    runDirectory: "/r",
    rootfs: "/",
    idBase: 1,
    hostname: "h",
    mounts: [],
    interactive: false,
    autoRemove: false,
    env: {},
    command: [],
};
const ENTER = { id: OPTIONS.id, process: PROCESS, env: {}, command: ["true"] };

test("a program that is missing is named, with what to do", async () => {
    const missing = failure(ErrorCode.NativeFailed, /container_executor is missing.*ENOENT.*build/);
    await assert.rejects(native.start(OPTIONS), missing);
    await assert.rejects(native.stop(OPTIONS.id, PROCESS, 0), missing);
    await assert.rejects(native.remove(OPTIONS.id, "/s", "/r"), missing);
    const entered = native.enter(ENTER);
    await assert.rejects(entered.started, failure(ErrorCode.NativeFailed, /ns_enter is missing/));
    await assert.rejects(entered.ended, McmError);
});

test("one that ends without a result is an error with its exit code and what it said", async () => {
    await script("echo 'kaputt' >&2; exit 125");
    await assert.rejects(
        native.start(OPTIONS),
        failure(ErrorCode.NativeFailed, /ended without a result \(exit code 125\): kaputt/),
    );
});

test("one that a signal ends is an error with the signal", async () => {
    await script("kill -SEGV $$");
    await assert.rejects(
        native.kill(OPTIONS.id, PROCESS, 9),
        failure(ErrorCode.NativeFailed, /SIGSEGV/),
    );
    await assert.rejects(native.enter(ENTER).ended, failure(ErrorCode.NativeFailed, /SIGSEGV/));
});

test("events and members that are not known are ignored", async () => {
    await script(
        `echo 'no json' >&3; echo '{"event":"progress","step":"clone"}' >&3
        echo '{"event":"warning","step":"rlimit","message":"lower"}' >&3; echo '${STARTED}' >&3`,
    );
    const { process, warnings } = await native.start(OPTIONS);
    assert.deepEqual({ process, warnings }, { process: PROCESS, warnings: ["lower"] });
});

test("steps come in the order of their ends, also of what fails, and only where asked for", async () => {
    const step = { who: "child", step: "clone", call: "unshare", detail: { flags: "A|B", pid: 7 } };
    const steps = [
        { ...step, at: 30, us: 10 },
        { ...step, who: "monitor", at: 20, us: 20 },
    ];
    const told = steps.map((each) => `echo '${JSON.stringify({ event: "step", ...each })}' >&3`);
    await script(`${told.join(";")}; echo '${STARTED}' >&3`);
    const { trace } = await native.start({ ...OPTIONS, trace: true });
    assert.deepEqual(trace, steps.toReversed());
    assert.equal((await native.start(OPTIONS)).trace, undefined);
    const failed = '{"event":"failed","step":"mask","errno":1,"code":"EPERM","message":"no"}';
    await script(`${told.join(";")}; echo '${failed}' >&3; exit 125`);
    await assert.rejects(native.start({ ...OPTIONS, trace: true }), (error) => {
        assert(error instanceof McmError);
        assert.deepEqual(error.data.trace, steps.toReversed());
        return true;
    });
});

test("events come through however they are cut", async () => {
    await script(`printf '{"event":"sto' >&3; sleep 0.05; printf 'pped","forced":true}\\n' >&3`);
    assert.equal((await native.stop(OPTIONS.id, PROCESS, 0)).forced, true);
});

test("a result of another command is no result", async () => {
    await script(`echo '{"event":"removed"}' >&3`);
    await assert.rejects(
        native.kill(OPTIONS.id, PROCESS, 9),
        failure(ErrorCode.NativeFailed, /without a result/),
    );
});

test("a failure is waited out, so that what it undoes is undone", async () => {
    const mark = path.join(directory, "undone");
    await script(
        `echo '{"event":"failed","step":"exec","errno":2,"code":"ENOENT","message":"x"}' >&3
        sleep 0.2; touch '${mark}'; exit 125`,
    );
    await assert.rejects(native.start(OPTIONS), failure(ErrorCode.NativeFailed, /exec: ENOENT/));
    await readFile(mark);
});

test("the environment is handed over by descriptor, whole, and only what was given", async () => {
    const [seen, own] = [path.join(directory, "seen"), path.join(directory, "own")];
    await script(`cat <&4 > '${seen}'; env > '${own}'; echo '${STARTED}' >&3`);
    const env = { A: "x\ny", B: "z".repeat(500_000) };
    await native.start({ ...OPTIONS, env });
    assert.equal(await readFile(seen, "utf8"), `A=x\ny\0B=${env.B}\0`);
    // What a shell sets by itself.
    assert.doesNotMatch(await readFile(own, "utf8"), /^(?!PWD|SHLVL|_|OLDPWD)\w+=/m);
});

test("arguments that the kernel does not take are an error, not an exception", async () => {
    await script("exit 0");
    await assert.rejects(
        native.start({ ...OPTIONS, command: ["x".repeat(200_000)] }),
        failure(ErrorCode.NativeFailed, /E2BIG/),
    );
});

test("hanging up, resizing and signalling a session that has ended is no failure", async () => {
    await script(`echo '{"event":"started","pid":7}' >&3
        echo '{"event":"exited","exitCode":3,"signal":null}' >&3`);
    const entered = native.enter(ENTER);
    await entered.started;
    assert.deepEqual(await entered.ended, { exitCode: 3, signal: null });
    entered.resize({ rows: 1, columns: 1 });
    entered.signal(15);
    entered.hangUp();
});

test("a session hears of sizes, signals and the end on its control descriptor", async () => {
    const heard = path.join(directory, "heard");
    await script(`echo '{"event":"started","pid":7}' >&3; cat <&5 > '${heard}'
        echo '{"event":"exited","exitCode":0,"signal":null}' >&3`);
    const entered = native.enter(ENTER);
    await entered.started;
    entered.resize({ rows: 50, columns: 132 });
    entered.signal(2);
    entered.hangUp();
    await entered.ended;
    assert.equal(await readFile(heard, "utf8"), "resize 50 132\nsignal 2\n");
});

test("without native programs a run fails by name and leaves nothing", async () => {
    const roots = await temporaryRoots();
    const deps = createDeps(new Paths(roots.stateDir, roots.runDir, directory), new Log(), {
        servesUid: 0,
        startedAt: "",
        version: "",
        clients: () => 1,
        shutdown: () => undefined,
    });
    const client = connectLocally(deps);
    try {
        await greet(client.connection);
        await assert.rejects(
            client.connection.sendRequest(RunRequest, {
                rootfs: { kind: "directory", path: "/usr" },
            }),
            refusedWith(ErrorCode.NativeFailed, /container_executor is missing/),
        );
        assert.deepEqual(await client.connection.sendRequest(ListRequest), []);
        await eventually(() => client.served.settled().then(() => true), "settled");
    } finally {
        client.close();
        deps.changes.dispose();
        await roots.dispose();
    }
});
