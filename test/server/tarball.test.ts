import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
    access,
    chmod,
    chown,
    link,
    lstat,
    mkdir,
    mkdtemp,
    readFile,
    readdir,
    readlink,
    rm,
    symlink,
    truncate,
    writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, before, beforeEach, suite, test } from "node:test";
import { gzipSync } from "node:zlib";
import { Header, type HeaderData } from "tar";
import { ensurePackages } from "../../scripts/lib/apt";
import { McmError } from "../../server/errors";
import { ErrorCode } from "../../server/protocol";
import { Meter, requireSpace } from "../../server/rootfs/space";
import { unpackTarball } from "../../server/rootfs/tarball";
import { exportedTarball } from "../support/fixtures";

const never = new AbortController().signal;

/** Ends an archive. */
const END = Buffer.alloc(1024);

let directory: string;
let target: string;

before(() => ensurePackages(["bzip2", "gzip", "xz-utils", "zstd"]));

beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "mcm-streams tarball-"));
    target = path.join(directory, "below", "target");
    await mkdir(target, { recursive: true });
});

afterEach(async () => {
    await rm(directory, { recursive: true });
});

/** One entry of an archive, with its content. */
function entry(data: HeaderData, content = ""): Buffer {
    const header = new Header({
        mode: 0o644,
        uid: 0,
        gid: 0,
        mtime: new Date(1_700_000_000_000),
        size: Buffer.byteLength(content),
        type: "File",
        ...data,
    });
    const block = Buffer.alloc(512);
    header.encode(block);
    const body = Buffer.alloc(Math.ceil(Buffer.byteLength(content) / 512) * 512);
    body.write(content);
    return Buffer.concat([block, body]);
}

async function unpack(archive: Buffer | string, signal = never): Promise<Meter> {
    let source = archive;
    if (typeof source !== "string") {
        source = path.join(directory, "archive");
        await writeFile(source, archive);
    }
    const meter = new Meter(target, () => undefined);
    await unpackTarball(source, target, meter, signal);
    return meter;
}

/** Everything below the test's directory but for the archive and the target. */
function outside(): string[] {
    const found = execFileSync("find", ["-mindepth", "1"], { cwd: directory, encoding: "utf8" });
    return found.split("\n").filter((name) => !/^(?:$|\.\/(?:archive|below)(?:$|\/))/.test(name));
}

async function refuses(entries: Buffer[], problem: RegExp): Promise<void> {
    await assert.rejects(unpack(Buffer.concat([...entries, END])), (error: unknown) => {
        assert.ok(error instanceof McmError, String(error));
        assert.equal(error.code, ErrorCode.Invalid);
        assert.equal(error.data.field, "source");
        assert.match(error.message, problem);
        return true;
    });
    assert.deepEqual(outside(), []);
}

