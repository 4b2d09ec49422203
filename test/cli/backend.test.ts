import assert from "node:assert/strict";
import { chmod, copyFile, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import type { BackendInfo, ContainerSummary } from "../../server/protocol";
import {
    busyboxRootfs,
    eventually,
    temporaryRoots,
    type TemporaryRoots,
} from "../support/fixtures";
import { CLI, launch, Mcm, type Outcome } from "./mcm";

/** Any user that is not root (Debian's nobody). */
const UID = 65534;

suite("mcm and the backend of a user", () => {
    let roots: TemporaryRoots;
    let mcm: Mcm;
    /** A copy of the program where everybody can read it. */
    let directory: string;

    before(async () => {
        roots = await temporaryRoots();
        mcm = new Mcm(roots.env);
        directory = await mkdtemp(join(tmpdir(), "mcm user "));
        await chmod(directory, 0o755);
        await copyFile(CLI, join(directory, "cli.js"));
    });

    after(async () => {
        await rm(directory, { recursive: true });
        await roots.dispose();
    });

    /**
     * Runs mcm as the user, in mounts of its own where the test's runtime directory is the fixed
     * one: another user's environment decides nothing.
     */
    function asUser(...args: string[]): Promise<Outcome> {
        const mounts =
            'mount -t tmpfs -o mode=755 none /run && mkdir /run/my-container-manager && mount --bind "$0" ' +
            "/run/my-container-manager && chmod 755 /run/my-container-manager && " +
            `exec setpriv --reuid=${UID} --regid=${UID} --clear-groups "$@"`;
        const program = ["unshare", "--mount", "sh", "-c", mounts, roots.runDir];
        const { child, ended } = launch(
            [...program, process.execPath, join(directory, "cli.js"), ...args],
            roots.env,
        );
        child.stdin.end();
        return ended;
    }

    test("without one says in a sentence how to get it", async () => {
        const { code, stdout, stderr } = await asUser("list");
        assert.deepEqual([code, stdout], [125, ""]);
        assert.equal(
            stderr,
            `mcm: no backend runs for the user with uid ${UID}; start one from VS Code, ` +
                `or with: sudo mcm backend start --uid ${UID}\n`,
        );
        assert.match(await mcm.failure(125, "backend", "info", "--uid", String(UID)), /no backend/);
    });

    test("only root starts one", async () => {
        const { code, stderr } = await asUser("backend", "start");
        assert.equal(code, 125);
        assert.match(
            stderr,
            /only root can start a backend; use: sudo mcm backend start --uid 65534/,
        );
    });

    test("serves the user, who sees what root made, and root what the user made", async () => {
        const rootfs = await busyboxRootfs();
        const socket = (await mcm.output("backend", "start", "--uid", String(UID))).trim();
        assert.equal(socket, join(roots.runDir, `backend-${UID}.sock`));
        const { mode, uid } = await stat(socket);
        assert.deepEqual([mode & 0o777, uid], [0o600, UID]);
        assert.equal(
            (await mcm.output("backend", "start", "--uid", String(UID))).trim(),
            socket,
            "starting it once more is no error",
        );

        const made = await asUser("run", "--trace", "--rootfs", rootfs, "--name", "theirs");
        assert.equal(made.code, 0, made.stderr);
        assert.match(made.stderr, /^ *\d+ .* child +pivot-root +pivot_root /m);
        await mcm.container("--rootfs", rootfs, "--name", "ours");
        const seen = JSON.parse((await asUser("list", "--json")).stdout) as ContainerSummary[];
        assert.deepEqual(seen.map(({ name }) => name).sort(), ["ours", "theirs"]);
        const listed = (await mcm.json("list", "--json")) as ContainerSummary[];
        assert.deepEqual(
            listed.map(({ name }) => name),
            seen.map(({ name }) => name),
        );
        const inside = await asUser("exec", "ours", "/bin/sh", "-c", "id -u; exit 4");
        assert.deepEqual([inside.code, inside.stdout, inside.stderr], [4, "0\n", ""]);
        assert.equal((await asUser("exec", "ours", "/bin/nothing")).code, 127);

        const info = (await mcm.json(
            "backend",
            "info",
            "--json",
            "--uid",
            String(UID),
        )) as BackendInfo;
        assert.equal(info.servesUid, UID);
        assert.match((await asUser("backend", "info")).stdout, /^Serves uid: +65534$/m);

        assert.equal((await asUser("backend", "stop")).code, 0);
        await eventually(async () => (await asUser("list")).code === 125, "the backend has ended");
        const after = (await mcm.json("list", "--json")) as ContainerSummary[];
        assert.deepEqual(
            after.map(({ state }) => state.kind),
            ["running", "running"],
            "containers run on",
        );
        await mcm.output("rm", "--force", "ours", "theirs");
    });
});
