/** container_executor changes: what an upper layer says of its lower one, made by real containers. */
import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { busyboxRootfs } from "../support/fixtures";
import { execute, testContainer, type Container } from "./executor";

interface Change {
    change: string;
    type: string;
    path: string;
    size?: number;
}

/** Busybox with a few files to change. */
async function lowerLayer(t: TestContext): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), "mcm changes "));
    t.after(() => rm(directory, { recursive: true }));
    const lower = join(directory, "lower");
    await cp(await busyboxRootfs(), lower, { recursive: true, verbatimSymlinks: true });
    await mkdir(join(lower, "data/sub"), { recursive: true });
    for (const name of ["data/kept", "data/gone", "data/same", "data/sub/deep"]) {
        await writeFile(join(lower, name), "before");
    }
    return lower;
}

/** What the events say, by path; "A /data/new" or "M /data/kept". */
async function changesOf(container: Container, lower: string): Promise<string[]> {
    const { exitCode, event, events } = await execute("changes", [
        ...["--upper", join(container.stateDir, "upper"), "--lower", lower],
        ...["--id-base", String(container.idBase)],
    ]);
    assert.equal(exitCode, 0, JSON.stringify(event));
    const changes = events.slice(0, -1) as unknown as Change[];
    assert.deepEqual(event, { event: "changes", count: changes.length, leftOut: 0 });
    return changes
        .map(({ change, path }) => `${change.charAt(0).toUpperCase()} ${path}`)
        .filter((line) => !/^A \/etc\/(hosts|hostname|resolv\.conf)$/.test(line))
        .sort();
}

async function changedBy(t: TestContext, script: string): Promise<string[]> {
    const lower = await lowerLayer(t);
    const container = await testContainer(t);
    await container.run(["/bin/sh", "-c", script], { rootfs: lower });
    return changesOf(container, lower);
}

test("new, changed and deleted entries are told apart", async (t) => {
    const script = `echo new > /data/new; mkdir -p /data/tree/inner; ln -s x /data/link
        echo more >> /data/kept; rm /data/gone; rm -r /data/sub`;
    assert.deepEqual(await changedBy(t, script), [
        "A /data/link",
        "A /data/new",
        "A /data/tree",
        "A /data/tree/inner",
        "D /data/gone",
        "D /data/sub",
        "M /data/kept",
    ]);
});

test("a change of mode or owner is one, of a directory too", async (t) => {
    const script = "chmod 600 /data/kept; chown 5:6 /data/same; chmod 711 /data/sub";
    assert.deepEqual(await changedBy(t, script), ["M /data/kept", "M /data/same", "M /data/sub"]);
});

test("what was only opened for writing or put back is none", async (t) => {
    const script =
        "true >> /data/kept; chmod 600 /data/same; chmod 644 /data/same; touch /x; rm /x";
    assert.deepEqual(await changedBy(t, script), []);
});

test("a directory that took another's place hides what that had", async (t) => {
    const script =
        "rm -r /data; mkdir /data; echo new > /data/new; printf longer-than > /data/kept";
    const changes = await changedBy(t, script);
    assert.deepEqual(
        changes.filter((line) => line !== "M /data"),
        ["A /data/new", "D /data/gone", "D /data/same", "D /data/sub", "M /data/kept"],
    );
});

test("a directory in place of a file, and a file in place of a directory, are modified", async (t) => {
    const script =
        "rm /data/kept; mkdir /data/kept; touch /data/kept/in; rm -r /data/sub; touch /data/sub";
    assert.deepEqual(await changedBy(t, script), [
        "A /data/kept/in",
        "M /data/kept",
        "M /data/sub",
    ]);
});

test("a container that has not been started has changed nothing", async (t) => {
    const container = await testContainer(t);
    assert.deepEqual(await changesOf(container, await busyboxRootfs()), []);
});

test("names that lie are told as they are, and links are not followed", async (t) => {
    const script = `mkdir "/data/$(printf 'a\\nD ')"; ln -s / /data/root; ln -s /etc /data/sub/etc`;
    assert.deepEqual(await changedBy(t, script), [
        "A /data/a\nD ",
        "A /data/root",
        "A /data/sub/etc",
    ]);
});

test("what is too deep or too long is counted, not told", async (t) => {
    const lower = await lowerLayer(t);
    const container = await testContainer(t);
    const script =
        "cd /data; mkdir -p $(printf 'd/%.0s' $(seq 300)); touch $(printf 'n%.0s' $(seq 200))";
    await container.run(["/bin/sh", "-c", script], { rootfs: lower });
    const { event } = await execute("changes", [
        ...["--upper", join(container.stateDir, "upper"), "--lower", lower],
        ...["--id-base", String(container.idBase)],
    ]);
    assert.equal((event as { leftOut?: number }).leftOut, 1);
});

test("what is too long once it is escaped is counted too", async (t) => {
    const lower = await lowerLayer(t);
    const container = await testContainer(t);
    const script = `n=$(printf '\\001%.0s' $(seq 250)); mkdir /data/$n; touch /data/$n/$n`;
    await container.run(["/bin/sh", "-c", script], { rootfs: lower });
    const { event, events } = await execute("changes", [
        ...["--upper", join(container.stateDir, "upper"), "--lower", lower],
        ...["--id-base", String(container.idBase)],
    ]);
    assert.deepEqual(event, { event: "changes", count: events.length - 1, leftOut: 1 });
    for (const change of events.slice(0, -1)) {
        assert.ok("path" in change, JSON.stringify(change));
    }
});

test("an upper layer that is a file, and a lower one that is gone, are refused by name", async (t) => {
    const lower = await lowerLayer(t);
    const base = ["--id-base", String(0x60000000)];
    const file = join(lower, "data/kept");
    const upper = await execute("changes", ["--upper", file, "--lower", lower, ...base]);
    assert.deepEqual([upper.event.step, upper.event.code], ["changes", "ENOTDIR"]);
    const gone = join(lower, "gone");
    const missing = await execute("changes", ["--upper", lower, "--lower", gone, ...base]);
    assert.deepEqual([missing.event.step, missing.event.code], ["rootfs", "ENOENT"]);
});
