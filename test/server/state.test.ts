import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, test } from "node:test";
import { Paths, type ContainerPaths } from "../../server/paths";
import { currentBootId, processStartTime, readState } from "../../server/state";
import { temporaryRoots, type TemporaryRoots } from "../support/fixtures";

let roots: TemporaryRoots;
let paths: ContainerPaths;
/** Stands for a container's process. */
let child: ChildProcess;

beforeEach(async () => {
    roots = await temporaryRoots();
    paths = new Paths(roots.stateDir, roots.runDir, "").container("0123456789ab");
    await mkdir(paths.state, { recursive: true });
    await mkdir(paths.run, { recursive: true });
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

async function processRecord(changes: object = {}) {
    const pid = child.pid!;
    return {
        pid,
        startTime: (await processStartTime(pid))!,
        bootId: currentBootId(),
        monitorPid: process.pid,
        monitorStartTime: (await processStartTime(process.pid))!,
        startedAt: STARTED,
        ...changes,
    };
}

async function writeRunning(changes?: object): Promise<void> {
    await writeFile(paths.stateFile, JSON.stringify(await processRecord(changes)));
    await writeFile(paths.exitPartial, "");
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

test("one without any record is created", async () => {
    assert.deepEqual(await readState(paths), { kind: "created" });
});

test("one whose process lives is running", async () => {
    await writeRunning();
    assert.deepEqual(await readState(paths), { kind: "running", process: await processRecord() });
});

test("a pid that another process has now is not the container", async () => {
    await writeRunning({ startTime: 1 });
    assert.deepEqual(await readState(paths), { kind: "lost" });
});

test("a record of another boot is not the container", async () => {
    await writeRunning({ bootId: "11111111-2222-3333-4444-555555555555" });
    assert.deepEqual(await readState(paths), { kind: "lost" });
});

test("one with a recorded end has exited, with the signal by its name", async () => {
    await writeFile(
        paths.exit,
        JSON.stringify({ ...EXIT, exitCode: null, signal: 9, memoryPeak: 7 }),
    );
    assert.deepEqual(await readState(paths), {
        kind: "exited",
        exit: { ...EXIT, exitCode: null, signal: "SIGKILL", memoryPeak: 7 },
    });
});

test("one that ended while nobody could record it is lost, not what it was before", async () => {
    await writeFile(paths.exit, JSON.stringify(EXIT));
    await writeRunning();
    await endChild();
    assert.deepEqual(await readState(paths), { kind: "lost" });
});

test("one whose end is being recorded still runs, until it is", async () => {
    await writeRunning();
    const record = await processRecord();
    await endChild();
    await whileLocked(async () => {
        assert.deepEqual(await readState(paths), { kind: "running", process: record });
        await writeFile(paths.exitPartial, JSON.stringify(EXIT));
        await rename(paths.exitPartial, paths.exit);
        assert.deepEqual(await readState(paths), { kind: "exited", exit: EXIT });
    });
});

test("one that is being started is still what it was before", async () => {
    await writeFile(paths.exitPartial, "");
    await whileLocked(async () => {
        assert.deepEqual(await readState(paths), { kind: "created" });
        await writeFile(paths.exit, JSON.stringify(EXIT));
        assert.deepEqual(await readState(paths), { kind: "exited", exit: EXIT });
    });
});

test("a damaged exit.json tells no success", async () => {
    await writeFile(paths.exit, '{"exitCode": 0');
    assert.deepEqual(await readState(paths), { kind: "lost" });
});

test("directories in the place of its records harm no more than damaged ones", async () => {
    await mkdir(paths.stateFile);
    await mkdir(paths.exit);
    assert.deepEqual(await readState(paths), { kind: "lost" });
});

test("a runtime directory that a reboot took away leaves what was recorded", async () => {
    await writeFile(paths.exit, JSON.stringify(EXIT));
    await rm(paths.run, { recursive: true });
    assert.deepEqual(await readState(paths), { kind: "exited", exit: EXIT });
});

test("a zombie does not live", async () => {
    // Its parent, sh, waits for nothing while it sleeps itself.
    const parent = spawn("sh", ["-c", "sleep 0.01 & echo $!; exec sleep 1000"], { cwd: "/" });
    try {
        const [line] = (await once(parent.stdout, "data")) as [Buffer];
        const pid = Number(line.toString());
        const deadline = Date.now() + 5000;
        while ((await processStartTime(pid)) !== undefined && Date.now() < deadline) {
            await new Promise((resolve) => setTimeout(resolve, 5));
        }
        assert.equal(await processStartTime(pid), undefined);
        process.kill(pid, 0);
    } finally {
        parent.kill("SIGKILL");
        await once(parent, "exit");
    }
});
