/**
 * What confines a container's processes, seen from inside and from the host: pid 1's command and an
 * entered one alike.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { run } from "../../scripts/lib/run";
import { debianRootfs, eventually } from "../support/fixtures";
import { compile } from "./compile";
import { enter, outputOf, startContainer, type TestContainer } from "./entered";

const TERMINAL = { rows: 24, columns: 80 };

/** CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT
 * MKNOD AUDIT_WRITE SETFCAP (capabilities(7)). */
const CAPABILITIES = [0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31]
    .reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n)
    .toString(16)
    .padStart(16, "0");
const NO_CAPABILITIES = "0".repeat(16);

let directory = "";

/** What the probe is answered outside of any container. */
let outside: Record<string, string> = {};

/** Containers whose pid 1 runs a command that has run the probe and sleeps since: as root, as app. */
let asRoot: TestContainer;
let asApp: TestContainer;

before(async () => {
    directory = await mkdtemp(join(tmpdir(), "mcm confinement "));
    await chmod(directory, 0o755);
    await compile(join(directory, "probe"), ["confinement_probe.c"], ["-static"]);
    outside = parseAnswers(await run(join(directory, "probe")));
    [asRoot, asApp] = await Promise.all([startSleeper(), startSleeper("app")]);
});

after(async () => {
    await asRoot.dispose();
    await asApp.dispose();
    await rm(directory, { recursive: true });
});

function startSleeper(user?: string): Promise<TestContainer> {
    const command = ["sh", "-c", "/probe/probe > /tmp/answers; exec sleep 100000"];
    const mounts = [{ mode: "ro" as const, source: directory, target: "/probe" }];
    return startContainer({ command, mounts, user });
}

/** The pid of pid 1's command, once it sleeps. */
function commandOf(container: TestContainer): Promise<number> {
    const { pid } = container.process;
    return eventually(() => {
        const child = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim());
        return readFileSync(`/proc/${child}/comm`, "utf8") === "sleep\n" && child;
    }, "pid 1's command sleeps");
}

function statusOf(pid: number): Record<string, string> {
    const lines = readFileSync(`/proc/${pid}/status`, "utf8").trim().split("\n");
    return Object.fromEntries(lines.map((line) => line.split(/:\s*/, 2) as [string, string]));
}

/** Everything of /proc/PID that confines a process. */
function confinementOf(pid: number): Record<string, unknown> {
    const status = statusOf(pid);
    const fields = [
        ..."Uid Gid Groups CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp Umask".split(" "),
        ..."Seccomp_filters Speculation_Store_Bypass SpeculationIndirectBranch".split(" "),
        ..."Cpus_allowed Mems_allowed SigBlk SigIgn SigCgt TracerPid".split(" "),
    ];
    const namespaces = readdirSync(`/proc/${pid}/ns`);
    assert.ok(namespaces.length >= 8);
    const file = (name: string): string => readFileSync(`/proc/${pid}/${name}`, "utf8");
    // From the third field on: proc_pid_stat(5).
    const stat = file("stat").split(") ").at(-1)!.split(" ");
    return {
        ...Object.fromEntries(fields.map((name) => [name, status[name]])),
        namespaces: namespaces.map((name) => readlinkSync(`/proc/${pid}/ns/${name}`)),
        limits: file("limits"),
        cgroup: file("cgroup"),
        oomScore: file("oom_score_adj"),
        mounts: file("mountinfo"),
        ids: [file("uid_map"), file("gid_map"), file("setgroups")],
        personality: file("personality"),
        coredumps: file("coredump_filter"),
        timerSlack: file("timerslack_ns"),
        scheduling: [stat[16], stat[37], stat[38]], // nice, real-time priority, policy
        root: readlinkSync(`/proc/${pid}/root`),
        fds: readdirSync(`/proc/${pid}/fd`),
        owner: statSync(`/proc/${pid}`).uid, // another one when it is non-dumpable
    };
}

