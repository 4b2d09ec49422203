/** container_executor with a whole distribution. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { debianRootfs } from "../support/fixtures";
import { testContainer } from "./executor";

test("a Debian root file system runs its own programs", async (t) => {
    const container = await testContainer(t);
    const output = await container.outputOf(
        ". /etc/os-release; echo $ID; su nobody -s /bin/sh -c id; dpkg --version | head -n 1",
        { rootfs: await debianRootfs() },
    );
    assert.match(output, /^debian\nuid=65534\(nobody\).*\nDebian/);
});
