/** Files of a container: its root file system, what it changes, its volumes, and hostile images. */
import assert from "node:assert/strict";
import { existsSync, lstatSync, readFileSync, readdirSync, statSync } from "node:fs";
import { chown, cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { run } from "../../scripts/lib/run";
import { busyboxRootfs } from "../support/fixtures";
import { testContainer } from "./executor";

/** A directory for a test's volumes, removed after it. */
async function directory(t: TestContext): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), "mcm volume "));
    t.after(() => rm(path, { recursive: true }));
    return path;
}

/** A copy of the busybox root file system that a test may spoil. */
async function ownRootfs(t: TestContext): Promise<string> {
    const path = join(await directory(t), "rootfs");
    await cp(await busyboxRootfs(), path, { recursive: true, verbatimSymlinks: true });
    return path;
}

/** Names, kinds, owners, sizes and times of everything in a tree. */
function listing(path: string): Promise<string> {
    return run("find", [path, "-printf", "%P %y %U:%G %m %s %T@ %l\n"]);
}

// ----------------------------------------------------------------------------- root and its changes

test("the root file system is root's inside, and neither written nor chowned on disk", async (t) => {
    const container = await testContainer(t);
    const rootfs = await ownRootfs(t);
    const before = await listing(rootfs);
    const output = await container.outputOf(
        "chown 1000:1000 /home; stat -c %u /bin/busybox /home; rm /bin/vi; mkdir /new; " +
            "echo changed > /etc/passwd; cat /etc/passwd",
        { rootfs },
    );
    assert.equal(output, "0\n1000\nchanged\n");
    assert.equal(await listing(rootfs), before);
});

test("what is written inside has ids of the container's own range on disk", async (t) => {
    const container = await testContainer(t);
    await container.outputOf("touch /root-file; touch /app-file; chown app:app /app-file");
    const uid = (name: string): number => statSync(join(container.stateDir, "upper", name)).uid;
    assert.deepEqual(
        [uid("root-file"), uid("app-file")],
        [container.idBase, container.idBase + 1000],
    );
});

test("the root directory has the mode of the image's", async (t) => {
    const container = await testContainer(t);
    const rootfs = await ownRootfs(t);
    await run("chmod", ["751", rootfs]);
    assert.equal(await container.outputOf("stat -c '%a %u' /", { rootfs }), "751 0\n");
});

test("a device node and a setuid file of the image are what they are for the container's ids only", async (t) => {
    const container = await testContainer(t);
    const rootfs = await ownRootfs(t);
    await run("mknod", [join(rootfs, "disk"), "b", "1", "0"]);
    const { stderr } = await container.run(["/bin/sh", "-c", "cat /disk"], { rootfs });
    assert.match(stderr, /Permission denied/);
});

test("device nodes cannot be made inside", async (t) => {
    const container = await testContainer(t);
    const { stderr, exit } = await container.run(["/bin/sh", "-c", "mknod /disk b 1 0"]);
    assert.match(stderr, /not permitted/);
    assert.notEqual(exit.exitCode, 0);
});

// ------------------------------------------------------------------------------------ hostile images

test("links in place of /dev, /proc, /sys and /etc lead nowhere outside of the root", async (t) => {
    const container = await testContainer(t);
    const rootfs = await ownRootfs(t);
    const outside = await directory(t);
    for (const name of ["dev", "proc", "sys", "etc"]) {
        await rm(join(rootfs, name), { recursive: true });
        await symlink(join(outside, name), join(rootfs, name));
        await mkdir(join(outside, name));
        // What the link means inside.
        await mkdir(join(rootfs, outside, name), { recursive: true });
    }
    const before = await listing(outside);
    const output = await container.outputOf(
        "echo x > /dev/null; cat /etc/hostname; test -r /proc/self/status && echo proc",
        { rootfs, flags: ["--hostname", "box"] },
    );
    assert.equal(output, "box\nproc\n");
    assert.equal(await listing(outside), before);
});

