/** The life of containers, with the real native programs. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import {
    DidChangeNotification,
    ErrorCode,
    InspectRequest,
    KillRequest,
    RemoveRequest,
    RenameRequest,
    RestartRequest,
    RunRequest,
    StartRequest,
    StatusRequest,
    StopRequest,
    type ContainerSpec,
    type ContainerState,
    type DidChangeParams,
} from "../../server/protocol";
import { CancellationTokenSource } from "vscode-jsonrpc";
import { busyboxRootfs, eventually } from "../support/fixtures";
import { connectLocally, depsFor, greet, refusedWith, type LocalClient } from "./client";
import { useServer } from "./useServer";

const server = useServer("test");

/** A client of a server with parts of its own, as `sudo mcm` is: only the disk is shared. */
async function connectOther(): Promise<LocalClient> {
    const others = depsFor(server.roots);
    const other = connectLocally(others);
    await greet(other.connection);
    return {
        ...other,
        close() {
            other.close();
            others.changes.dispose();
            others.sampler.dispose();
        },
    };
}

const list = () => server.list();
const start = (container: string) => server.connection.sendRequest(StartRequest, { container });
const stop = (container: string, graceSeconds?: number) =>
    server.connection.sendRequest(StopRequest, { container, graceSeconds });
const status = (container: string) => server.connection.sendRequest(StatusRequest, { container });
const inspect = (container: string) => server.connection.sendRequest(InspectRequest, { container });
const remove = (container: string, force = false) =>
    server.connection.sendRequest(RemoveRequest, { container, force });

async function stateOf(container: string): Promise<ContainerState> {
    return (await status(container)).state;
}

/** Waits for the end of a container and gives how it ended. */
async function endOf(container: string): Promise<Extract<ContainerState, { kind: "exited" }>> {
    let state: ContainerState | undefined;
    await eventually(async () => {
        state = await stateOf(container);
        return state.kind === "exited";
    }, `${container} has exited`);
    assert.equal(state?.kind, "exited");
    return state;
}

/** Waits until a container's command has made the file /ready. */
async function ready(container: string): Promise<void> {
    const { upper } = (await inspect(container)).paths;
    await eventually(() => existsSync(path.join(upper, "ready")), `${container} is ready`);
}

/** Nothing is left of a run that was refused: no container, file, cgroup or claim. */
async function assertNothingMade(): Promise<void> {
    assert.deepEqual(await list(), []);
    assert.deepEqual(server.leftovers(), []);
}

function processTree(): string {
    return execFileSync("ps", ["-eo", "pid,args"], { encoding: "utf8" });
}

test("a container runs, is stopped, started and removed; what it wrote survives until then", async () => {
    const made = await server.run({
        name: "web",
        command: ["/bin/sh", "-c", "echo kept >> /f; cat"],
    });
    assert.equal(made.name, "web");
    assert.equal(made.state.kind, "running");
    const { paths } = await inspect("web");
    const file = path.join(paths.upper, "f");
    await eventually(() => existsSync(file), "the command has written");
    assert.deepEqual(await stop("web", 5), { forced: false });
    assert.equal((await stateOf("web")).kind, "exited");
    assert.equal((await start("web")).state.kind, "running");
    await eventually(async () => (await readFile(file, "utf8")) === "kept\nkept\n", "kept");
    await stop("web", 5);
    await remove("web");
    assert.ok(!existsSync(paths.state));
    await assertNothingMade();
});

test("without a command it waits, alive, until it is stopped", async () => {
    await server.run({ name: "idle" });
    assert.equal((await stateOf("idle")).kind, "running");
    assert.deepEqual(await stop("idle", 5), { forced: false });
});

test("status tells what it uses of its limits", async () => {
    await server.run({ name: "web", limits: { memory: 64 * 1024 ** 2, pids: 32, cpu: 0.5 } });
    const { usage } = await status("web");
    assert.equal(usage?.memoryLimit, 64 * 1024 ** 2);
    assert.equal(usage.pidsLimit, 32);
    assert.ok(usage.memory! > 0 && usage.memory! < 64 * 1024 ** 2);
    assert.ok(usage.cpu! >= 0 && usage.cpu! < 0.6);
});

test("inspect tells everything that was asked for, and where it is", async () => {
    const asked = await server.specOf({
        name: "web",
        command: ["/bin/sh", "-c", "cat"],
        env: { A: "b c" },
        workdir: "/tmp",
        user: "1000:1000",
        hostname: "other.example",
        limits: { pids: 16 },
    });
    await server.run(asked);
    const details = await inspect("web");
    for (const [key, value] of Object.entries(asked)) {
        assert.deepEqual(details[key as keyof typeof details], value, key);
    }
    assert.ok(details.idBase >= 0x3000_0000);
    for (const directory of [details.paths.upper, ...Object.values(details.cgroups)]) {
        assert.ok(existsSync(directory), directory);
    }
});

