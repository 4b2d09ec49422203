/** A backend that appears is noticed, wherever it appears. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";
import { SocketWatch } from "../../extension/socketWatch";
import { eventually } from "../support/eventually";

suite("a watched socket", () => {
    let root: string;
    let watch: SocketWatch | undefined;
    let appeared: number;

    beforeEach(async () => {
        root = await mkdtemp(path.join(tmpdir(), "mcm-extension-watch-"));
        appeared = 0;
    });

    afterEach(async () => {
        watch?.dispose();
        await rm(root, { recursive: true });
    });

    function watchFor(...names: string[]): string {
        const socket = path.join(root, ...names);
        watch = new SocketWatch(socket, () => appeared++);
        return socket;
    }

    async function noticed(): Promise<void> {
        await eventually(() => appeared > 0, "the socket was noticed");
        appeared = 0;
    }

    test("is noticed when it is there already", async () => {
        await writeFile(path.join(root, "socket"), "");
        watchFor("socket");
        assert.equal(appeared, 1);
    });

    test("is noticed when it appears, and when it appears again", async () => {
        const socket = watchFor("socket");
        await writeFile(socket, "");
        await noticed();
        await rm(socket);
        await writeFile(socket, "");
        await noticed();
    });

    test("is noticed in a directory that is made later", async () => {
        const socket = watchFor("run", "mcm", "socket");
        await mkdir(path.dirname(socket), { recursive: true });
        await writeFile(socket, "");
        await noticed();
    });

    test("is noticed in a directory that was removed and made again", async () => {
        await mkdir(path.join(root, "run"));
        const socket = watchFor("run", "socket");
        await rm(path.dirname(socket), { recursive: true });
        await mkdir(path.dirname(socket));
        await writeFile(socket, "");
        await noticed();
    });

    test("is not taken for another file", async () => {
        const socket = watchFor("socket");
        await writeFile(path.join(root, "other"), "");
        await writeFile(socket, "");
        await noticed();
        assert.equal(appeared, 0);
    });
});
