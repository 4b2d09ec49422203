import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chown, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, before, beforeEach, suite, test } from "node:test";
import { CancellationTokenSource } from "vscode-jsonrpc";
import { ensurePackages } from "../../scripts/lib/apt";
import {
    ErrorCode,
    ImportProgress,
    RootfsImportRequest,
    RootfsListRequest,
    RootfsRemoveRequest,
    StartRequest,
    StopRequest,
    type RootfsInfo,
} from "../../server/protocol";
import { busyboxRootfs, eventually, exportedTarball } from "../support/fixtures";
import { askFor, refusedWith } from "./client";
import { TestSession } from "./session";
import { useServer } from "./useServer";

const server = useServer();
/** For sources of a test's own. */
let directory: string;

beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "mcm-streams rootfs-"));
});

afterEach(async () => {
    await rm(directory, { recursive: true });
});

function importRootfs(name: string, source: string, more: { token?: string } = {}) {
    const cancel = new CancellationTokenSource();
    const imported = server.connection.sendRequest(
        RootfsImportRequest,
        { name, source, ...more },
        cancel.token,
    );
    imported.catch(() => undefined);
    return { imported, cancel: () => cancel.cancel() };
}

const list = (): Promise<RootfsInfo[]> => askFor(server.connection, RootfsListRequest);

const removeRootfs = (name: string) => server.connection.sendRequest(RootfsRemoveRequest, { name });

async function output(container: string, script: string): Promise<string> {
    const session = TestSession.exec(server.connection, container, ["/bin/sh", "-c", script]);
    await session.ended;
    return session.text + session.errorText;
}

/** Nothing but imports that are whole lies where they are kept. */
async function nothingLeft(names: string[] = []): Promise<void> {
    assert.deepEqual((await readdir(server.deps.paths.rootfs)).sort(), names);
}

