/**
 * Root inside a container against what is not the container's own: its init, the programs that made
 * it and enter it, the kernel's files, the root directory. The attacker is attack_probe.c.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { nativeProgram } from "../support/fixtures";
import { compile } from "./compile";
import { testContainer } from "./executor";
import { makeBadHosts, type BadHosts } from "./hosts";
import { enter, outputOf, runEntered, startContainer, type TestContainer } from "./entered";

let directory = "";
let container: TestContainer;
let hosts: BadHosts;

before(async () => {
    directory = await mkdtemp(join(tmpdir(), "mcm attack "));
    await chmod(directory, 0o755);
    await compile(join(directory, "probe"), ["attack_probe.c"], ["-static"]);
    await writeFile(join(directory, "evil"), "#!/proc/self/exe\n", { mode: 0o755 });
    hosts = await makeBadHosts();
    container = await startContainer({
        command: ["sleep", "100000"],
        mounts: [{ mode: "ro", source: directory, target: "/attack" }],
    });
});

after(async () => {
    await container.dispose();
    await hosts.dispose();
    await rm(directory, { recursive: true });
});

/** What each try of the probe was answered. */
async function attack(...args: string[]): Promise<Record<string, string>> {
    const { stdout, exitCode, stderr } = await runEntered(container, ["/attack/probe", ...args]);
    assert.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: "" });
    return parse(stdout);
}

function parse(output: string): Record<string, string> {
    const lines = output.trim().split("\n");
    return Object.fromEntries(lines.map((line) => line.split(" ", 2) as [string, string]));
}

/** Starts a program with directories of the host open (CVE-2024-21626). */
const LEAKING = ["sh", "-c", 'exec 7< / 8< /proc 9< /root; exec "$0" "$@"'];

/** The same answer for many names. */
function all(answer: string, names: string[]): Record<string, string> {
    return Object.fromEntries(names.map((name) => [name, answer]));
}

// --------------------------------------------------------------------------------- its own process 1

/** What reaching for pid 1 is answered. */
const INIT_ANSWERS = {
    ...all("EPERM", ["PTRACE_ATTACH", "PTRACE_SEIZE", "process_vm_readv", "process_vm_writev"]),
    ...all(
        "EACCES",
        [
            "exe",
            "cwd",
            "root",
            "ns/mnt",
            "ns/user",
            "mem",
            "environ",
            "maps",
            "fd",
            "map_files",
        ].map((name) => `/proc/1/${name}`),
    ),
    ...all(
        "EACCES",
        ["mem", "exe", "oom_score_adj", "clear_refs", "coredump_filter"].map(
            (name) => `write:/proc/1/${name}`,
        ),
    ),
    ...all(
        "EPERM",
        Array.from({ length: 16 }, (_, resource) => `prlimit-${resource}`),
    ),
    pidfd_open: "OK",
    ...all("EPERM", ["pidfd_getfd", "setns"]),
};

test("root inside can neither read, write, trace nor limit its pid 1", async () => {
    const limits = (): string => readFileSync(`/proc/${container.process.pid}/limits`, "utf8");
    const before = limits();
    assert.deepEqual(await attack("init"), INIT_ANSWERS);
    assert.equal(limits(), before);
});

test("nor can pid 1's command in its first moment", async (t) => {
    const own = await testContainer(t);
    const flags = ["--mount", "ro", directory, "/attack"];
    const { stdout } = await own.run(["/attack/probe", "init"], { flags });
    assert.deepEqual(parse(stdout), INIT_ANSWERS);
});

test("KILL and STOP that root inside sends to pid 1 do nothing", async () => {
    await outputOf(container, "kill -KILL 1; kill -STOP 1");
    const stat = readFileSync(`/proc/${container.process.pid}/stat`, "utf8");
    assert.match(stat, /\) [SR] /);
    assert.equal(await outputOf(container, "echo alive"), "alive\n");
});

// ------------------------------------------------------------------------------- who comes from outside

