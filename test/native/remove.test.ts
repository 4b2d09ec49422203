/** container_executor remove and remove-tree: everything goes, nothing else does. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { run } from "../../scripts/lib/run";
import { execute, testContainer, type Executed } from "./executor";

const EVENT = { event: "removed" };
const REMOVED = { exitCode: 0, event: EVENT, events: [EVENT], stderr: "" };

async function directory(t: TestContext): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), "mcm remove "));
    t.after(() => rm(path, { recursive: true }));
    return path;
}

function removeTree(path: string): Promise<Executed> {
    return execute("remove-tree", ["--path", path]);
}

test("a container's directories and control groups go, and a second remove is fine", async (t) => {
    const container = await testContainer(t);
    await container.run(["/bin/sh", "-c", "mkdir -p /a/b/c; touch /a/b/c/d"]);
    assert.deepEqual(await container.remove(), REMOVED);
    assert.ok(!existsSync(container.stateDir));
    assert.ok(!existsSync(container.runDir));
    assert.deepEqual(await container.remove(), REMOVED);
});

test("what a remove that was cut off has left is finished", async (t) => {
    const container = await testContainer(t);
    const left = join(dirname(container.stateDir), `.removing-${container.id}`);
    await mkdir(join(left, "upper/deep"), { recursive: true });
    await rm(container.stateDir, { recursive: true });
    await mkdir(container.runDir);
    assert.deepEqual(await container.remove(), REMOVED);
    assert.ok(!existsSync(left));
    assert.ok(!existsSync(container.runDir));
});

test("a tree that the container made 5000 levels deep is removed", async (t) => {
    const container = await testContainer(t);
    // Put together from pieces, because no path may be as long as it is deep.
    await container.outputOf(
        "cd /tmp; piece=$(printf 'd/%.0s' $(seq 1000)); mkdir tree; for i in 1 2 3 4 5; do " +
            'mkdir -p "new/$piece"; touch "new/$piece/file"; mv tree "new/$piece"; mv new tree; done',
    );
    assert.deepEqual(await container.remove(), REMOVED);
    assert.ok(!existsSync(container.stateDir));
});

test("a wide tree, and names that look like those of the removal, are removed", async (t) => {
    const top = await directory(t);
    const tree = join(top, "tree");
    for (let i = 0; i < 300; i++) {
        await mkdir(join(tree, `.hoisted-${i}`, `.hoisted-${i}`, "x"), { recursive: true });
        await writeFile(join(tree, `.hoisted-${i}`, "0"), "");
    }
    assert.deepEqual(await removeTree(tree), REMOVED);
    assert.deepEqual(readdirSync(top), []);
});

test("links are removed and not followed", async (t) => {
    const [top, outside] = [await directory(t), await directory(t)];
    await writeFile(join(outside, "kept"), "");
    await mkdir(join(top, "tree/sub"), { recursive: true });
    await symlink(outside, join(top, "tree/link"));
    await symlink(join(outside, "kept"), join(top, "tree/sub/link"));
    assert.deepEqual(await removeTree(join(top, "tree")), REMOVED);
    assert.deepEqual(readdirSync(outside), ["kept"]);
});

test("a link in place of the tree is refused, and what it leads to stays", async (t) => {
    const [top, outside] = [await directory(t), await directory(t)];
    await writeFile(join(outside, "kept"), "");
    await symlink(outside, join(top, "tree"));
    const { event, exitCode } = await removeTree(join(top, "tree"));
    assert.deepEqual([event.event, event.step, exitCode], ["failed", "remove", 125]);
    assert.deepEqual(readdirSync(outside), ["kept"]);
});

test("what is mounted inside is not entered", async (t) => {
    const top = await directory(t);
    const mounted = join(top, "tree/mounted");
    await mkdir(mounted, { recursive: true });
    await run("mount", ["-t", "tmpfs", "kept", mounted]);
    try {
        await writeFile(join(mounted, "kept"), "");
        const { event } = await removeTree(join(top, "tree"));
        assert.deepEqual([event.event, event.step], ["failed", "remove"]);
        assert.deepEqual(readdirSync(mounted), ["kept"]);
    } finally {
        await run("umount", [mounted]);
    }
});

test("a tree that is not there is removed already", async (t) => {
    const top = await directory(t);
    assert.deepEqual(await removeTree(join(top, "absent")), REMOVED);
    assert.deepEqual(await removeTree(join(top, "absent/below")), REMOVED);
});

test("the root and names that are none are refused", async () => {
    for (const path of ["/", "/tmp/.", "/tmp/..", "relative", "/tmp/"]) {
        const { event } = await removeTree(path);
        assert.equal(event.event, "failed", path);
    }
});