suite("importing", () => {
    test("a tarball gives a root file system that containers run in, until it is removed", async () => {
        const tarball = await exportedTarball();
        const info = await importRootfs("busy", tarball).imported;
        assert.equal(info.name, "busy");
        assert.equal(info.source, tarball);
        assert.ok(info.size > 100_000, `${info.size}`);
        assert.ok(Math.abs(Date.now() - Date.parse(info.importedAt)) < 60_000);
        const container = await server.run({ rootfs: { kind: "imported", name: "busy" } });
        assert.match(await output(container.id, "id -u; ls /bin/busybox"), /^0\n\/bin\/busybox\n$/);
        assert.deepEqual(
            (await list()).map(({ usedBy }) => usedBy),
            [[container.name]],
        );
        await assert.rejects(
            removeRootfs("busy"),
            refusedWith(ErrorCode.Running, new RegExp(`used by: ${container.name}`)),
        );
        await server.remove(container.id);
        await removeRootfs("busy");
        assert.deepEqual(await list(), []);
        await nothingLeft();
    });

    test("a directory copies owners, modes, links and times, and tells how far it is", async () => {
        const source = path.join(directory, "source");
        await mkdir(path.join(source, "bin"), { recursive: true });
        for (let i = 0; i < 300; i++) {
            await writeFile(path.join(source, "bin", `f${i}`), "x");
        }
        await chown(path.join(source, "bin/f1"), 1000, 2000);
        await symlink("/absolute", path.join(source, "link"));
        execFileSync("chmod", ["6755", path.join(source, "bin/f2")]);
        const told: number[] = [];
        server.connection.onProgress(ImportProgress, "p", ({ entries }) => {
            told.push(entries);
        });
        await importRootfs("copied", source, { token: "p" }).imported;
        const copy = path.join(server.deps.paths.rootfs, "copied", "root");
        const listing = (root: string) =>
            execFileSync("sh", ["-c", "find . -printf '%y %m %U %G %T@ %p %l\\n' | sort"], {
                cwd: root,
                encoding: "utf8",
            });
        assert.equal(listing(copy), listing(source));
        assert.ok((told.at(-1) ?? 0) > 0, "no progress was told");
        await removeRootfs("copied");
    });

    test("is refused for what is no root file system, and leaves nothing behind", async () => {
        const empty = path.join(directory, "empty");
        await mkdir(empty);
        const image = path.join(directory, "image");
        await mkdir(path.join(image, "blobs"), { recursive: true });
        await writeFile(path.join(image, "oci-layout"), "{}");
        const text = path.join(directory, "text.tar");
        await writeFile(text, "not a tarball\n".repeat(100));
        for (const [source, code, problem] of [
            [empty, ErrorCode.Invalid, /empty/],
            [image, ErrorCode.Unsupported, /docker export/],
            [text, ErrorCode.Invalid, /no sound tar archive/],
            [path.join(directory, "none"), ErrorCode.Invalid, /that is there/],
            ["/dev/null", ErrorCode.Invalid, /that is there/],
            ["/", ErrorCode.Invalid, /outside of which imports are kept/],
        ] as const) {
            await assert.rejects(
                importRootfs("bad", source).imported,
                refusedWith(code, problem, { field: "source" }),
            );
        }
        await nothingLeft();
    });

    test("is refused for names that cannot be", async () => {
        const source = await busyboxRootfs();
        for (const name of ["../evil", "a/b", "", ".hidden", "-x", "host", "x".repeat(64)]) {
            await assert.rejects(
                importRootfs(name, source).imported,
                refusedWith(ErrorCode.Invalid, /name/, { field: "name" }),
                name,
            );
        }
    });

    test("is refused for a name that is taken, also when two come at once", async () => {
        const source = await busyboxRootfs();
        const both = await Promise.allSettled([
            importRootfs("twice", source).imported,
            importRootfs("twice", source).imported,
        ]);
        assert.deepEqual(both.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
        await assert.rejects(
            importRootfs("twice", source).imported,
            refusedWith(ErrorCode.AlreadyExists, /"twice"/, { field: "name" }),
        );
        await nothingLeft(["twice"]);
        await removeRootfs("twice");
    });

    test("that is cancelled takes back what it did", async () => {
        const source = path.join(directory, "large");
        await mkdir(source);
        execFileSync("sh", ["-c", "for i in $(seq 1 3000); do echo $i > f$i; done"], {
            cwd: source,
        });
        const archive = path.join(directory, "large.tar");
        execFileSync("tar", ["-cf", archive, "-C", source, "."]);
        for (const from of [source, archive]) {
            const { imported, cancel } = importRootfs("large", from);
            await eventually(
                async () =>
                    (await readdir(server.deps.paths.rootfs)).some((name) => name.startsWith(".")),
                "the import to begin",
            );
            cancel();
            await assert.rejects(imported, { code: -32800 });
            await nothingLeft();
        }
    });

    test("that fails on a hostile archive takes back what it did", async () => {
        await mkdir(path.join(directory, "a"));
        await writeFile(path.join(directory, "a/evil"), "x");
        const archive = path.join(directory, "evil.tar");
        execFileSync("tar", ["-cPf", archive, "--transform=s,^,../../,", "evil"], {
            cwd: path.join(directory, "a"),
        });
        await assert.rejects(
            importRootfs("evil", archive).imported,
            refusedWith(ErrorCode.Invalid, /leads out of the archive/),
        );
        await nothingLeft();
    });

    test("removes what another import left that died", async () => {
        await mkdir(path.join(server.deps.paths.rootfs, ".importing-999999999-1-abcdef/root/sub"), {
            recursive: true,
        });
        await importRootfs("after", await busyboxRootfs()).imported;
        await nothingLeft(["after"]);
        await removeRootfs("after");
    });

    test("is not needed twice after its description is lost", async () => {
        await importRootfs("lost", await busyboxRootfs()).imported;
        await writeFile(path.join(server.deps.paths.rootfs, "lost/import.json"), "{damaged");
        const [info] = await list();
        assert.equal(info?.name, "lost");
        assert.ok(info.size > 100_000);
        await removeRootfs("lost");
    });
});

suite("removing", () => {
    test("what was never imported is refused by name", async () => {
        await assert.rejects(
            removeRootfs("nothing"),
            refusedWith(ErrorCode.NotFound, /"nothing"/, { field: "name" }),
        );
    });

    test("takes a tree that is 3000 directories deep", async () => {
        await importRootfs("deep", await busyboxRootfs()).imported;
        const root = path.join(server.deps.paths.rootfs, "deep/root");
        // A path may have 4095 bytes: half of the way each time.
        const half = "d/".repeat(1500);
        execFileSync("sh", ["-c", `mkdir -p ${half} && cd ${half} && mkdir -p ${half}`], {
            cwd: root,
        });
        await removeRootfs("deep");
        await nothingLeft();
    });
});

suite("a directory as root file system", () => {
    test("is refused when it is missing, empty, or no directory", async () => {
        await mkdir(path.join(directory, "empty"));
        await writeFile(path.join(directory, "file"), "");
        for (const [name, problem] of [
            ["missing", /a directory that is there/],
            ["empty", /the directory is empty/],
            ["file", /not a directory.*Import a tarball/],
        ] as const) {
            await assert.rejects(
                server.run({ rootfs: { kind: "directory", path: path.join(directory, name) } }),
                refusedWith(ErrorCode.Invalid, problem, { field: "rootfs" }),
            );
        }
        await assert.rejects(
            server.run({ rootfs: { kind: "imported", name: "nothing" } }),
            refusedWith(ErrorCode.NotFound, /"nothing"/),
        );
    });
});

suite("this computer as root file system", () => {
    before(() => ensurePackages(["less", "mawk", "procps", "python3", "vim-tiny"]));

    test("runs its programs, with nothing private of it", async () => {
        const { id } = await server.run({ rootfs: { kind: "host" }, name: "like-home" });
        assert.equal(await output(id, "bash -c 'echo $BASH_VERSION' | wc -l"), "1\n");
        assert.equal(await output(id, "awk 'BEGIN { print 6 * 7 }'"), "42\n");
        assert.match(await output(id, "vi --version | head -n 1"), /^VIM /);
        assert.match(await output(id, "top -b -n 1 | head -n 1"), /^top -/);
        assert.match(await output(id, "less --version | head -n 1"), /^less /);
        assert.equal(await output(id, "TERM=xterm-256color tput cols"), "80\n");
        assert.equal(await output(id, "python3 -c 'import json; print(json.dumps([1]))'"), "[1]\n");
        assert.equal(
            await output(id, "id -un; hostname; ls -A /home /srv /mnt"),
            "root\nlike-home\n/home:\n\n/mnt:\n\n/srv:\n",
        );
        assert.match(await output(id, "cat /etc/shadow /root/.bash_history"), /No such file/);
        assert.doesNotMatch(await output(id, "cat /etc/passwd"), /\/home\//);
        await server.remove(id);
    });

    test("can be changed by a container, for itself, and lasts over a restart", async () => {
        const { id } = await server.run({ rootfs: { kind: "host" } });
        await output(
            id,
            "echo '#!/bin/sh\necho mine' > /usr/bin/mcm-test; chmod +x /usr/bin/mcm-test",
        );
        await output(id, "rm /usr/bin/awk; touch /etc/mcm-test");
        await server.connection.sendRequest(StopRequest, { container: id, graceSeconds: 0 });
        await server.connection.sendRequest(StartRequest, { container: id });
        assert.equal(
            await output(id, "mcm-test; ls /etc/mcm-test; ls /usr/bin/awk"),
            "mine\n/etc/mcm-test\nls: cannot access '/usr/bin/awk': No such file or directory\n",
        );
        const other = await server.run({ rootfs: { kind: "host" } });
        assert.match(
            await output(other.id, "awk 'BEGIN { print 1 }'; mcm-test"),
            /^1\n.*not found/,
        );
        await server.remove(id);
        await server.remove(other.id);
        assert.equal(execFileSync("awk", ["BEGIN { print 1 }"]).toString(), "1\n");
    });

    test("gives a shell a prompt with the user, the host's name and the directory", async () => {
        const { id } = await server.run({ rootfs: { kind: "host" }, name: "prompt" });
        const session = TestSession.exec(server.connection, id, ["@shell"], {
            terminal: { rows: 24, columns: 80 },
        });
        await session.saw(/root@prompt.*:.*\/.*# $/);
        await session.input("exit 3\r");
        assert.equal((await session.ended).exitCode, 3);
        await server.remove(id);
    });

    test("is made once, whole, also when many ask at once, and an old one is removed", async () => {
        const skeletons = async () =>
            (await readdir(server.roots.stateDir)).filter((name) => name.includes("host-rootfs-"));
        const [first] = await skeletons();
        assert.ok(first !== undefined);
        await rename(
            path.join(server.roots.stateDir, first),
            path.join(server.roots.stateDir, "host-rootfs-000000000000"),
        );
        const prepared = await Promise.all(
            Array.from({ length: 5 }, () => server.deps.rootfs.prepare({ kind: "host" })),
        );
        assert.deepEqual(
            new Set(prepared.map((one) => path.basename(one.directory))),
            new Set([first]),
        );
        assert.deepEqual(await skeletons(), [first]);
    });
});
