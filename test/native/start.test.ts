/** container_executor start: what a container sees of the world, and what is refused. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, openSync, readFileSync, readlinkSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { eventually, nativeProgram } from "../support/fixtures";
import { assertRefused, execute, testContainer, type Running } from "./executor";

// ----------------------------------------------------------------------------------- the inside

test("a container has its own processes, names, network and control group", async (t) => {
    const container = await testContainer(t);
    const script =
        "hostname; ps -o pid,args | sed 1d | head -n 2; cat /proc/self/cgroup; ls /sys/class/net; " +
        "cat /etc/hostname; grep -c box /etc/hosts; ping -c 1 127.0.0.1 | grep -c ttl";
    const lines = (await container.outputOf(script, { flags: ["--hostname", "box"] })).split("\n");
    assert.equal(lines[0], "box");
    assert.match(lines[1] ?? "", /^\s+1 container-init\s*$/);
    assert.match(lines[2] ?? "", /^\s+2 \/bin\/sh -c hostname/);
    const groups = lines.slice(3, -5);
    assert.ok(groups.length > 0);
    // Where this host's own process is in a hierarchy that we do not use, it may be anywhere.
    for (const group of groups.filter((line) => !line.includes("devices"))) {
        assert.match(group, /:\/$/);
    }
    assert.deepEqual(lines.slice(-5), ["lo", "box", "1", "1", ""]);
});

test("every namespace is another one than the host's", async (t) => {
    const container = await testContainer(t);
    const { pid } = await container.start();
    for (const name of ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"]) {
        assert.notEqual(
            readlinkSync(`/proc/${pid}/ns/${name}`),
            readlinkSync(`/proc/self/ns/${name}`),
            name,
        );
    }
});

test("root inside is an unprivileged id of the host, which has no id of its own inside", async (t) => {
    const container = await testContainer(t);
    const maps = await container.outputOf("cat /proc/self/uid_map /proc/self/gid_map; id");
    const map = `\\s+0\\s+${container.idBase}\\s+65536\\n`;
    assert.match(maps, new RegExp(`^${map}${map}uid=0\\(root\\) gid=0\\(root\\)`));
});

test("only the container's own mounts are inside, the root first among them", async (t) => {
    const container = await testContainer(t);
    const points = (await container.outputOf("cut -d' ' -f5 /proc/self/mountinfo"))
        .trim()
        .split("\n");
    const known =
        /^\/(proc(\/(acpi|asound|bus|fs|interrupts|irq|kcore|keys|latency_stats|sched_debug|scsi|sys|sysrq-trigger|timer_list|timer_stats))?|sys(\/fs\/cgroup|\/firmware|\/devices\/virtual\/powercap)?|dev(\/(null|zero|full|random|urandom|tty|pts|shm|mqueue))?|etc\/(hosts|hostname|resolv\.conf))?$/;
    assert.deepEqual(
        points.filter((point) => !known.test(point)),
        [],
    );
    assert.equal(points.filter((point) => point === "/").length, 1);
});

test("the old root cannot be reached by going up", async (t) => {
    const container = await testContainer(t);
    assert.equal(
        await container.outputOf(
            "cd /..; ls -di / /.. . | awk '{print $1}' | sort -u | wc -l; cd ../../..; pwd",
        ),
        "1\n/\n",
    );
});

test("/dev has exactly the standard nodes and links, which work", async (t) => {
    const container = await testContainer(t);
    const script =
        "ls /dev | tr '\\n' ' '; echo; echo x > /dev/null; head -c 3 /dev/zero | od -An -tx1; " +
        "head -c 4 /dev/urandom | wc -c; for link in fd stdin ptmx; do readlink /dev/$link; done; " +
        "echo again > /dev/stdout; touch /dev/shm/file && df /dev/shm | tail -n 1 | cut -d' ' -f1";
    assert.equal(
        await container.outputOf(script),
        "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero \n" +
            " 00 00 00\n4\n/proc/self/fd\n/proc/self/fd/0\npts/ptmx\nagain\ntmpfs\n",
    );
});

test("the kernel's files are masked or read-only", async (t) => {
    const container = await testContainer(t);
    const { stdout, exit } = await container.run([
        "/bin/sh",
        "-c",
        "cat /proc/keys /proc/timer_list /proc/interrupts; ls /proc/acpi /sys/firmware | grep -v :; " +
            "for file in /proc/sys/kernel/hostname /proc/sysrq-trigger /sys/kernel/mm/x; do " +
            "(echo x > $file) 2>&1 | grep -o 'Read-only\\|nonexistent' ; done; " +
            "(mkdir /sys/fs/cgroup/x) 2>&1 | grep -o Read-only; true",
    ]);
    assert.equal(exit.exitCode, 0);
    assert.match(stdout, /^\s*Read-only\n(Read-only\n|nonexistent\n)*Read-only\n$/);
});

test("nothing of the host is open, set or shown in the command and its init", async (t) => {
    const container = await testContainer(t);
    const output = await container.outputOf(
        "ls /proc/self/fd | tr '\\n' ' '; tr -d '\\0' < /proc/1/cmdline; echo; umask; env | sort",
        { environment: "KEY=value with = in it\0EMPTY=\0", flags: ["--hostname", "box"] },
    );
    const [fdsAndTitle, umask, ...variables] = output.trim().split("\n");
    // 3 is the directory that ls reads.
    assert.deepEqual([fdsAndTitle, umask], ["0 1 2 3 container-init", "0022"]);
    assert.deepEqual(variables, [
        "EMPTY=",
        "HOME=/root",
        "HOSTNAME=box",
        "KEY=value with = in it",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "PWD=/",
        "SHLVL=1",
    ]);
});

test("the command is confined: capabilities, no_new_privs, seccomp", async (t) => {
    const container = await testContainer(t);
    const status = await container.outputOf(
        "grep -E '^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp):' /proc/self/status",
    );
    const few = "00000000a80425fb";
    const none = "0000000000000000";
    assert.equal(
        status,
        `CapInh:\t${none}\nCapPrm:\t${few}\nCapEff:\t${few}\nCapBnd:\t${few}\nCapAmb:\t${none}\n` +
            "NoNewPrivs:\t1\nSeccomp:\t2\n",
    );
});

test("init has no more capabilities than the command and no fd of the host", async (t) => {
    const container = await testContainer(t);
    const { pid } = await container.start(["/bin/sleep", "1000"]);
    assert.match(readFileSync(`/proc/${pid}/status`, "utf8"), /^CapEff:\t00000000a80425fb$/m);
    assert.equal(
        readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", ""),
        "container-init",
    );
});

test("a terminal of the asked size is the container's own", async (t) => {
    const container = await testContainer(t);
    assert.equal(
        (
            await container.outputOf("tty; stty size; test -e /dev/pts/0 && echo $TERM", {
                flags: ["--tty", "--rows", "33", "--cols", "101"],
            })
        ).replaceAll("\r", ""),
        "/dev/pts/0\n33 101\nxterm-256color\n",
    );
});

test("user and working directory are as asked", async (t) => {
    const container = await testContainer(t);
    assert.equal(
        await container.outputOf("id; pwd; echo $HOME", {
            flags: ["--user", "app", "--workdir", "/tmp"],
        }),
        "uid=1000(app) gid=1000(app) groups=29(audio)\n/tmp\n/home/app\n",
    );
});

// ----------------------------------------------------------------------------------- what is said

test("the started event names the processes, and state.json is the same", async (t) => {
    const container = await testContainer(t);
    const running = await container.start();
    const { event, ...rest } = running as typeof running & { event: string };
    assert.equal(event, "started");
    assert.deepEqual(JSON.parse(readFileSync(join(container.runDir, "state.json"), "utf8")), rest);
    for (const [pid, startTime] of [
        [running.pid, running.startTime],
        [running.monitorPid, running.monitorStartTime],
    ]) {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        assert.equal(Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]), startTime);
    }
    assert.equal(running.bootId, readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
    assert.match(running.startedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
});

test("monitor and init together are small, and belong to nobody's session", async (t) => {
    const container = await testContainer(t);
    const running = await container.start();
    const stat = readFileSync(`/proc/${running.monitorPid}/stat`, "utf8");
    const [, , , session, terminal] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    assert.deepEqual([Number(session), Number(terminal)], [running.monitorPid, 0]);
    assert.ok(
        readFileSync(`/proc/${running.monitorPid}/cgroup`, "utf8").includes(
            ":/my-container-manager/monitors",
        ),
    );
    if (process.env.MCM_TEST_NATIVE === undefined) {
        // Pages of the program's file are the page cache's, mapped in pieces as large as it holds
        // them (Linux 6.18): how many that are depends on how the file was once written.
        const own = (pid: number): number =>
            Number(
                /^Pss_Anon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1],
            );
        const both = (): number => own(running.pid) + own(running.monitorPid);
        await eventually(() => both() <= 200, "at most 200 KiB");
    }
});

test("the running program's file cannot be written through /proc, not even by root", async (t) => {
    const container = await testContainer(t);
    const { pid, monitorPid } = await container.start();
    for (const process of [pid, monitorPid]) {
        // Any other file that runs gives ETXTBSY, which is over once it does not run any more.
        assert.throws(() => openSync(`/proc/${process}/exe`, "w"), { code: "EROFS" });
    }
});

test("without a usable status fd the failure stands on stderr", async () => {
    const child = spawn(nativeProgram("container_executor"), ["start", "--id", "x"]);
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (data: string) => (said += data));
    assert.equal(await new Promise((resolve) => child.once("close", resolve)), 125);
    assert.match(said, /^container_executor: options: --id: 'x' is not 12 hex digits\n$/);
});

// ------------------------------------------------------------------------------------ what is refused

test("what is not found ends with 127, what cannot be executed with 126", async (t) => {
    const container = await testContainer(t);
    const cases = [
        { command: ["no-such-program"], code: "ENOENT", exitCode: 127 },
        { command: ["/no/such/program"], code: "ENOENT", exitCode: 127 },
        { command: ["/etc/passwd"], code: "EACCES", exitCode: 126 },
        { command: ["/etc"], code: "EACCES", exitCode: 126 },
    ];
    for (const { command, code, exitCode } of cases) {
        const executed = await container.tryStart(command);
        assertRefused(container, executed, { step: "exec", code, exitCode });
    }
});

test("a root file system that is absent, a file or empty is refused", async (t) => {
    const container = await testContainer(t);
    const directory = join(container.stateDir, "..", "..", "rootfs");
    await mkdir(join(directory, "empty"), { recursive: true });
    await writeFile(join(directory, "file"), "");
    const cases = [
        { name: "absent", code: "ENOENT", message: /find the root file system .*absent/ },
        { name: "file", code: "ENOTDIR", message: /file is no directory/ },
        { name: "empty", code: undefined, message: /empty is empty/ },
    ];
    for (const { name, code, message } of cases) {
        const executed = await container.tryStart([], { rootfs: join(directory, name) });
        assertRefused(container, executed, { step: "rootfs", code, message });
    }
});

test("a refused option is refused by its name, with its value", async (t) => {
    const container = await testContainer(t);
    const cases: [flags: string[], message: RegExp][] = [
        [["--memory", "100Q"], /^--memory: '100Q' is not a number/],
        [["--memory", "-1"], /^--memory: '-1' /],
        [["--memory", "+1"], /^--memory: '\+1' /],
        [["--memory", " 1"], /^--memory: ' 1' /],
        [["--memory", "0"], /^--memory: '0' /],
        [["--memory", "1e9"], /^--memory: '1e9' /],
        [["--memory", "18446744073709551617"], /^--memory: '18446744073709551617' /],
        [["--cpu-quota", "999"], /^--cpu-quota: '999' is not a number from 1000 /],
        [["--pids", "0"], /^--pids: '0' /],
        [["--cpuset", "0;1"], /^--cpuset: '0;1' is not a list of cpus/],
        [["--hostname", "-x"], /^--hostname: '-x' /],
        [["--hostname", "a/b"], /^--hostname: 'a\/b' /],
        [["--hostname", "h".repeat(65)], /^--hostname: 'hhh/],
        [["--workdir", "tmp"], /^--workdir: 'tmp' is not an absolute path/],
        [["--env-fd", "99"], /^--env-fd: '99' is not an open file descriptor/],
        [["--mount", "rx", "/a", "/b"], /^--mount: 'rx' is not ro, rw or cow/],
        [["--mount", "ro", "a", "/b"], /^--mount: 'a' is not an absolute path/],
        [["--mount", "ro", "/a"], /^--mount: needs MODE SOURCE TARGET/],
        [["--hostname", "a", "--hostname", "b"], /^--hostname: given twice/],
        [["--no-such-flag"], /^--no-such-flag: not an option here/],
        [["--grace-ms", "1"], /^--grace-ms: not an option here/],
        [["--tty"], /^--tty: needs a command/],
        [["--"], /^--: needs a command/],
        [["--memory"], /^--memory: needs a value/],
    ];
    for (const [flags, message] of cases) {
        assertRefused(container, await container.tryStart([], { flags }), {
            step: "options",
            message,
        });
    }
});

test("an id range that would touch the host's own ids is refused", async (t) => {
    const container = await testContainer(t);
    for (const base of ["0", "1000", "65535", "4294901761"]) {
        const args = (await container.startArgs([])).map((arg) =>
            arg === String(container.idBase) ? base : arg,
        );
        assertRefused(container, await execute("start", args), {
            step: "options",
            message: /^--id-base: /,
        });
    }
});

test("the environment may come by a standard fd", async (t) => {
    const container = await testContainer(t);
    const args = await container.startArgs(["/bin/sh", "-c", "echo $GIVEN"]);
    const { stdout } = spawnSync(
        nativeProgram("container_executor"),
        ["start", "--status-fd", "1", "--env-fd", "0", ...args],
        { input: "GIVEN=so\0", encoding: "utf8" },
    );
    const { event, ...running } = JSON.parse(stdout) as Running & { event: string };
    assert.equal(event, "started", stdout);
    assert.equal((await container.ended(running)).exitCode, 0);
    assert.match(container.logLines().join(), / so$/);
});

test("a user who locks the directory of all control groups holds up no start", async (t) => {
    const container = await testContainer(t);
    // It ends by itself before long, also where the test does not come to its end.
    const script = "echo locked; exec sleep 5";
    const locker = spawn("flock", ["--wait", "8", "/sys/fs/cgroup", "sh", "-c", script], {
        uid: 65534,
        gid: 65534,
        cwd: "/",
        stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(locker, "exit");
    t.after(() => ended);
    await Promise.race([once(locker.stdout, "data"), ended]);
    assert.equal(locker.exitCode, null, "somebody else has the lock");
    assert.equal(await container.outputOf("echo started"), "started\n");
    assert.equal(locker.exitCode, null, "the start waited for the lock");
});

test("a broken environment is refused", async (t) => {
    const container = await testContainer(t);
    const cases: [environment: string, message: RegExp][] = [
        ["KEY=value", /not ended by a NUL/],
        ["KEY\0", /entry 1 .*KEY=VALUE/],
        ["A=1\0=2\0", /entry 2 .*KEY=VALUE/],
        [`A=${"x".repeat(1024 * 1024)}\0`, /larger than 1 MiB/],
    ];
    for (const [environment, message] of cases) {
        const executed = await container.tryStart([], { environment });
        assert.equal(executed.event.step, "options");
        assert.match(executed.event.message ?? "", message);
    }
});

test("an unknown user or working directory is refused and all is undone", async (t) => {
    const container = await testContainer(t);
    const command = ["/bin/true"];
    assertRefused(container, await container.tryStart(command, { flags: ["--user", "nobody2"] }), {
        step: "user",
        code: "ENOENT",
    });
    assertRefused(container, await container.tryStart(command, { flags: ["--workdir", "/no"] }), {
        step: "workdir",
        code: "ENOENT",
    });
});

test("a state directory that others may enter is refused", async (t) => {
    const container = await testContainer(t);
    await chmod(container.stateDir, 0o755);
    const executed = await container.tryStart([]);
    await chmod(container.stateDir, 0o700);
    assertRefused(container, executed, { step: "state", code: "EPERM" });
});

test("what was in the directories stays when a start fails", async (t) => {
    const container = await testContainer(t);
    await writeFile(join(container.stateDir, "config.json"), "{}");
    await mkdir(container.runDir);
    const executed = await container.tryStart(["/no/such"]);
    assert.equal(executed.event.step, "exec");
    assert.equal(readFileSync(join(container.stateDir, "config.json"), "utf8"), "{}");
    assert.ok(existsSync(container.runDir));
    assert.ok(!existsSync(join(container.stateDir, "exit.json.partial")));
});
