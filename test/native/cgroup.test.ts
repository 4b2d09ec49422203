/** Which control groups a container is in. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { testContainer } from "./executor";

test("every process of the container is in its control groups from the start", async (t) => {
    const container = await testContainer(t);
    const { pid } = await container.start(["/bin/sleep", "1000"]);
    const groups = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n");
    const ours = groups.filter((line) => line.endsWith(`:/my-container-manager/${container.id}`));
    assert.equal(ours.length, container.cgroups().length);
    for (const directory of container.cgroups()) {
        assert.equal(
            readFileSync(join(directory, "cgroup.procs"), "utf8").trim().split("\n").length,
            2,
            directory,
        );
    }
});