test("the command's exit code, and the signal that ended it, are recorded", async () => {
    await server.run({ name: "code", command: ["/bin/sh", "-c", "exit 42"] });
    const code = (await endOf("code")).exit;
    assert.deepEqual([code.exitCode, code.signal], [42, null]);
    await server.run({ name: "signal", command: ["/bin/sh", "-c", "kill -9 $$"] });
    const signal = (await endOf("signal")).exit;
    assert.deepEqual([signal.exitCode, signal.signal], [null, "SIGKILL"]);
});

test("its environment reaches the command and no command line", async () => {
    const command = ["/bin/sh", "-c", 'printf %s "$TOKEN" > /token; cat'];
    await server.run({ name: "web", command, env: { TOKEN: "a=b\nhunter2" } });
    const { paths } = await inspect("web");
    const file = path.join(paths.upper, "token");
    await eventually(() => existsSync(file) && readFileSync(file, "utf8") !== "", "written");
    assert.equal(await readFile(file, "utf8"), "a=b\nhunter2");
    assert.ok(!processTree().includes("hunter2"));
});

test("a signal by name or number reaches the command, and KILL is what none means", async () => {
    const command = ["/bin/sh", "-c", "trap 'exit 7' USR1; >/ready; while :; do sleep 0.05; done"];
    await server.run({ name: "web", command });
    await ready("web");
    await server.connection.sendRequest(KillRequest, { container: "web", signal: "USR1" });
    assert.equal((await endOf("web")).exit.exitCode, 7);
    await start("web");
    await server.connection.sendRequest(KillRequest, { container: "web" });
    assert.equal((await endOf("web")).exit.signal, "SIGKILL");
});

test("a command that ignores TERM is killed when the grace is over", async () => {
    await server.run({
        name: "stubborn",
        command: ["/bin/sh", "-c", "trap '' TERM; >/ready; while :; do sleep 1; done"],
    });
    await ready("stubborn");
    assert.deepEqual(await stop("stubborn", 0.3), { forced: true });
    assert.equal((await stateOf("stubborn")).kind, "exited");
});

test("a restart works on a running one and on a stopped one", async () => {
    const { state } = await server.run({ name: "web" });
    const restart = () =>
        server.connection.sendRequest(RestartRequest, { container: "web", graceSeconds: 5 });
    const again = (await restart()).state;
    assert.ok(state.kind === "running" && again.kind === "running" && state.pid !== again.pid);
    await stop("web", 5);
    assert.equal((await restart()).state.kind, "running");
});

test("one that is to be removed when it ends is, and its name is free", async () => {
    await server.run({ name: "once", command: ["/bin/true"], autoRemove: true });
    await eventually(async () => (await list()).length === 0, "removed by itself");
    await eventually(() => server.leftovers().length === 0, "nothing is left, its claims included");
    await server.run({ name: "once" });
});

test("one that is removed when it ends cannot be restarted", async () => {
    await server.run({ name: "once", autoRemove: true });
    await assert.rejects(
        server.connection.sendRequest(RestartRequest, { container: "once" }),
        refusedWith(ErrorCode.Unsupported, /removed as soon as it ends/),
    );
    assert.equal((await stateOf("once")).kind, "running");
});

test("a renamed one keeps running and has its name in the list", async () => {
    await server.run({ name: "old" });
    await server.connection.sendRequest(RenameRequest, { container: "old", name: "new" });
    const [row] = await list();
    assert.equal(row?.name, "new");
    assert.equal(row.state.kind, "running");
});

test("the list has running ones first, then goes by name", async () => {
    await server.run({ name: "b", command: ["/bin/true"] });
    await server.run({ name: "a", command: ["/bin/true"] });
    await server.run({ name: "z" });
    await endOf("a");
    await endOf("b");
    assert.deepEqual(
        (await list()).map(({ name }) => name),
        ["z", "a", "b"],
    );
});

test("the host's own system is a root file system that needs no download", async () => {
    const check =
        "test -x /usr/bin/env && test ! -e /root/.cache && test ! -e /etc/shadow && exit 9";
    const command = ["/bin/sh", "-c", check];
    await server.run({ name: "host", rootfs: { kind: "host" }, command });
    assert.equal((await endOf("host")).exit.exitCode, 9);
});

// ---------------------------------------------------------------------------- bad input, bad luck

