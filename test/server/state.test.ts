import assert from "node:assert/strict";
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Paths, type ContainerPaths } from "../../server/paths";
import { currentBootId, processStartTime, StateReader, type LiveState } from "../../server/state";
import { temporaryRoots, type TemporaryRoots } from "../support/fixtures";

let roots: TemporaryRoots;
let paths: ContainerPaths;
/** Reads during the whole test, so what it remembers may not be wrong. */
let reader: StateReader;
let paused = false;
/** Stands for a container's process. */
let child: ChildProcess;

beforeEach(async () => {
    roots = await temporaryRoots();
    paths = new Paths(roots.stateDir, roots.runDir, "").container("0123456789ab");
    await mkdir(paths.state, { recursive: true });
    await mkdir(paths.run, { recursive: true });
    reader = new StateReader(paths, () => paused);
    child = spawn("sleep", ["1000"], { stdio: "ignore", cwd: "/" });
    await once(child, "spawn");
});

afterEach(async () => {
    await endChild();
    await roots.dispose();
});

async function endChild(): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL");
        await once(child, "exit");
    }
}

const STARTED = "2026-01-01T00:00:00.000000Z";

function state(): LiveState {
    const read = reader.read();
    assert.deepEqual(new StateReader(paths, () => paused).read(), read);
    return read;
}

function processRecord(changes: object = {}) {
    const pid = child.pid!;
    return {
        pid,
        startTime: processStartTime(pid)!,
        bootId: currentBootId(),
        monitorPid: process.pid,
        monitorStartTime: processStartTime(process.pid)!,
        startedAt: STARTED,
        ...changes,
    };
}

async function writeRunning(changes?: object): Promise<void> {
    await writeFile(paths.stateFile, JSON.stringify(processRecord(changes)));
    await writeFile(paths.exitPartial, "");
}

/** Waits until what was written is old enough to be remembered. */
async function settled(): Promise<void> {
    await sleep(150);
    state();
}

const EXIT = {
    exitCode: 3,
    signal: null,
    oomKilled: false,
    startedAt: STARTED,
    finishedAt: STARTED,
};

/** Runs `check` while another process has the lock that a monitor would have. */
async function whileLocked(check: () => Promise<void>): Promise<void> {
    const holder = spawn("flock", ["--exclusive", paths.state, "sh", "-c", "echo; exec cat"]);
    await once(holder.stdout, "data");
    try {
        await check();
    } finally {
        holder.stdin.end();
        await once(holder, "exit");
    }
}

test("one without any record is created", () => {
    assert.deepEqual(state(), { kind: "created" });
});

test("one whose process lives is running", async () => {
    await writeRunning();
    assert.deepEqual(state(), { kind: "running", process: processRecord(), paused });
});

test("one whose process lives is paused while the kernel says so", async () => {
    await writeRunning();
    paused = true;
    assert.deepEqual(state(), { kind: "running", process: processRecord(), paused: true });
    paused = false;
    assert.deepEqual(state(), { kind: "running", process: processRecord(), paused: false });
});

test("a pid that another process has now is not the container", async () => {
    await writeRunning({ startTime: 1 });
    assert.deepEqual(state(), { kind: "lost" });
});

test("a record of another boot is not the container", async () => {
    await writeRunning({ bootId: "11111111-2222-3333-4444-555555555555" });
    assert.deepEqual(state(), { kind: "lost" });
});

test("one with a recorded end has exited, with the signal by its name", async () => {
    await writeFile(
        paths.exit,
        JSON.stringify({ ...EXIT, exitCode: null, signal: 9, memoryPeak: 7 }),
    );
    assert.deepEqual(state(), {
        kind: "exited",
        exit: { ...EXIT, exitCode: null, signal: "SIGKILL", memoryPeak: 7 },
    });
});

test("one that ended while nobody could record it is lost, not what it was before", async () => {
    await writeFile(paths.exit, JSON.stringify(EXIT));
    await writeRunning();
    await endChild();
    assert.deepEqual(state(), { kind: "lost" });
});

test("one whose end is being recorded still runs, until it is", async () => {
    await writeRunning();
    const record = processRecord();
    await endChild();
    await whileLocked(async () => {
        assert.deepEqual(state(), { kind: "running", process: record, paused });
        await writeFile(paths.exitPartial, JSON.stringify(EXIT));
        await rename(paths.exitPartial, paths.exit);
        assert.deepEqual(state(), { kind: "exited", exit: EXIT });
    });
});

test("one that is being started is still what it was before", async () => {
    await writeFile(paths.exitPartial, "");
    await whileLocked(async () => {
        assert.deepEqual(state(), { kind: "created" });
        await writeFile(paths.exit, JSON.stringify(EXIT));
        assert.deepEqual(state(), { kind: "exited", exit: EXIT });
    });
});

test("a damaged exit.json tells no success", async () => {
    await writeFile(paths.exit, '{"exitCode": 0');
    assert.deepEqual(state(), { kind: "lost" });
});

test("directories in the place of its records harm no more than damaged ones", async () => {
    await mkdir(paths.stateFile);
    await mkdir(paths.exit);
    assert.deepEqual(state(), { kind: "lost" });
});

test("named pipes and links in the place of its records harm no more, and hold nobody up", async () => {
    await promisify(execFile)("mkfifo", [paths.stateFile]);
    await symlink("/etc/passwd", paths.exit);
    assert.deepEqual(state(), { kind: "lost" });
});

test("each change of a record is seen, however often it was read before", async () => {
    await writeRunning();
    await settled();
    assert.equal(state().kind, "running");
    await endChild();
    await rename(paths.exitPartial, paths.exit);
    await writeFile(paths.exit, JSON.stringify(EXIT));
    await settled();
    assert.deepEqual(state(), { kind: "exited", exit: EXIT });
    await writeFile(paths.exit, JSON.stringify({ ...EXIT, exitCode: 4 }));
    assert.deepEqual(state(), { kind: "exited", exit: { ...EXIT, exitCode: 4 } });
});

test("a runtime directory that a reboot took away leaves what was recorded", async () => {
    await writeFile(paths.exit, JSON.stringify(EXIT));
    await rm(paths.run, { recursive: true });
    assert.deepEqual(state(), { kind: "exited", exit: EXIT });
});

test("a zombie does not live", async () => {
    // Its parent, sh, waits for nothing while it sleeps itself.
    const parent = spawn("sh", ["-c", "sleep 0.01 & echo $!; exec sleep 1000"], { cwd: "/" });
    try {
        const [line] = (await once(parent.stdout, "data")) as [Buffer];
        const pid = Number(line.toString());
        const deadline = Date.now() + 5000;
        while (processStartTime(pid) !== undefined && Date.now() < deadline) {
            await new Promise((resolve) => setTimeout(resolve, 5));
        }
        assert.equal(processStartTime(pid), undefined);
        process.kill(pid, 0);
    } finally {
        parent.kill("SIGKILL");
        await once(parent, "exit");
    }
});