for (const user of ["root", "app"]) {
    for (const terminal of [undefined, TERMINAL]) {
        const how = terminal ? "with a terminal" : "with pipes";
        test(`a command entered as ${user} ${how} is confined like pid 1's, field by field`, async () => {
            const container = user === "root" ? asRoot : asApp;
            const entered = enter(container, ["sleep", "100000"], {
                user: user === "root" ? undefined : user,
                terminal,
            });
            const pid = await entered.started;
            const expected = confinementOf(await commandOf(container));
            assert.deepEqual(confinementOf(pid), expected);
            assert.notDeepEqual(expected, confinementOf(process.pid));
            entered.control.end();
            await entered.ended;
        });
    }
}

// A kernel without keyrings has nothing to keep apart.
if (existsSync("/proc/keys")) {
    test("each command has a session keyring of its own, which goes with it", async () => {
        const uid = statusOf(await commandOf(asRoot)).Uid!.split("\t")[0]!;
        // Those of commands that have ended are collected a little later.
        const onlyOne = async (): Promise<boolean> => (await sessionKeyrings(uid)) === 1;
        await eventually(onlyOne, "only pid 1's command has a keyring");
        const entered = enter(asRoot, ["sleep", "100000"]);
        await entered.started;
        assert.equal(await sessionKeyrings(uid), 2);
        entered.control.end();
        await entered.ended;
        await eventually(onlyOne, "the entered command's keyring is gone");
    });
}

