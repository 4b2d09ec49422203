import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startLeakCheck } from "../../scripts/lib/leaks";
import { run } from "../../scripts/lib/run";

test("a run that leaves nothing is found clean", async (t) => {
    const check = await startLeakCheck(0);
    t.after(() => check.dispose());
    assert.deepEqual(
        (await check.left()).filter((line) => line.includes(check.directory)),
        [],
    );
});

test("a file, a process and a mount of a run are found", async (t) => {
    const check = await startLeakCheck(0);
    t.after(() => check.dispose());
    await writeFile(join(check.directory, "file"), "");
    const sleeper = spawn("sleep", ["1000"], { env: { TMPDIR: check.directory } });
    t.after(() => sleeper.kill("SIGKILL"));
    await new Promise((resolve) => sleeper.once("spawn", resolve));
    const point = join(check.directory, "mounted");
    await mkdir(point);
    await run("mount", ["-t", "tmpfs", "left", point]);
    const left = (await check.left()).join("\n");
    await run("umount", [point]);
    assert.ok(left.includes(join(check.directory, "file")));
    assert.match(left, new RegExp(`process ${sleeper.pid}: sleep 1000`));
    assert.match(left, new RegExp(`mount .* ${point} `));
});

test("what another run has at the same time is not ours", async (t) => {
    const check = await startLeakCheck(0);
    t.after(() => check.dispose());
    const other = await mkdtemp(join(tmpdir(), "mcm-other-"));
    t.after(() => rm(other, { recursive: true }));
    const sleeper = spawn("sleep", ["1000"], { env: { TMPDIR: other } });
    t.after(() => sleeper.kill("SIGKILL"));
    await new Promise((resolve) => sleeper.once("spawn", resolve));
    assert.ok(!(await check.left()).some((line) => line.includes(`process ${sleeper.pid}:`)));
});
