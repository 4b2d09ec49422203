/** `mcm update`, `mcm pause` and `mcm resume`. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { ContainerStatus } from "../../server/protocol";
import { temporaryRoots, type TemporaryRoots } from "../support/fixtures";
import { Mcm } from "./mcm";

suite("limits and pauses", () => {
    let roots: TemporaryRoots;
    let mcm: Mcm;
    let id: string;

    before(async () => {
        roots = await temporaryRoots();
        mcm = new Mcm(roots.env);
        id = await mcm.container("--name", "web", "--memory", "64M", "--pids", "50");
    });

    after(async () => {
        await mcm.output("rm", "--force", "web");
        await roots.dispose();
    });

    async function status(): Promise<ContainerStatus> {
        return (await mcm.json("status", "web", "--json")) as ContainerStatus;
    }

    test("mcm update changes what is named, and max clears", async () => {
        assert.equal(await mcm.output("update", "-m", "32M", "--pids", "max", "web"), "");
        const { limits, usage } = await status();
        assert.deepEqual(limits, { memory: 32 * 1024 ** 2 });
        assert.deepEqual([usage?.memoryLimit, usage?.pidsLimit], [32 * 1024 ** 2, undefined]);
        assert.match(await mcm.output("list"), /^[0-9a-f]{12} +web .* memory 32 MiB /m);
    });

    test("mcm update names the option that is refused, and changes nothing then", async () => {
        const changes = ["--memory", "48M", "--cpuset", "4095"];
        const refused = await mcm.run(["update", ...changes, "web"]);
        assert.equal(refused.code, 125);
        assert.match(refused.stderr, /no processor 4095/);
        assert.equal((await status()).limits.memory, 32 * 1024 ** 2);
        const slow = await mcm.run(["update", "--io-read", "1K", "web"]);
        assert.match(slow.stderr, /^mcm: --io-read: "1K" is less than 4K; give bytes a second/);
        const none = await mcm.run(["update", "web"]);
        assert.match(none.stderr, /no limit is given/);
    });

    test("mcm pause shows as paused, refuses exec with what to do, and mcm resume ends it", async () => {
        assert.equal(await mcm.output("pause", "web"), "web\n");
        assert.match(await mcm.output("list"), new RegExp(`^${id} +web +paused +[0-9]+ `, "m"));
        assert.match(await mcm.output("status", "web"), /^Status: +paused$/m);
        const exec = await mcm.run(["exec", "web", "true"]);
        assert.equal(exec.code, 125);
        assert.match(exec.stderr, /Container web is paused\. Resume it first\./);
        const again = await mcm.run(["pause", "web"]);
        assert.match(again.stderr, /web is paused\. Resume it before it is paused again\./);
        assert.equal(await mcm.output("resume", "web"), "web\n");
        assert.equal(await mcm.output("exec", "web", "echo", "awake"), "awake\n");
        const awake = await mcm.run(["resume", "web"]);
        assert.match(awake.stderr, /web is not paused/);
    });
});