suite("unpacking a tarball", () => {
    test("gives what docker export wrote: the same files as tar(1) makes of it", async () => {
        const tarball = await exportedTarball();
        const reference = path.join(directory, "reference");
        await mkdir(reference);
        execFileSync("tar", ["-xpf", tarball, "--numeric-owner", "-C", reference]);
        const meter = await unpack(tarball);
        assert.ok(meter.entries > 10, `${meter.entries} entries`);
        assert.ok(meter.bytes > 100_000, `${meter.bytes} bytes`);
        assert.equal(listing(target), listing(reference));
        const difference = spawnSync("diff", ["-r", "--no-dereference", reference, target]);
        assert.equal(difference.stdout.toString(), "");
    });

    test("keeps owners, modes with set-id bits, times, links", async () => {
        const source = path.join(directory, "source");
        await mkdir(path.join(source, "sub/deep"), { recursive: true });
        await writeFile(path.join(source, "sub/su"), "suid");
        await chown(path.join(source, "sub/su"), 1000, 2000);
        await chmod(path.join(source, "sub/su"), 0o6755);
        await link(path.join(source, "sub/su"), path.join(source, "sub/deep/hard"));
        await symlink("/etc/absolute", path.join(source, "absolute"));
        await symlink("../../../../up", path.join(source, "sub/up"));
        await writeFile(path.join(source, "é".repeat(120)), "a name that needs pax");
        await chmod(path.join(source, "sub"), 0o1777);
        await chown(path.join(source, "sub"), 65_000, 65_000);
        const archive = path.join(directory, "archive");
        execFileSync("tar", ["-cf", archive, "--format=pax", "-C", source, "."]);
        await unpack(archive);
        assert.equal(listing(target), listing(source));
        const [first, second] = await Promise.all([
            lstat(path.join(target, "sub/su")),
            lstat(path.join(target, "sub/deep/hard")),
        ]);
        assert.equal(first.ino, second.ino);
    });

    for (const program of ["gzip", "xz", "zstd", "bzip2"]) {
        test(`reads what ${program} compressed`, async () => {
            const archive = Buffer.concat([entry({ path: "a" }, "content"), END]);
            const plain = path.join(directory, "archive.tar");
            await writeFile(plain, archive);
            await unpack(execFileSync(program, ["--stdout", plain]));
            assert.equal(await readFile(path.join(target, "a"), "utf8"), "content");
        });

        test(`refuses what ${program} compressed and was cut off`, async () => {
            const plain = path.join(directory, "random.tar");
            const random = execFileSync("head", ["-c", "300000", "/dev/urandom"], {
                encoding: "latin1",
            });
            await writeFile(plain, Buffer.concat([entry({ path: "a" }, random), END]));
            const compressed = execFileSync(program, ["--stdout", plain]);
            await assert.rejects(
                unpack(compressed.subarray(0, compressed.length >> 1)),
                (error: unknown) => error instanceof McmError && error.code === ErrorCode.Invalid,
            );
        });
    }

    test("reads entries of all sizes around the blocks, in order", async () => {
        const sizes = [0, 1, 511, 512, 513, 65_536, 262_143, 262_144, 1_000_000];
        const parts = sizes.map((size) => entry({ path: `f${size}` }, "x".repeat(size)));
        await unpack(Buffer.concat([...parts, END]));
        for (const size of sizes) {
            assert.equal((await lstat(path.join(target, `f${size}`))).size, size);
        }
    });

    test("makes the directories that have no entry", async () => {
        await unpack(Buffer.concat([entry({ path: "a/b/c" }, "x"), END]));
        assert.equal(await readFile(path.join(target, "a/b/c"), "utf8"), "x");
    });

    test("lets a later entry replace an earlier one, and never what a link points at", async () => {
        await writeFile(path.join(directory, "victim"), "safe");
        const victim = path.join(directory, "victim");
        await unpack(
            Buffer.concat([
                entry({ path: "a", type: "SymbolicLink", linkpath: victim }),
                entry({ path: "a" }, "new"),
                entry({ path: "b", type: "SymbolicLink", linkpath: directory }),
                entry({ path: "b", type: "Directory", mode: 0o700 }),
                END,
            ]),
        );
        assert.equal(await readFile(victim, "utf8"), "safe");
        assert.equal(await readFile(path.join(target, "a"), "utf8"), "new");
        assert.ok((await lstat(path.join(target, "b"))).isDirectory());
    });

    test("takes an absolute name for one below the root", async () => {
        await unpack(Buffer.concat([entry({ path: "/etc/mcm-test-file" }, "x"), END]));
        assert.equal(await readFile(path.join(target, "etc/mcm-test-file"), "utf8"), "x");
        await assert.rejects(access("/etc/mcm-test-file"));
    });

    test("leaves devices and pipes out", async () => {
        await unpack(
            Buffer.concat([
                entry({ path: "dev/sda", type: "BlockDevice", devmaj: 8, devmin: 0 }),
                entry({ path: "dev/kmsg", type: "CharacterDevice", devmaj: 1, devmin: 11 }),
                entry({ path: "pipe", type: "FIFO" }),
                entry({ path: "a" }, "x"),
                END,
            ]),
        );
        assert.deepEqual(await readdir(target), ["a"]);
    });

    test("ends with the reason of its signal when that aborts", async () => {
        const cancel = new AbortController();
        cancel.abort(new Error("enough"));
        await assert.rejects(
            unpack(Buffer.concat([entry({ path: "a" }, "x"), END]), cancel.signal),
            /enough/,
        );
    });
});

suite("space", () => {
    test("that is not there is refused before anything is written, and while it is", async () => {
        // proc(5) has no space at all, and never fills up under a test.
        const full = (error: unknown) => error instanceof McmError && error.data.errno === "ENOSPC";
        await assert.rejects(requireSpace("/proc", 1), full);
        const meter = new Meter("/proc", () => undefined);
        await meter.addBytes(1000);
        await assert.rejects(meter.addBytes(100_000_000), full);
        await requireSpace(directory, 1000, 10);
    });
});