test("links that go up and up stay in the root", async (t) => {
    const container = await testContainer(t);
    const rootfs = await ownRootfs(t);
    await rm(join(rootfs, "dev"), { recursive: true });
    await symlink("../../../../../../tmp", join(rootfs, "dev"));
    assert.equal(await container.outputOf("ls /tmp/null", { rootfs }), "/tmp/null\n");
});

test("a link in place of /etc/resolv.conf that leads nowhere is replaced in the container", async (t) => {
    const container = await testContainer(t);
    const rootfs = await ownRootfs(t);
    await symlink("/run/systemd/resolve/stub-resolv.conf", join(rootfs, "etc/resolv.conf"));
    await symlink("/tmp/hosts-of-the-image", join(rootfs, "etc/hosts"));
    await writeFile(join(rootfs, "tmp/hosts-of-the-image"), "10.0.0.1 image\n");
    const output = await container.outputOf(
        "grep -c own /etc/resolv.conf; grep -c localhost /etc/hosts",
        { rootfs },
    );
    assert.match(output, /^1\n\d\n$/);
    assert.ok(lstatSync(join(rootfs, "etc/resolv.conf")).isSymbolicLink());
    assert.equal(readFileSync(join(rootfs, "tmp/hosts-of-the-image"), "utf8"), "10.0.0.1 image\n");
});

test("a file in place of /proc is refused", async (t) => {
    const container = await testContainer(t);
    const rootfs = await ownRootfs(t);
    await rm(join(rootfs, "proc"), { recursive: true });
    await writeFile(join(rootfs, "proc"), "");
    const { event } = await container.tryStart([], { rootfs });
    assert.deepEqual([event.step, event.code], ["mount-proc", "ENOTDIR"]);
});

test("an image without any of the directories gets them", async (t) => {
    const container = await testContainer(t);
    const rootfs = join(await directory(t), "rootfs");
    await mkdir(join(rootfs, "bin"), { recursive: true });
    await cp("/bin/busybox", join(rootfs, "bin/sh"));
    await container.outputOf("echo x > /dev/null && read x < /proc/uptime && [ -d /sys/class ]", {
        rootfs,
    });
    assert.deepEqual(readdirSync(rootfs), ["bin"]);
});

// ------------------------------------------------------------------------------------------ volumes

test("a read-write volume's owner is root inside, and everybody else nobody", async (t) => {
    const container = await testContainer(t);
    const source = await directory(t);
    await writeFile(join(source, "own"), "own\n");
    await writeFile(join(source, "other"), "other\n");
    await chown(source, 1234, 1235);
    await chown(join(source, "own"), 1234, 1235);
    const output = await container.outputOf(
        "cd /data; stat -c '%n %u' own other; echo new > new; echo more >> own; " +
            "(echo x > other) 2> /dev/null || echo refused",
        { flags: ["--mount", "rw", source, "/data"] },
    );
    assert.equal(output, "own 0\nother 65534\nrefused\n");
    const made = statSync(join(source, "new"));
    assert.deepEqual([made.uid, made.gid], [1234, 1235]);
    assert.equal(readFileSync(join(source, "own"), "utf8"), "own\nmore\n");
    assert.equal(readFileSync(join(source, "other"), "utf8"), "other\n");
});

test("a read-only volume is shown with the container's ids and cannot be written", async (t) => {
    const container = await testContainer(t);
    const source = await directory(t);
    await writeFile(join(source, "file"), "text\n");
    const { stdout, stderr } = await container.run(
        ["/bin/sh", "-c", "stat -c %u /a/b/c/file; cat /a/b/c/file; touch /a/b/c/new"],
        { flags: ["--mount", "ro", source, "/a/b/c"] },
    );
    assert.equal(stdout, "0\ntext\n");
    assert.match(stderr, /Read-only file system/);
    assert.deepEqual(readdirSync(source), ["file"]);
});