const REFUSED: [what: string, spec: ContainerSpec, ...Parameters<typeof refusedWith>][] = [
    [
        "a rootfs that is missing",
        { rootfs: { kind: "directory", path: "/nonexistent/rootfs" } },
        ErrorCode.Invalid,
        /\/nonexistent\/rootfs/,
        { field: "rootfs" },
    ],
    [
        "a rootfs that is a file",
        { rootfs: { kind: "directory", path: "/etc/passwd" } },
        ErrorCode.Invalid,
        /\/etc\/passwd/,
        { field: "rootfs" },
    ],
    [
        "an imported rootfs that is not there",
        { rootfs: { kind: "imported", name: "nothing" } },
        ErrorCode.NotFound,
        /nothing/,
    ],
    [
        "an absent command",
        { command: ["/bin/absent"] },
        ErrorCode.NativeFailed,
        /\/bin\/absent/,
        { step: "exec", errno: "ENOENT" },
    ],
    [
        "an absent command that is to be found in PATH",
        { command: ["absent"] },
        ErrorCode.NativeFailed,
        /absent/,
        { step: "exec", errno: "ENOENT" },
    ],
    [
        "a command that is not executable",
        { command: ["/etc/passwd"] },
        ErrorCode.NativeFailed,
        /\/etc\/passwd/,
        { step: "exec", errno: "EACCES" },
    ],
    [
        "a user that the container does not have",
        { command: ["/bin/true"], user: "nobody-here" },
        ErrorCode.Invalid,
        /nobody-here/,
        { field: "user" },
    ],
    [
        "a working directory that is not there",
        { command: ["/bin/true"], workdir: "/no/such" },
        ErrorCode.Invalid,
        /\/no\/such/,
        { field: "workdir" },
    ],
    [
        "a volume whose source is not there",
        { volumes: [{ source: "/no/such", target: "/mnt", mode: "ro" }] },
        ErrorCode.Invalid,
        /\/no\/such/,
        { field: "volumes" },
    ],
    [
        "cpus that the host does not have",
        { limits: { cpuset: "8000" } },
        ErrorCode.Invalid,
        /cpu/,
        { field: "limits.cpuset" },
    ],
];

for (const [what, spec, ...expected] of REFUSED) {
    test(`${what} is refused, and nothing is left`, async () => {
        await assert.rejects(server.run(spec), refusedWith(...expected));
        await assertNothingMade();
    });
}

test("an empty rootfs is refused, and nothing is left", async () => {
    const empty = path.join(server.roots.stateDir, "empty");
    await mkdir(empty);
    await assert.rejects(
        server.run({ rootfs: { kind: "directory", path: empty } }),
        refusedWith(ErrorCode.Invalid, /empty/, { field: "rootfs" }),
    );
    await assertNothingMade();
});

test("a name that is taken is refused, and the one who has it is untouched", async () => {
    const { id } = await server.run({ name: "web" });
    await assert.rejects(
        server.run({ name: "web" }),
        refusedWith(ErrorCode.AlreadyExists, /"web" is taken/, { field: "name" }),
    );
    assert.deepEqual(
        (await list()).map((each) => each.id),
        [id],
    );
});

test("stopping or killing a stopped one is NotRunning", async () => {
    await server.run({ name: "web" });
    await stop("web", 5);
    await assert.rejects(
        stop("web"),
        refusedWith(ErrorCode.NotRunning, /web is not running\. There is nothing to stop/),
    );
    await assert.rejects(
        server.connection.sendRequest(KillRequest, { container: "web" }),
        refusedWith(ErrorCode.NotRunning, /web is not running\. There is nothing to signal/),
    );
});

test("starting a running one is Running, and it is untouched", async () => {
    const { state } = await server.run({ name: "web" });
    await assert.rejects(start("web"), refusedWith(ErrorCode.Running, /web is running/));
    assert.deepEqual(await stateOf("web"), state);
});

test("removing a running one is refused without force", async () => {
    await server.run({ name: "web" });
    await assert.rejects(remove("web"), refusedWith(ErrorCode.Running, /web is running.*force/));
    assert.equal((await stateOf("web")).kind, "running");
    await remove("web", true);
    await assertNothingMade();
});

test("of two starts at the same moment one wins and the other is told Running", async () => {
    await server.run({ name: "web" });
    for (let round = 0; round < 5; round++) {
        await stop("web", 5);
        const other = await connectOther();
        const results = await Promise.allSettled([
            start("web"),
            other.connection.sendRequest(StartRequest, { container: "web" }),
        ]);
        other.close();
        const won = results.filter(({ status }) => status === "fulfilled");
        assert.equal(won.length, 1);
        const lost = results.find((each) => each.status === "rejected");
        refusedWith(ErrorCode.Running, /web is running/)(lost?.reason);
        assert.equal((await stateOf("web")).kind, "running");
    }
});

