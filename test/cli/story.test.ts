import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, suite, test } from "node:test";
import { temporaryRoots, type TemporaryRoots } from "../support/fixtures";
import type { ContainerDetails } from "../../server/protocol";
import { Mcm } from "./mcm";

suite("the session that must work to the letter", () => {
    let roots: TemporaryRoots;
    let mcm: Mcm;
    let id: string;
    let details: ContainerDetails;

    before(async () => {
        roots = await temporaryRoots();
        mcm = new Mcm(roots.env);
    });

    after(() => roots.dispose());

    test("mcm run --memory 100M --cpu 0.5 /bin/sh prints an id", async () => {
        id = await mcm.container("--memory", "100M", "--cpu", "0.5", "/bin/sh");
    });

    test("mcm list shows it running", async () => {
        const [heading, row, ...more] = (await mcm.output("list")).split("\n");
        assert.match(heading!, /^CONTAINER ID +NAME +STATUS +PID /);
        assert.match(
            row!,
            new RegExp(`^${id} +[a-z]+-[a-z]+ +running +[0-9]+ .*100 MiB.* /bin/sh$`),
        );
        assert.deepEqual(more, [""]);
    });

    test("mcm exec <id> /bin/sh -c 'id; hostname; cat /proc/self/cgroup' tells where it is", async () => {
        details = (await mcm.json("inspect", id)) as ContainerDetails;
        const script = "id; hostname; cat /proc/self/cgroup";
        const lines = (await mcm.output("exec", id, "/bin/sh", "-c", script)).trim().split("\n");
        assert.match(lines[0]!, /^uid=0\(root\) gid=0\(root\)/);
        assert.equal(lines[1], details.name);
        assert(lines.length > 2, "no cgroup");
        for (const line of lines.slice(2)) {
            assert.doesNotMatch(line, /my-container-manager/, "the host's cgroups show");
        }
    });

    test("mcm status <id> shows status, pid, memory used of limit, cpu and pids", async () => {
        const status = await mcm.output("status", id);
        assert.match(status, /^Status: +running$/m);
        assert.match(status, /^PID: +[0-9]+$/m);
        assert.match(status, /^Memory: +[0-9.]+ [KM]iB of 100 MiB \([0-9.]+%\)$/m);
        assert.match(status, /^CPU: +[0-9.]+% of one core, limit 0\.5 cores$/m);
        assert.match(status, /^PIDs: +[0-9]+/m);
    });

    test("what is written survives mcm stop <id> && mcm start <id>", async () => {
        assert.equal(await mcm.output("exec", id, "/bin/sh", "-c", "echo kept > /root/note"), "");
        assert.equal(await mcm.output("stop", id), `${id}\n`);
        assert.match(await mcm.output("list"), new RegExp(`^${id} .* exited \\(.*\\) +- `, "m"));
        assert.equal(await mcm.output("start", id), `${id}\n`);
        assert.equal(await mcm.output("exec", id, "cat", "/root/note"), "kept\n");
    });

    test("mcm stop <id> && mcm rm <id> leave no directory and no cgroup", async () => {
        const { paths, cgroups } = (await mcm.json("inspect", id)) as ContainerDetails;
        const directories = [paths.state, ...Object.values(cgroups)];
        assert(directories.length > 1 && directories.every((path) => existsSync(path)));
        assert.equal(await mcm.output("stop", id), `${id}\n`);
        assert.equal(await mcm.output("rm", id), `${id}\n`);
        assert.deepEqual(
            directories.filter((path) => existsSync(path)),
            [],
        );
        assert.deepEqual(await mcm.json("list", "--json"), []);
    });
});
