/** container_executor with whole distributions: a Debian, and the one of this computer. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
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

test("the host's own /usr serves copy-on-write", async (t) => {
    const container = await testContainer(t);
    assert.equal(
        await container.outputOf("touch /usr/new && ls -d /usr/share /usr/new", {
            flags: ["--mount", "cow", "/usr", "/usr"],
        }),
        "/usr/new\n/usr/share\n",
    );
    assert.ok(!existsSync("/usr/new"));
});