test("a process on its way into the container shows nothing of the outside", async () => {
    const watcher = enter(container, ["/attack/probe", "joining"]);
    let seen = "";
    watcher.stdout.on("data", (chunk: Buffer) => (seen += chunk.toString()));
    await watcher.started;
    // On a busy computer it may take many until the watcher has met one at all.
    for (let count = 0; count < 20 || (seen === "" && count < 2000); count++) {
        assert.equal((await runEntered(container, ["true"])).exitCode, 0);
    }
    await outputOf(container, "touch /tmp/stop");
    await watcher.ended;
    await outputOf(container, "rm /tmp/stop");
    assert.deepEqual(parse(seen), { met: "EACCES" });
});

// Another build of them needs libraries, which the container has not.
if (process.env.MCM_TEST_NATIVE === undefined) {
    test("a host's program that is started as its own interpreter ends, and is not changed", async (t) => {
        const program = nativeProgram("container_executor");
        const before = digest(program);
        const own = await testContainer(t);
        const flags = ["--mount", "ro", directory, "/attack"];
        const { exit } = await own.run(["/attack/evil"], { flags });
        assert.equal(exit.exitCode, 125);
        assert.equal(digest(program), before);
    });

    test("a host's program that is entered as its own interpreter cannot be written, while it runs or later", async () => {
        const program = nativeProgram("ns_enter");
        const before = digest(program);
        const attacker = enter(container, ["/attack/probe", "overwrite"]);
        const caught = new AbortController();
        const output = text(attacker.stdout).finally(() => caught.abort());
        await attacker.started;
        while (!caught.signal.aborted) {
            const { exitCode } = await runEntered(container, ["/attack/evil"]);
            assert.ok(exitCode === 125 || exitCode === 137, String(exitCode)); // 137: caught
        }
        assert.deepEqual(parse(await output), {
            ...all("EROFS", ["write-running", "write-ended", "chmod-ended"]),
        });
        assert.equal(digest(program), before);
    });

    test("where it cannot be on a read-only mount, it is a copy that nobody inside can execute", async () => {
        const wrapper = hosts.lacking("open_tree=ENOSYS");
        assert.equal((await runEntered(container, ["true"], { wrapper })).exitCode, 0);
        const { event, exitCode } = await runEntered(container, ["/attack/evil"], { wrapper });
        assert.ok(event?.event === "failed");
        assert.deepEqual([event.step, event.code, exitCode], ["exec", "EACCES", 126]);
    });
}

function digest(path: string): string {
    return createHash("sha256").update(readFileSync(path)).digest("hex");
}

// ------------------------------------------------------------------------------ the root and the kernel

test("nobody climbs out of the root, not even with a chroot of his own", async () => {
    assert.deepEqual(await attack("chroot"), {
        ...all("root", ["climb", "chroot-climb", "fchdir-climb"]),
        ...all("OK", ["chroot", "fchdir"]),
    });
});

test("no working directory leads out by a descriptor of the programs", async (t) => {
    const own = await testContainer(t);
    for (let fd = 3; fd < 11; fd++) {
        const workdir = `/proc/self/fd/${fd}`;
        const flags = ["--workdir", workdir];
        const { event } = await own.tryStart(["/bin/true"], { flags, wrapper: LEAKING });
        assert.deepEqual([event.event, event.step], ["failed", "workdir"], workdir);
        const entered = await runEntered(container, ["true"], { workdir });
        assert.ok(entered.event?.event === "failed", workdir);
        assert.equal(entered.event.step, "workdir");
    }
});

test("root inside cannot put itself out of the OOM killer's reach", async () => {
    const script = "(echo -1 > /proc/self/oom_score_adj) 2>&1 || echo refused";
    assert.match(await outputOf(container, script), /Permission denied\nrefused\n$/);
});

test("no keyring can be used", async () => {
    assert.deepEqual(await attack("keyring"), all("EPERM", ["get", "join", "add", "request"]));
});

test("the kernel's files cannot be written by root inside", async () => {
    const expected = {
        ...all("EACCES", [
            ...["kernel/core_pattern", "vm/drop_caches", "fs/suid_dumpable"].map(
                (name) => `/proc/sys/${name}`,
            ),
            "/sys/fs/cgroup/cgroup.procs",
        ]),
        ...all("EROFS", ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"]),
    };
    assert.deepEqual(await attack("open", "w", ...Object.keys(expected)), expected);
});
