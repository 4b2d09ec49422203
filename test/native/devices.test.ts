/**
 * Which devices can be opened in a container's control groups. What runs inside cannot get at any
 * other node to try it; so the attacks come from a process of the host's root that joins the
 * container's control groups and has none of its other confinement.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { run } from "../../scripts/lib/run";
import { busyboxRootfs } from "../support/fixtures";
import { compile } from "./compile";
import { testContainer, type Container } from "./executor";
import { makeBadHosts, withMounts } from "./hosts";

/** By type, major and minor, as the kernel's Documentation/admin-guide/devices.txt has them. */
const ALLOWED = ["c 1 3", "c 1 5", "c 1 7", "c 1 8", "c 1 9", "c 5 0", "c 5 1", "c 5 2", "c 136 7"];

/** mem, port, kmsg, tty0, ttyS0, fuse, tun, loop-control; a ram disk with null's numbers, loop0. */
const DENIED = [
    ...["c 1 1", "c 1 4", "c 1 11", "c 4 0", "c 4 64", "c 10 229", "c 10 200", "c 10 237"],
    ...["b 1 3", "b 7 0"],
];

/** Where control groups are mounted; a test hides some of them from the program. */
const UNIFIED = "/sys/fs/cgroup/unified";
const LEGACY = "/sys/fs/cgroup/devices";

let directory = "";

before(async () => {
    directory = await mkdtemp(join(tmpdir(), "mcm devices "));
    await chmod(directory, 0o755);
    await compile(join(directory, "probe"), ["attack_probe.c"], ["-static"]);
    const nodes = [...ALLOWED, ...DENIED].map(
        (device) => `mknod -m 666 ${device.replaceAll(" ", "-")} ${device}`,
    );
    await run("sh", ["-ec", nodes.join("\n")], { cwd: directory });
});

after(async () => {
    await rm(directory, { recursive: true });
});

function nodeOf(device: string): string {
    return join(directory, device.replaceAll(" ", "-"));
}

/** What the kernel says to opening each node, after the process has joined `cgroups`. */
async function openAll(devices: string[], cgroups: string[] = []): Promise<string[]> {
    const join =
        'while [ "$1" != -- ]; do echo 0 > "$1/cgroup.procs"; shift; done; shift; exec "$@"';
    const probe = [`${directory}/probe`, "open", "r", ...devices.map(nodeOf)];
    const output = await run("sh", ["-ec", join, "sh", ...cgroups, "--", ...probe]);
    return output
        .trim()
        .split("\n")
        .map((line) => line.slice(line.lastIndexOf(" ") + 1));
}

/** Only the listed devices can be opened in the container's control groups. */
async function assertFiltered(container: Container): Promise<void> {
    const outside = await openAll(DENIED);
    // The others are refused by something else on this host.
    const decided = DENIED.filter((_, index) => outside[index] !== "EPERM");
    assert.ok(decided.length >= DENIED.length / 2, outside.join(" "));
    const cgroups = container.cgroups();
    assert.deepEqual(
        await openAll(decided, cgroups),
        decided.map(() => "EPERM"),
    );
    // The same as outside of it: a terminal or multiplexer is not there for everybody.
    assert.deepEqual(await openAll(ALLOWED, cgroups), await openAll(ALLOWED));
}

/** A host without control groups in these places. */
function hiding(...directories: string[]): string[] {
    return withMounts(directories.map((path) => `mount -t tmpfs none ${path}`).join("\n"));
}

test("no device but the listed ones can be opened in a container's control group, not even by the host's root", async (t) => {
    const container = await testContainer(t);
    await container.start();
    await assertFiltered(container);
});

test("a device node of the image or a volume is dead by its mount, even one that is allowed", async (t) => {
    const container = await testContainer(t);
    const rootfs = join(directory, "rootfs");
    await run("cp", ["-a", await busyboxRootfs(), rootfs]);
    await run("mknod", ["-m", "666", join(rootfs, "null"), "c", "1", "3"]);
    const modes = ["ro", "rw", "cow"];
    const { stdout } = await container.run(
        ["/probe/probe", "open", "r", "/null", ...modes.map((mode) => `/${mode}/c-1-3`)],
        {
            rootfs,
            flags: ["probe", ...modes].flatMap((target) => [
                ...["--mount", target === "probe" ? "ro" : target, directory, `/${target}`],
            ]),
        },
    );
    // EACCES comes from "nodev"; the filter would say EPERM.
    const paths = ["/null", ...modes.map((mode) => `/${mode}/c-1-3`)];
    assert.equal(stdout, paths.map((path) => `${path} EACCES\n`).join(""));
});

test("a kernel that takes no program is no reason to refuse a container", async (t) => {
    const container = await testContainer(t);
    const hosts = await makeBadHosts();
    t.after(() => hosts.dispose());
    await container.start([], { wrapper: hosts.lacking("bpf=ENOSYS") });
    // Then the v1 controller is asked for, where there is one.
    const asked = container.cgroups().some((path) => path.startsWith(LEGACY));
    assert.equal(asked, existsSync(LEGACY));
});

// What the v1 controller does alone can be seen where it is and the unified hierarchy can be hidden.
if (existsSync(LEGACY)) {
    test("where no program can stand, the v1 controller denies the same devices", async (t) => {
        const container = await testContainer(t);
        await container.start([], { wrapper: hiding(UNIFIED) });
        assert.ok(container.cgroups().some((path) => path.startsWith(LEGACY)));
        await assertFiltered(container);
    });

    test("a host with neither of them still has containers", async (t) => {
        const container = await testContainer(t);
        await container.start([], { wrapper: hiding(UNIFIED, LEGACY) });
        assert.ok(!container.cgroups().some((path) => path.startsWith(LEGACY)));
    });
}