test("changes of a copy-on-write volume stay in the container, over a stop and a start", async (t) => {
    const container = await testContainer(t);
    const source = await directory(t);
    await writeFile(join(source, "file"), "host\n");
    const first = ["--mount", "ro", await directory(t), "/first"];
    const flags = [...first, "--mount", "cow", source, "/data"];
    const script = "cat /data/file; echo inside > /data/file; touch /data/new; ls /data";
    assert.equal(await container.outputOf(script, { flags }), "host\nfile\nnew\n");
    assert.equal(await container.outputOf(script, { flags }), "inside\nfile\nnew\n");
    assert.equal(readFileSync(join(source, "file"), "utf8"), "host\n");
    assert.deepEqual(readdirSync(source), ["file"]);
    assert.ok(existsSync(join(container.stateDir, "mounts/1/upper/new")));
});

test("a volume whose file system cannot map ids is refused, and says why", async (t) => {
    const container = await testContainer(t);
    for (const mode of ["ro", "rw", "cow"]) {
        const { event } = await container.tryStart([], {
            flags: ["--mount", mode, "/sys/kernel", "/data"],
        });
        assert.deepEqual([event.step, event.code], ["idmapped-mount", "EINVAL"]);
        assert.match(event.message ?? "", /\/sys\/kernel.*file system/);
    }
});

test("a single file can be a volume, over one that is there or a new one", async (t) => {
    const container = await testContainer(t);
    const source = await directory(t);
    await writeFile(join(source, "file"), "text\n");
    const flags = ["/etc/passwd", "/opt/made/file"].flatMap((target) => [
        ...["--mount", "ro", join(source, "file"), target],
    ]);
    assert.equal(
        await container.outputOf("cat /etc/passwd /opt/made/file", { flags }),
        "text\ntext\n",
    );
});

test("device nodes on a volume are dead, and its setuid bits count for nothing", async (t) => {
    const container = await testContainer(t);
    const source = await directory(t);
    await run("mknod", ["-m", "666", join(source, "null"), "c", "1", "3"]);
    const { stderr, stdout } = await container.run(
        ["/bin/sh", "-c", "cat /data/null; grep ' /data ' /proc/self/mountinfo"],
        { flags: ["--mount", "ro", source, "/data"] },
    );
    assert.match(stderr, /Permission denied/);
    assert.match(stdout, /nosuid,nodev/);
});

test("a volume that is absent or of the wrong kind, or a target of the kernel's, is refused", async (t) => {
    const container = await testContainer(t);
    const source = await directory(t);
    await writeFile(join(source, "file"), "");
    const cases: [mount: string[], code: string][] = [
        [["rw", join(source, "absent"), "/data"], "ENOENT"],
        [["cow", join(source, "file"), "/data"], "ENOTDIR"],
        [["rw", "/dev/null", "/data"], "EINVAL"],
        [["rw", source, "/"], "EINVAL"],
        [["rw", source, "/tmp/../.."], "EINVAL"],
        [["rw", source, "/proc"], "EINVAL"],
        [["rw", source, "/proc/self"], "EINVAL"],
        [["rw", source, "/sys/kernel"], "EINVAL"],
        [["rw", source, "/etc/passwd"], "ENOTDIR"],
        [["rw", join(source, "file"), "/tmp"], "EISDIR"],
    ];
    for (const [mount, code] of cases) {
        const { event } = await container.tryStart([], { flags: ["--mount", ...mount] });
        assert.deepEqual([event.step, event.code], ["mount-volume", code], mount.join(" "));
    }
    assert.deepEqual(readdirSync(container.stateDir), []);
});

test("a volume's target that is a hostile link stays in the root", async (t) => {
    const container = await testContainer(t);
    const rootfs = await ownRootfs(t);
    const [source, outside] = [await directory(t), await directory(t)];
    await symlink(outside, join(rootfs, "data"));
    await mkdir(join(rootfs, outside), { recursive: true });
    await container.outputOf("touch /data/inside", {
        rootfs,
        flags: ["--mount", "rw", source, "/data"],
    });
    assert.deepEqual(readdirSync(outside), []);
    assert.deepEqual(readdirSync(source), ["inside"]);
});
