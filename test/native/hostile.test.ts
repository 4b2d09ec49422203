/**
 * Hostile images and users: a root file system that another process changes while it is mounted, one
 * whose accounts are not what they should be, and users that are no users.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, test, type TestContext } from "node:test";
import { run } from "../../scripts/lib/run";
import { busyboxRootfs } from "../support/fixtures";
import { compile } from "./compile";
import { outputOf, runEntered, startContainer, type TestContainer } from "./entered";
import {
    assertRefused,
    testContainer,
    type Container,
    type Running,
    type StartOptions,
} from "./executor";

/** Starts against one racing loop. */
const ROUNDS = 12;

let directory = "";

before(async () => {
    directory = await mkdtemp(join(tmpdir(), "mcm hostile "));
    await compile(join(directory, "probe"), ["attack_probe.c"], ["-static"]);
});

after(async () => {
    await rm(directory, { recursive: true });
});

/** A copy of the busybox root file system that a test may spoil. */
async function ownRootfs(t: TestContext): Promise<string> {
    const path = await mkdtemp(join(directory, "rootfs "));
    t.after(() => rm(path, { recursive: true }));
    await run("cp", ["-a", `${await busyboxRootfs()}/.`, path]);
    return path;
}

/** Names, kinds, owners, sizes and times of everything in a tree. */
function listing(path: string): Promise<string> {
    return run("find", [path, "-printf", "%P %y %U:%G %m %s %T@ %l\n"]);
}

// ------------------------------------------------------------------------------------------- races

/** Lets each two names change places all the time while `work` goes on. */
async function exchanging(names: string[], work: () => Promise<void>): Promise<void> {
    const racer = spawn(join(directory, "probe"), ["exchange", ...names]);
    const ended = once(racer, "exit");
    try {
        await work();
    } finally {
        racer.kill("SIGKILL");
        assert.deepEqual(await ended, [null, "SIGKILL"]); // it raced until now
    }
}

/** Starts again and again against a racer; each start runs, or fails at a step of mounting. */
async function startOften(container: Container, options: StartOptions): Promise<void> {
    const steps = /^(overlay|mount-(proc|sys|dev|cgroup|etc|volume)|mask)$/;
    for (let round = 0; round < ROUNDS; round++) {
        const executed = await container.tryStart(["/bin/true"], options);
        if (executed.event.event === "started") {
            await container.ended(executed.event as unknown as Running);
        } else {
            assert.match(executed.event.step ?? "", steps, JSON.stringify(executed));
            assert.equal(executed.exitCode, 125);
        }
    }
}

/** A directory of the host that a link of the image names, and proof that nobody followed it. */
async function trap(t: TestContext): Promise<{ path: string; assertUntouched(): Promise<void> }> {
    const path = await mkdtemp(join(directory, "outside "));
    t.after(() => rm(path, { recursive: true }));
    const before = await listing(path);
    const assertUntouched = async (): Promise<void> => {
        assert.equal(await listing(path), before);
        assert.ok(!readFileSync("/proc/self/mountinfo", "utf8").includes(basename(path)));
    };
    return { path, assertUntouched };
}

test("an image whose directories become links and back while it is mounted stays in its root", async (t) => {
    const container = await testContainer(t);
    const [rootfs, outside] = [await ownRootfs(t), await trap(t)];
    const names = ["dev", "proc", "sys", "etc"];
    for (const name of names) {
        await symlink(outside.path, join(rootfs, `${name}-link`));
    }
    const pairs = names.flatMap((name) => [join(rootfs, name), join(rootfs, `${name}-link`)]);
    await exchanging(pairs, () => startOften(container, { rootfs }));
    await outside.assertUntouched();
});

test("a volume's target that becomes a link and back while it is mounted stays in the root", async (t) => {
    const container = await testContainer(t);
    const [shared, other, outside] = [await trap(t), await trap(t), await trap(t)];
    await mkdir(join(shared.path, "inner/target"), { recursive: true });
    await symlink(outside.path, join(shared.path, "link"));
    // As with CVE-2021-30465: one volume's target lies in another one, which others share.
    const flags = [
        ...["--mount", "rw", shared.path, "/shared"],
        ...["--mount", "rw", other.path, "/shared/inner/target"],
    ];
    const pair = [join(shared.path, "inner"), join(shared.path, "link")];
    await exchanging(pair, () => startOften(container, { flags }));
    await outside.assertUntouched();
    await other.assertUntouched();
});

// ------------------------------------------------------------------------------------------ places

