/**
 * USER[:GROUP] against the passwd and group of a hostile root directory: the exact id or an error,
 * never 0 by accident (CVE-2026-30892). The program under test is native/identity.c with sanitizers.
 */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { RunError, run } from "../../scripts/lib/run";
import { root } from "../support/fixtures";
import { compile, nativeSource } from "./compile";

let directory = "";
let rootDirectory = "";
let probe = "";

const PASSWD = `\
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
app:x:1000:1001:An App,,,:/home/app:/bin/sh
machine$:x:1002:1002::/nonexistent:/bin/false
`;
const GROUP = `\
root:x:0:
daemon:x:1:
video:x:44:other,app
render:x:45:app,other
almost:x:46:apps,xapp
app:x:1001:
`;

before(async () => {
    directory = await mkdtemp(join(tmpdir(), "mcm identity "));
    // The sanitizer build's also counts what it reaches.
    const built = process.env.MCM_TEST_NATIVE;
    probe = built === undefined ? join(directory, "probe") : join(root, built, "identity_probe");
    if (built === undefined) {
        const units = ["identity", "database", "util", "error", "trace", "trace_names", "status"];
        const sources = [...units, "sanitize"].map((name) => nativeSource(`${name}.c`));
        const flags = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
        await compile(probe, ["identity_probe.c", ...sources], flags);
    }
});

beforeEach(async () => {
    rootDirectory = await mkdtemp(join(directory, "root "));
    await mkdir(join(rootDirectory, "etc"));
    await writeEtc("passwd", PASSWD);
    await writeEtc("group", GROUP);
});

after(async () => {
    await rm(directory, { recursive: true });
});

async function writeEtc(name: string, text: string): Promise<void> {
    await writeFile(join(rootDirectory, "etc", name), text);
}

/** The identity as the probe prints it. */
async function resolve(user: string): Promise<string> {
    return (await run(probe, [rootDirectory, user], { timeoutMs: 60_000 })).trim();
}

async function assertRefused(user: string, why: RegExp): Promise<void> {
    await assert.rejects(resolve(user), (error: unknown) => {
        assert.ok(error instanceof RunError, String(error));
        assert.equal(error.exitCode, 1, error.message);
        assert.match(error.output, /^user E[A-Z]+: /);
        assert.match(error.output, why);
        return true;
    });
}

test("a name is looked up with its group, memberships and home", async () => {
    assert.equal(await resolve("app"), "uid=1000 gid=1001 groups=44,45 home=/home/app");
    assert.equal(await resolve("root"), "uid=0 gid=0 groups= home=/root");
    assert.equal(await resolve("machine$"), "uid=1002 gid=1002 groups= home=/nonexistent");
});

test("a number has the same rights as its name", async () => {
    assert.equal(await resolve("1000"), "uid=1000 gid=1001 groups=44,45 home=/home/app");
});

test("a number needs no entry, and no file", async () => {
    assert.equal(await resolve("4242"), "uid=4242 gid=0 groups= home=/");
    await rm(join(rootDirectory, "etc"), { recursive: true });
    assert.equal(await resolve("4242"), "uid=4242 gid=0 groups= home=/");
    assert.equal(await resolve("4242:4343"), "uid=4242 gid=4343 groups= home=/");
    assert.equal(await resolve("65535:65535"), "uid=65535 gid=65535 groups= home=/");
});

test("a given group stands alone", async () => {
    assert.equal(await resolve("app:video"), "uid=1000 gid=44 groups= home=/home/app");
    assert.equal(await resolve("1000:7"), "uid=1000 gid=7 groups= home=/home/app");
    assert.equal(await resolve("app:0"), "uid=1000 gid=0 groups= home=/home/app");
});

test("a number outside of the container's range is refused", async () => {
    for (const number of [
        "65536",
        "4294967295",
        "4294967296",
        "18446744073709551616",
        "1".repeat(200),
    ]) {
        await assertRefused(number, /no number from 0 to 65535/);
        await assertRefused(`app:${number}`, /no number from 0 to 65535/);
    }
});

test("what is neither a name nor a number is refused", async () => {
    const texts = [
        "",
        ":",
        "1:",
        ":1",
        "app:",
        ":app",
        "+1",
        "-1",
        " 1",
        "1 ",
        "1x",
        "0x0",
        "1:1:1",
    ];
    texts.push("app:video:1", "1e3", "app ", "../app", "-app", ".app", "a\nroot", "x".repeat(300));
    for (const text of texts) {
        await assertRefused(text, /USER:GROUP|no number/);
    }
});