test("a start whose rootfs has gone fails by name, and the container is what it was", async () => {
    const directory = path.join(server.roots.stateDir, "mine");
    await mkdir(path.join(directory, "bin"), { recursive: true });
    const busybox = await readFile(path.join(await busyboxRootfs(), "bin/busybox"));
    await writeFile(path.join(directory, "bin/sh"), busybox);
    await chmod(path.join(directory, "bin/sh"), 0o755);
    await server.run({
        name: "web",
        rootfs: { kind: "directory", path: directory },
        command: ["/bin/sh", "-c", "exit 3"],
    });
    await endOf("web");
    await server.deps.native.removeTree(directory);
    await assert.rejects(start("web"), refusedWith(ErrorCode.Invalid, /mine/, { field: "rootfs" }));
    assert.equal((await endOf("web")).exit.exitCode, 3);
});

test("a damaged config.json: broken in the list, only removable, the others unaffected", async () => {
    await server.run({ name: "good" });
    const { id } = await server.run({ name: "bad" });
    await writeFile(
        path.join(server.roots.stateDir, "containers", id, "config.json"),
        '{"version": 1,',
    );
    const rows = await list();
    const bad = rows.find(({ name }) => name === "bad");
    assert.ok(bad?.state.kind === "broken");
    assert.match(bad.state.reason, /config\.json/);
    assert.equal(rows.find(({ name }) => name === "good")?.state.kind, "running");
    await assert.rejects(start("bad"), refusedWith(ErrorCode.Broken, /only be removed/));
    await assert.rejects(remove("bad"), refusedWith(ErrorCode.Running, /bad is running/));
    await remove("bad", true);
    assert.equal((await stateOf("good")).kind, "running");
    assert.deepEqual(
        (await list()).map(({ name }) => name),
        ["good"],
    );
});

test("a container whose monitor was killed is lost when it ends, and can be started again", async () => {
    const { id } = await server.run({ name: "web" });
    const file = path.join(server.roots.runDir, "containers", id, "state.json");
    const record = JSON.parse(await readFile(file, "utf8")) as { monitorPid: number };
    process.kill(record.monitorPid, "SIGKILL");
    await eventually(async () => (await stateOf("web")).kind !== "exited", "still known");
    if ((await stateOf("web")).kind === "running") {
        await stop("web", 0);
    }
    await eventually(async () => (await stateOf("web")).kind === "lost", "lost");
    assert.equal((await start("web")).state.kind, "running");
});

const LSP_REQUEST_CANCELLED = -32800;

test("a run that is cancelled leaves nothing, or was already answered", async () => {
    for (const delay of [0, 2, 5, 10, 20]) {
        const source = new CancellationTokenSource();
        const spec = await server.specOf({ name: "web" });
        const answer = server.connection.sendRequest(RunRequest, spec, source.token);
        setTimeout(() => source.cancel(), delay);
        const [result] = await Promise.allSettled([answer]);
        if (result.status === "fulfilled") {
            await remove("web", true);
        } else {
            assert.equal((result.reason as { code: number }).code, LSP_REQUEST_CANCELLED);
        }
        await assertNothingMade();
    }
});

// --------------------------------------------------------------------------------------- changes

/** Everything that this client is told from now on. */
function hearChanges(): DidChangeParams[] {
    const heard: DidChangeParams[] = [];
    server.connection.onNotification(DidChangeNotification, (change) => void heard.push(change));
    return heard;
}

test("what another process does is pushed: run, end, rename, remove", async () => {
    const heard = hearChanges();
    const kinds = (id: string) =>
        heard.flatMap(({ changed }) => changed.filter((each) => each.id === id));
    const other = await connectOther();
    const spec = await server.specOf({ name: "web", command: ["/bin/cat"] });
    const { id } = await other.connection.sendRequest(RunRequest, spec);
    await eventually(() => kinds(id).at(-1)?.state.kind === "running", "told that it runs");
    await other.connection.sendRequest(RenameRequest, { container: id, name: "new" });
    await eventually(() => kinds(id).at(-1)?.name === "new", "told of the name");
    await other.connection.sendRequest(KillRequest, { container: id });
    await eventually(() => kinds(id).at(-1)?.state.kind === "exited", "told that it ended");
    await other.connection.sendRequest(RemoveRequest, { container: id });
    await eventually(
        () => heard.some(({ removed }) => removed.includes(id)),
        "told of the removal",
    );
    other.close();
});

test("an end by itself is pushed at once, and nothing is told twice", async () => {
    const heard = hearChanges();
    const { id } = await server.run({ command: ["/bin/sh", "-c", "sleep 0.3; exit 5"] });
    await eventually(
        () => heard.some(({ changed }) => changed.some(({ state }) => state.kind === "exited")),
        "told of the end",
    );
    const told = heard.flatMap(({ changed }) => changed.map((each) => JSON.stringify(each)));
    assert.equal(new Set(told).size, told.length);
    assert.deepEqual(await readdir(path.join(server.roots.stateDir, "containers")), [id]);
});
