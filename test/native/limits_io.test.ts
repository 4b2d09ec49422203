/** Limits of block I/O, on the disks that a container's files lie on. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, stat, truncate, writeFile } from "node:fs/promises";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { run } from "../../scripts/lib/run";
import { compile, nativeSource } from "./compile";
import { assertRefused, Container, testContainer } from "./executor";
import { assertEvent, hasController, isLegacy, MIB, read } from "./limits";

/** "MAJOR:MINOR" of the whole disk under a path; undefined where its file system has none. */
async function diskOf(path: string): Promise<string | undefined> {
    const { dev } = await stat(path);
    // As makedev(3) packs it.
    const [major, minor] = [(dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00)];
    const link = `/sys/dev/block/${major}:${minor}`;
    if (!existsSync(link)) {
        return undefined;
    }
    const device = realpathSync(link);
    const whole = existsSync(join(device, "partition")) ? dirname(device) : device;
    return readFileSync(join(whole, "dev"), "utf8").trim();
}

/** The limit of reading or writing on a disk in bytes a second; undefined for none. */
function ioLimit(container: Container, disk: string, way: "read" | "write"): number | undefined {
    const text = read(container, "io", `blkio.throttle.${way}_bps_device`, "io.max");
    const line = text.split("\n").find((each) => each.startsWith(`${disk} `));
    const value = isLegacy("io")
        ? line?.split(" ")[1]
        : new RegExp(`${way === "read" ? "r" : "w"}bps=(\\d+)`).exec(line ?? "")?.[1];
    return value === undefined ? undefined : Number(value);
}

const IO = ["--io-read", String(2 * MIB), "--io-write", String(3 * MIB)];
const unavailable = hasController("io") ? false : "this host has no io controller";

test("reading and writing are limited on the whole disk", { skip: unavailable }, async (t) => {
    const container = await testContainer(t);
    const disk = await diskOf(container.stateDir);
    assert.ok(disk, `${container.stateDir} must be on a disk for this`);
    // Beyond the page cache both ways, and told by the time of a log's line.
    const write = "dd if=/dev/zero of=/kept bs=256k count=24 oflag=direct 2>/dev/null";
    const readBack = "dd if=/kept of=/dev/null bs=256k iflag=direct 2>/dev/null";
    const script = `echo; ${write} && echo; ${readBack} && echo; sleep 0.01`;
    const running = await container.start(["/bin/sh", "-c", script], { flags: IO });
    assert.equal(ioLimit(container, disk, "read"), 2 * MIB);
    assert.equal(ioLimit(container, disk, "write"), 3 * MIB);
    await container.ended(running);
    const [begun = 0, written = 0, reread = 0] = container
        .logLines()
        .map((line) => Date.parse(line.split(" ")[0] ?? "") / 1000);
    // A tenth more is for what the kernel lets pass before it begins to count.
    const [writing, reading] = [6 / (written - begun), 6 / (reread - written)];
    assert.ok(writing > 0 && writing < 3.3, `${writing} MiB a second written`);
    assert.ok(reading > 0 && reading < 2.2, `${reading} MiB a second read`);
});

test(
    "limits of a running container's disk are changed and cleared each for itself",
    { skip: unavailable },
    async (t) => {
        const container = await testContainer(t);
        const disk = (await diskOf(container.stateDir)) ?? "";
        await container.start([], { flags: IO });
        const updated = { event: "updated", running: true };
        assertEvent(await container.update("--io-read", String(4 * MIB)), updated);
        assert.equal(ioLimit(container, disk, "read"), 4 * MIB);
        assert.equal(ioLimit(container, disk, "write"), 3 * MIB);
        assertEvent(await container.update("--io-write", "max"), updated);
        assert.equal(ioLimit(container, disk, "read"), 4 * MIB);
        assert.equal(ioLimit(container, disk, "write"), undefined);
        assertEvent(await container.update("--io-read", "max"), updated);
        assert.equal(ioLimit(container, disk, "read"), undefined);
    },
);

test("on v1 a limit of writing comes with a warning about the page cache", async (t) => {
    const container = await testContainer(t);
    const { event, events } = await container.tryStart([], {
        flags: hasController("io") ? ["--io-write", "1000000"] : [],
    });
    assert.equal(event.event, "started");
    const words = events.map(({ message }) => message ?? "").join("");
    assert.match(words, isLegacy("io") ? /direct and synchronous writes only/ : /^$/);
});

test("where the container's directory is on no disk, a limit of it is refused", async (t) => {
    const directory = await mkdtemp("/dev/shm/mcm test ");
    t.after(() => rm(directory, { recursive: true }));
    const runDir = join(directory, "run");
    const container = new Container({ stateDir: directory, runDir });
    await mkdir(container.stateDir, { recursive: true, mode: 0o700 });
    await mkdir(join(runDir, "containers"), { recursive: true });
    for (const flag of ["--io-read", "--io-write"]) {
        const flags = [flag, "1000000"];
        assertRefused(container, await container.tryStart([], { flags }), {
            step: `limit${flag.slice(1)}`,
            code: "ENODEV",
            message: /is on tmpfs, which has no disk to be limited/,
        });
    }
});

test("a volume whose file system has no disk that is known refuses the limit", async (t) => {
    const container = await testContainer(t);
    const volume = ["--mount", "ro", "/sys/kernel", "/mnt"];
    const refused = await container.tryStart([], { flags: [...volume, "--io-read", "1000000"] });
    assertRefused(container, refused, {
        step: "limit-io-read",
        code: "ENODEV",
        message: /\/sys\/kernel is on a file system of type 0x/,
    });
});

/** A loop device over an image, with one partition; undefined where this host makes none. */
async function partitionedLoop(t: TestContext, image: string): Promise<string | undefined> {
    await writeFile(image, "");
    await truncate(image, 32 * MIB);
    if (!existsSync("/dev/loop-control")) {
        return undefined;
    }
    const loop = (await run("losetup", ["-f", "--show", image])).trim();
    t.after(async () => {
        // A partition that was added by hand outlives its device.
        await run("delpart", [loop, "1"]);
        await run("losetup", ["-d", loop]);
    });
    // From the first MiB on, in sectors.
    await run("addpart", [loop, "1", "2048", "61440"]);
    return loop;
}

test("a partition is resolved to its disk, a loop device also to the disk under it", async (t) => {
    const directory = await mkdtemp(join(tmpdir(), "mcm disk "));
    const image = join(directory, "image");
    const loop = await partitionedLoop(t, image);
    t.after(() => rm(directory, { recursive: true }));
    const probe = join(directory, "probe");
    const sources = ["disk.c", "error.c", "util.c"].map(nativeSource);
    await compile(probe, ["disk_probe.c", ...sources], []);
    const disk = await diskOf(image);
    if (loop === undefined) {
        t.diagnostic("without loop devices: the image's own disk");
        assert.equal(await run(probe, [image]), `${disk}\n`);
        return;
    }
    await run("mkfs.ext4", ["-q", `${loop}p1`]);
    const look = 'mount "$1" /mnt && exec "$2" /mnt';
    const found = await run("unshare", ["-m", "sh", "-c", look, "sh", `${loop}p1`, probe]);
    const number = readFileSync(`/sys/block/${basename(loop)}/dev`, "utf8").trim();
    assert.deepEqual(found.trim().split("\n"), [number, disk]);
});