test("an entry with an odd name is not found by it", async () => {
    await writeEtc("passwd", "+1:x:0:0::/:/bin/sh\n1x:x:0:0::/:/bin/sh\n:x:0:0::/:/bin/sh\n");
    for (const text of ["+1", "1x", ""]) {
        await assertRefused(text, /USER:GROUP|no number/);
    }
});

test("an unknown name is refused, also next to ones that begin like it", async () => {
    await assertRefused("ap", /no user 'ap'/);
    await assertRefused("apps", /no user 'apps'/);
    await assertRefused("app:vide", /no group 'vide'/);
});

test("a name whose line is damaged is refused", async () => {
    for (const line of [
        "app",
        "app:x",
        "app:x:1000:1000",
        "app:x::1000::/:/bin/sh",
        "app:x:+1000:1000::/:/bin/sh",
        "app:x:1000:4294967296::/:/bin/sh",
        "app:x:65536:1::/:/bin/sh",
        "app:x: 1000:1::/:/bin/sh",
    ]) {
        await writeEtc("passwd", `${line}\n${PASSWD}`);
        await assertRefused("app", /line of 'app' in \/etc\/passwd is damaged/);
    }
    await writeEtc("passwd", PASSWD);
    await writeEtc("group", "video:x\n");
    await assertRefused("app:video", /line of 'video' in \/etc\/group is damaged/);
    await writeEtc("group", "video:x:-1:\n");
    await assertRefused("app:video", /'-1' is no number/);
});

test("a number passes damaged lines over", async () => {
    await writeEtc("passwd", `x:x:1000\ny:x:1000:+1::/:/bin/sh\n${PASSWD}`);
    assert.equal(await resolve("1000"), "uid=1000 gid=1001 groups=44,45 home=/home/app");
});

test("a home that is no sound path becomes the root directory", async () => {
    for (const home of ["", "relative", `/${"x".repeat(300)}`, "/a\x1b[2Jb"]) {
        await writeEtc("passwd", `app:x:1000:1000::${home}:/bin/sh\n`);
        assert.match(await resolve("app"), / home=\/$/);
    }
});

test("a file without a newline at its end is read to the end", async () => {
    await writeEtc("passwd", "app:x:1000:1000::/home/app:/bin/sh");
    assert.equal(await resolve("app"), "uid=1000 gid=1000 groups=44,45 home=/home/app");
});

test("more groups than we keep are refused, not cut", async () => {
    const groups = Array.from({ length: 65 }, (_, index) => `g${index}:x:${100 + index}:app\n`);
    await writeEtc("group", groups.slice(1).join(""));
    assert.match(await resolve("app"), new RegExp(`groups=${"\\d+,".repeat(63)}\\d+ `));
    await writeEtc("group", groups.join(""));
    await assertRefused("app", /more than 64 groups/);
});

test("a file over 1 MiB is refused, one of exactly that is read", async () => {
    const filler = "#".repeat(1024 * 1024 - PASSWD.length - 1);
    await writeEtc("passwd", `${PASSWD}${filler}\n`);
    assert.match(await resolve("app"), /^uid=1000 /);
    await writeEtc("passwd", `${PASSWD}${filler}#\n`);
    await assertRefused("app", /larger than 1 MiB/);
});

test("a FIFO, a directory or a device in place of the file stops nobody", async () => {
    const passwd = join(rootDirectory, "etc/passwd");
    await rm(passwd);
    await run("mkfifo", [passwd]);
    await assertRefused("app", /no regular file/);
    await rm(passwd);
    await mkdir(passwd);
    await assertRefused("app", /no regular file/);
    await rm(passwd, { recursive: true });
    await run("mknod", [passwd, "c", "1", "5"]); // zero never ends
    await assertRefused("app", /no regular file/);
});

test("a damaged passwd does not lock out who asks by numbers", async () => {
    const passwd = join(rootDirectory, "etc/passwd");
    await rm(passwd);
    await run("mkfifo", [passwd]);
    assert.equal(await resolve("0:0"), "uid=0 gid=0 groups= home=/");
    await assertRefused("0", /no regular file/);
});

test("a link in the root is followed inside it, and never to the host", async () => {
    const passwd = join(rootDirectory, "etc/passwd");
    await rm(passwd);
    await mkdir(join(rootDirectory, "usr"));
    await writeFile(join(rootDirectory, "usr/passwd"), PASSWD);
    await symlink("/usr/passwd", passwd);
    assert.match(await resolve("app"), /^uid=1000 /);
    await rm(passwd);
    await symlink("../../../../../../usr/passwd", passwd);
    assert.match(await resolve("app"), /^uid=1000 /);
    await rm(passwd);
    await symlink("/proc/self/root/etc/passwd", passwd);
    await assertRefused("app", /no user 'app'/);
});
