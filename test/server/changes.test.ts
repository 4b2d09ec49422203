/** What containers have changed, as a client is told. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { ChangesRequest, ErrorCode } from "../../server/protocol";
import { eventually } from "../support/fixtures";
import { refusedWith } from "./client";
import { useServer } from "./useServer";

const server = useServer("test");

const changesOf = (container: string) =>
    server.connection.sendRequest(ChangesRequest, { container });

test("come by path, with type and size, while it runs and after", async () => {
    const id = await server.runScript("mkdir /b; echo hello > /a; rm /bin/cat; sleep 1000");
    const changes = [
        { path: "/a", change: "added", type: "file", size: 6 },
        { path: "/b", change: "added", type: "directory" },
        { path: "/bin/cat", change: "deleted", type: "link" },
    ];
    await eventually(async () => (await changesOf(id)).changes.length === 3, "the three changes");
    assert.deepEqual(await changesOf(id), { changes, leftOut: 0 });
    await server.connection.sendRequest("container/kill", { container: id, signal: "KILL" });
    await server.whenEnded(id);
    assert.deepEqual(await changesOf(id), { changes, leftOut: 0 });
});

test("of copy-on-write volumes stand where those are inside, and mount points are none", async () => {
    const source = await mkdtemp(path.join(tmpdir(), "mcm changes "));
    try {
        await mkdir(path.join(source, "sub"));
        await writeFile(path.join(source, "sub/kept"), "");
        const id = await server.runScript("echo x > /work/new; rm /work/sub/kept; echo x > /own", {
            volumes: [
                { source, target: "/shared", mode: "rw" },
                { source, target: "/work", mode: "cow" },
            ],
        });
        await server.whenEnded(id);
        const { changes } = await changesOf(id);
        assert.deepEqual(
            changes.map(({ path: file, change }) => `${change} ${file}`),
            ["added /own", "added /work/new", "deleted /work/sub/kept"],
        );
    } finally {
        await rm(source, { recursive: true });
    }
});

test("of this computer's programs are told, too", async () => {
    const command = ["sh", "-c", "echo x > /usr/share/mine; rm /usr/bin/env"];
    const { id } = await server.run({ rootfs: { kind: "host" }, command });
    await server.whenEnded(id);
    const { changes } = await changesOf(id);
    assert.deepEqual(
        changes.map(({ path: file, change }) => `${change} ${file}`),
        ["deleted /usr/bin/env", "added /usr/share/mine"],
    );
});

test("of a container that is not there, or whose root file system is gone, are refused", async () => {
    await assert.rejects(changesOf("nobody"), refusedWith(ErrorCode.NotFound, /nobody/));
    const directory = await mkdtemp(path.join(tmpdir(), "mcm changes "));
    await mkdir(path.join(directory, "empty"));
    const rootfs = { kind: "directory", path: directory } as const;
    const { id } = await server.run({ rootfs });
    await rm(directory, { recursive: true });
    await assert.rejects(changesOf(id), refusedWith(ErrorCode.Invalid, /rootfs/));
});