/** What stands where a mount is to go, made by a shell in the image; the step that refuses it. */
const PLACES: [what: string, script: string, step: string, code: string][] = [
    ["a file in place of /dev", "rm -r dev; : > dev", "mount-dev", "ENOTDIR"],
    ["a FIFO in place of /sys", "rm -r sys; mkfifo sys", "mount-sys", "ENOTDIR"],
    ["a link to itself in place of /proc", "rm -r proc; ln -s proc proc", "mount-proc", "ELOOP"],
    ["a device in place of /etc", "rm -r etc; mknod etc c 1 3", "mount-etc", "ENOTDIR"],
    [
        "a directory in place of /etc/hosts",
        "rm -f etc/hosts; mkdir etc/hosts",
        "mount-etc",
        "EISDIR",
    ],
    [
        "a link into the kernel's files in place of /dev",
        "rm -r dev; ln -s proc/self/root/tmp dev",
        "mount-dev",
        "ELOOP",
    ],
];

for (const [what, script, step, code] of PLACES) {
    test(`${what} is refused`, async (t) => {
        const [container, rootfs] = [await testContainer(t), await ownRootfs(t)];
        await run("sh", ["-ec", script], { cwd: rootfs });
        assertRefused(container, await container.tryStart([], { rootfs }), { step, code });
    });
}

test("a FIFO and a device in place of files of /etc are covered", async (t) => {
    const [container, rootfs] = [await testContainer(t), await ownRootfs(t)];
    const script = "rm -f hosts resolv.conf; mkfifo hosts; mknod resolv.conf c 1 5";
    await run("sh", ["-ec", script], { cwd: join(rootfs, "etc") });
    const inside = "grep -c localhost /etc/hosts; test -f /etc/resolv.conf && echo file";
    assert.match(await container.outputOf(inside, { rootfs }), /^[1-9]\nfile\n$/);
});

// ------------------------------------------------------------------------------------------- users

/** By overflow, sign or half a pair each of them could become 0. */
const NO_USERS = ["4294967296", "4294967295", "65536", "-1", "+1", "1:", "0x0", "1:4294967296"];

test("a user that is no user is refused by a start, and never becomes root", async (t) => {
    const container = await testContainer(t);
    for (const user of NO_USERS) {
        const executed = await container.tryStart(["/bin/true"], { flags: ["--user", user] });
        assertRefused(container, executed, { step: "user", code: "EINVAL" });
    }
});

test("a user that is no user is refused by an entering, and never becomes root", async () => {
    const container = await startContainer();
    try {
        for (const user of NO_USERS) {
            assert.deepEqual(await entering(container, user), ["user", "EINVAL", 125], user);
        }
    } finally {
        await container.dispose();
    }
});

async function entering(container: TestContainer, user: string): Promise<unknown[]> {
    const { event, exitCode } = await runEntered(container, ["id"], { user });
    return event?.event === "failed" ? [event.step, event.code, exitCode] : [event];
}

/** What stands in place of /etc/passwd, made by a shell in the directory; who asks for `app`. */
const PASSWDS: [what: string, script: string, code: string][] = [
    ["a file of 1 GiB without a block", "truncate -s 1G passwd", "EFBIG"],
    ["a FIFO that nobody writes to", "mkfifo passwd", "EINVAL"],
    ["a directory", "mkdir passwd", "EINVAL"],
    ["a link to a file of the host", "ln -s /proc/self/root/etc/passwd passwd", "ELOOP"],
    ["a link to itself", "ln -s passwd passwd", "ELOOP"],
    ["an endless device", "ln -s /dev/zero passwd", "EINVAL"],
];

for (const [what, script, code] of PASSWDS) {
    test(`${what} in place of /etc/passwd holds up neither a start nor an entering`, async (t) => {
        const rootfs = await ownRootfs(t);
        await run("sh", ["-ec", `rm passwd; ${script}`], { cwd: join(rootfs, "etc") });
        const own = await testContainer(t);
        const executed = await own.tryStart(["/bin/true"], { rootfs, flags: ["--user", "app"] });
        assertRefused(own, executed, { step: "user", code });

        const container = await startContainer({ rootfs });
        try {
            assert.deepEqual(await entering(container, "app"), ["user", code, 125]);
            // id(1) would read the file itself.
            const script = "grep ^Uid: /proc/self/status | cut -f 2";
            assert.equal(await outputOf(container, script), "0\n");
            assert.equal(await outputOf(container, script, { user: "7:7" }), "7\n");
        } finally {
            await container.dispose();
        }
    });
}