suite("a hostile tarball is refused:", () => {
    test("a name with ..", async () => {
        await refuses([entry({ path: "../evil" }, "x")], /"\.\.\/evil" leads out of the archive/);
        await refuses([entry({ path: "a/../../../evil" }, "x")], /leads out/);
        await refuses([entry({ path: "/../evil", type: "Directory" })], /leads out/);
    });

    test("a file through a symbolic link, absolute or relative", async () => {
        for (const linkpath of [directory, "../..", "."]) {
            await refuses(
                [
                    entry({ path: "link", type: "SymbolicLink", linkpath }),
                    entry({ path: "link/evil" }, "x"),
                ],
                /"link\/evil" goes through "link", which is no directory/,
            );
        }
    });

    test("a directory, and a link, through a symbolic link", async () => {
        const through = entry({ path: "link", type: "SymbolicLink", linkpath: directory });
        await refuses([through, entry({ path: "link/evil", type: "Directory" })], /goes through/);
        await refuses(
            [through, entry({ path: "link/evil", type: "SymbolicLink", linkpath: "x" })],
            /goes through/,
        );
    });

    test("a chain of symbolic links", async () => {
        await refuses(
            [
                entry({ path: "a", type: "Directory" }),
                entry({ path: "a/b", type: "SymbolicLink", linkpath: ".." }),
                entry({ path: "c", type: "SymbolicLink", linkpath: "a/b/../.." }),
                entry({ path: "c/evil" }, "x"),
            ],
            /goes through "c"/,
        );
    });

    test("a hard link to a file outside, by any way", async () => {
        await writeFile(path.join(directory, "below", "secret"), "secret");
        const secret = path.join(directory, "below", "secret");
        await refuses([entry({ path: "evil", type: "Link", linkpath: secret })], /no file before/);
        await refuses([entry({ path: "evil", type: "Link", linkpath: "../secret" })], /leads out/);
        await refuses(
            [
                entry({ path: "up", type: "SymbolicLink", linkpath: ".." }),
                entry({ path: "evil", type: "Link", linkpath: "up/secret" }),
            ],
            /links through "up"/,
        );
    });

    test("a hard link to a symbolic link, then a file over it, writes in the tree only", async () => {
        await writeFile(path.join(directory, "below", "secret"), "secret");
        await unpack(
            Buffer.concat([
                entry({ path: "s", type: "SymbolicLink", linkpath: "../secret" }),
                entry({ path: "h", type: "Link", linkpath: "s" }),
                entry({ path: "h" }, "overwritten"),
                END,
            ]),
        );
        assert.equal(await readlink(path.join(target, "s")), "../secret");
        assert.equal(await readFile(path.join(directory, "below", "secret"), "utf8"), "secret");
    });

    test("a hard link to a directory, or to nothing", async () => {
        await refuses(
            [
                entry({ path: "d", type: "Directory" }),
                entry({ path: "l", type: "Link", linkpath: "d" }),
            ],
            /no file before it/,
        );
        await refuses([entry({ path: "l", type: "Link", linkpath: "none" })], /no file before it/);
    });

    test("the root replaced", async () => {
        await refuses([entry({ path: "." }, "x")], /root directory itself/);
        await refuses(
            [entry({ path: "./", type: "SymbolicLink", linkpath: "/etc" })],
            /root directory itself/,
        );
    });

    test("a directory replaced by something else", async () => {
        await refuses(
            [
                entry({ path: "d/f" }, "x"),
                entry({ path: "d", type: "SymbolicLink", linkpath: directory }),
                entry({ path: "d/evil" }, "x"),
            ],
            /"d" is a directory and something else/,
        );
    });

    test("a sparse file, whose content would be wrong", async () => {
        const sparse = path.join(directory, "below", "sparse");
        await writeFile(sparse, "");
        await truncate(sparse, 10_000_000);
        for (const format of ["gnu", "pax"]) {
            const archive = execFileSync("tar", [
                "--sparse",
                `--format=${format}`,
                "-c",
                "-C",
                path.dirname(sparse),
                "sparse",
            ]);
            await assert.rejects(unpack(archive), /sparse|Sparse/);
        }
    });

    test("something that is no archive, or damaged, or cut off", async () => {
        const good = Buffer.concat([entry({ path: "a" }, "x".repeat(5000)), entry({ path: "b" })]);
        const damaged = Buffer.concat([good, END]);
        damaged.write("zzz", 100);
        for (const bad of [
            Buffer.alloc(0),
            Buffer.from("hello"),
            Buffer.from("not a tarball ".repeat(1000)),
            good.subarray(0, 2000),
            good,
            damaged,
            gzipSync("hello"),
            gzipSync(good),
        ]) {
            await assert.rejects(unpack(bad), (error: unknown) => {
                assert.ok(error instanceof McmError, String(error));
                assert.equal(error.code, ErrorCode.Invalid);
                return true;
            });
        }
    });
});

/** What tar(1) has to say of a tree: types, modes, owners, sizes, times, names, targets. */
function listing(root: string): string {
    const script = "find . -mindepth 1 -printf '%y %m %U %G %s %Ts %n %p %l\\n' | sort -k 8";
    const out = execFileSync("sh", ["-c", script], { cwd: root, encoding: "utf8" });
    // Sizes of directories depend on the file system's history.
    return out.replace(/^(d \d+ \d+ \d+) \d+/gm, "$1");
}
