import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { cached } from "../../scripts/lib/cache";
import { run } from "../../scripts/lib/run";
import { Container, hasEnded } from "../native/executor";
import {
    busyboxRootfs,
    debianRootfs,
    eventually,
    exportedTarball,
    temporaryRoots,
} from "./fixtures";

test("the busybox root file system runs its shell", async () => {
    const dir = await busyboxRootfs();
    assert.equal(await run("chroot", [dir, "/bin/sh", "-c", "id -un app"]), "app\n");
});

test("the Debian root file system has bash, vi and top", async () => {
    const dir = await debianRootfs();
    assert.match(await run("chroot", [dir, "/bin/bash", "-c", "type vi top"]), /vi is.*\ntop is/);
});

test("the exported tarball has the entries that docker export writes", async () => {
    const names = (await run("tar", ["-tf", await exportedTarball()])).split("\n");
    assert.ok(names.includes(".dockerenv"));
    assert.ok(names.includes("bin/busybox"));
    assert.ok(!names.some((name) => name.startsWith("./")));
});

test("two processes that want the same cached directory make it once", async (t) => {
    const name = `test-${process.pid}`;
    let made = 0;
    const make = async (): Promise<void> => {
        made += 1;
        await new Promise((wake) => setImmediate(wake));
    };
    const [one, two] = await Promise.all([cached(name, make), cached(name, make)]);
    t.after(() => rm(one, { recursive: true }));
    t.after(() => rm(`${one}.lock`));
    assert.equal(one, two);
    assert.equal(made, 1);
});

test("what could not be made completely is not cached", async (t) => {
    const name = `test-broken-${process.pid}`;
    await assert.rejects(cached(name, () => Promise.reject(new Error("the disk is full"))));
    const dir = await cached(name, () => Promise.resolve());
    t.after(() => rm(dir, { recursive: true }));
    t.after(() => rm(`${dir}.lock`));
    assert.ok((await stat(dir)).isDirectory());
});

test("disposing of temporary roots removes them", async () => {
    const roots = await temporaryRoots();
    await roots.dispose();
    assert.ok(!existsSync(roots.stateDir));
});

test("disposing of temporary roots reports a mount that was left, and unmounts it", async () => {
    const roots = await temporaryRoots();
    await run("mount", ["-t", "tmpfs", "left", roots.stateDir]);
    await assert.rejects(roots.dispose(), /mount .*state/);
    assert.ok(!existsSync(roots.stateDir));
});

test("disposing of temporary roots ends a process that uses them", async () => {
    const roots = await temporaryRoots();
    const sleeping = run("sleep", ["1000"], { env: roots.env });
    const ended = assert.rejects(sleeping, /SIGKILL/);
    await roots.dispose();
    await ended;
});

test("disposing of temporary roots ends a container in them, and a monitor that does not end", async () => {
    const roots = await temporaryRoots();
    const container = new Container(roots);
    await mkdir(container.stateDir, { recursive: true, mode: 0o700 });
    await mkdir(join(roots.runDir, "containers"));
    const running = await container.start([]);
    process.kill(running.monitorPid, "SIGSTOP");
    await assert.rejects(roots.dispose(), /container .* was running .*cgroup/);
    assert.ok(hasEnded(running.pid));
    assert.ok(hasEnded(running.monitorPid));
});

test("eventually returns what the check found, and fails with its last error", async () => {
    let calls = 0;
    const found = await eventually(() => (++calls === 3 ? "third" : undefined), "three calls");
    assert.equal(found, "third");
    const never = eventually(() => assert.fail("not yet"), "the moon", 30);
    await assert.rejects(never, (error: Error) => {
        assert.match(error.message, /the moon/);
        assert.match(String(error.cause), /not yet/);
        return true;
    });
});

test("a failed program's error names its command and shows its output", async (t) => {
    const dir = await mkdtemp(join(tmpdir(), "mcm-run-"));
    t.after(() => rm(dir, { recursive: true }));
    await assert.rejects(run("ls", [join(dir, "missing")]), /ls .*missing: exit code 2\n.*cannot/);
});