/** How many session keyrings a user of the host has made: proc_keys(5) shows them to that user. */
async function sessionKeyrings(uid: string): Promise<number> {
    const ids = [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
    const keys = await run("setpriv", [...ids, "cat", "/proc/keys"]);
    return keys.split("\n").filter((line) => / keyring +_ses\b/.test(line)).length;
}

test("root has the documented capabilities, in its own user namespace only", async () => {
    const status = statusOf(await commandOf(asRoot));
    for (const set of ["CapPrm", "CapEff", "CapBnd"]) {
        assert.equal(status[set], CAPABILITIES, set);
    }
    assert.equal(status.CapInh, NO_CAPABILITIES);
    assert.equal(status.CapAmb, NO_CAPABILITIES);
    assert.notEqual(status.Uid?.split("\t")[0], "0");
});

test("another user has no capability, and no way to one", async () => {
    const status = statusOf(await commandOf(asApp));
    for (const set of ["CapPrm", "CapEff", "CapInh", "CapAmb"]) {
        assert.equal(status[set], NO_CAPABILITIES, set);
    }
    assert.equal(status.NoNewPrivs, "1");
    await outputOf(asRoot, "cp /probe/probe /tmp/setuid; chmod 4755 /tmp/setuid");
    assert.equal(await outputOf(asRoot, "/tmp/setuid euid", { user: "app" }), "1000\n");
});

test("limits are the documented ones, and no core is written", async () => {
    const limits = readFileSync(`/proc/${await commandOf(asRoot)}/limits`, "utf8");
    assert.match(limits, /^Max core file size +0 +0 /m);
    assert.match(limits, /^Max open files +1024 +\d+ /m);
    assert.match(limits, /^Max locked memory +8388608 +8388608 /m);
    assert.match(limits, /^Max nice priority +0 +0 /m);
    assert.match(limits, /^Max realtime priority +0 +0 /m);
    const raised = await outputOf(asRoot, "ulimit -Hn 1048577 2>&1 || echo refused");
    assert.match(raised, /refused/);
});

// ------------------------------------------------------------------------------------ system calls

/** What the filter says to each call of the probe; the rest is the kernel's own answer. */
const EXPECTED: Record<string, string> = {
    ...answers(
        "EPERM",
        `mount umount2 pivot_root fsopen fsconfig fsmount fspick move_mount open_tree mount_setattr
        setns unshare clone open_by_handle_at bpf io_uring_setup io_uring_enter io_uring_register
        userfaultfd perf_event_open keyctl add_key request_key kexec_load init_module finit_module
        delete_module reboot swapon acct syslog settimeofday sethostname kcmp pidfd_getfd personality
        TIOCSTI TIOCSTI_HIGH TIOCLINUX`,
    ),
    ...answers("ENOSYS", "clone3"),
    ...answers("OK", "AF_UNIX AF_INET AF_INET6 NETLINK_ROUTE"),
    ...answers("EPROTONOSUPPORT", "NETLINK_NETFILTER"),
    ...answers("EAFNOSUPPORT", "AF_ALG AF_VSOCK AF_PACKET AF_KEY"),
    ...answers("EBADF", "TIOCGWINSZ"),
    ...(process.arch === "x64"
        ? {
              ...answers("ENOSYS", "x32_getpid x32_mount i386_clone3"),
              ...answers("OK", "i386_getpid"),
              ...answers("EPERM", "i386_mount i386_umount i386_unshare i386_keyctl"),
              ...answers("EAFNOSUPPORT", "i386_socketcall"),
          }
        : {}),
};

function answers(answer: string, names: string): Record<string, string> {
    return Object.fromEntries(names.split(/\s+/).map((name) => [name, answer]));
}

function parseAnswers(text: string): Record<string, string> {
    const lines = text.trim().split("\n");
    return Object.fromEntries(lines.map((line) => line.split(" ", 2) as [string, string]));
}

/** Without what this kernel has not: User-mode Linux has no gate for 32-bit programs, perhaps no IPv6. */
function answerable(all: Record<string, string>): Record<string, string> {
    const has32Bit = outside.i386_getpid === "OK";
    return Object.fromEntries(
        Object.entries(all).filter(([name]) =>
            name.startsWith("i386_") ? has32Bit : name !== "AF_INET6" || outside[name] === "OK",
        ),
    );
}

test("an entered command gets the filter's answers, whoever it runs as", async () => {
    for (const user of [undefined, "app"]) {
        const text = await outputOf(asRoot, "/probe/probe", { user });
        assert.deepEqual(answerable(parseAnswers(text)), answerable(EXPECTED));
    }
});

test("pid 1's command gets the same answers", async () => {
    for (const container of [asRoot, asApp]) {
        await commandOf(container);
        const text = await outputOf(container, "cat /tmp/answers");
        assert.deepEqual(answerable(parseAnswers(text)), answerable(EXPECTED));
    }
});

test("outside of a container the same calls get other answers, so the filter gave these", () => {
    const expected = answerable(EXPECTED);
    const refused = Object.keys(expected).filter((name) => expected[name] === "EPERM");
    assert.ok(refused.length > 30);
    const same = refused.filter((name) => outside[name] === "EPERM");
    assert.deepEqual(same, []);
});

test("daily work goes on under the filter: threads, sockets, pipes, jobs, timers", async () => {
    const script = `
        mkfifo /tmp/fifo && (echo through > /tmp/fifo &) && cat /tmp/fifo
        timeout 5 sleep 0.01 && seq 100 | sort -n | tail -1
        (timeout 5 nc -l -p 4242 -e echo served &); until nc 127.0.0.1 4242 < /dev/null 2> /dev/null; do :; done
        ln -s target /tmp/link && readlink /tmp/link && chown 5:6 /tmp/fifo && stat -c %u:%g /tmp/fifo`;
    assert.equal(await outputOf(asRoot, script), "through\n100\nserved\ntarget\n5:6\n");
});

test("Debian's tools work under the filter: accounts, shells, top, packages", async () => {
    const debian = await startContainer({ rootfs: await debianRootfs() });
    try {
        const script = `set -e
            useradd --create-home visitor; su visitor -c 'cd; id -un; touch mine; stat -c %U mine'
            userdel --remove visitor; ! getent passwd visitor
            top -b -n 1 | grep -c '^Tasks:'
            setarch linux32 uname -m > /dev/null
            dpkg --verify bash; apt-get --version | head -1 | cut -c 1-4`;
        assert.equal(await outputOf(debian, script), "visitor\nvisitor\n1\napt \n");
    } finally {
        await debian.dispose();
    }
});
