/** The backend as a process: its socket, who may use it, how it begins and ends. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import {
    chmod,
    chown,
    copyFile,
    mkdir,
    readFile,
    rm,
    stat,
    symlink,
    writeFile,
} from "node:fs/promises";
import path from "node:path";
import { afterEach, before, beforeEach, test } from "node:test";
import { ResponseError } from "vscode-jsonrpc";
import {
    BackendInfoRequest,
    BackendShutdownRequest,
    DidChangeNotification,
    ListRequest,
    RemoveRequest,
    RunRequest,
    StatusRequest,
    StopRequest,
    type ContainerSpec,
    type DidChangeParams,
} from "../../server/protocol";
import {
    busyboxRootfs,
    eventually,
    temporaryRoots,
    type TemporaryRoots,
} from "../support/fixtures";
import { SERVER, connectBackend, isThere, outcomeOf, socketOf, startBackend } from "./process";

/** A user who is neither root nor anybody on this computer. */
const STRANGER = 54_321;

let rootfs: string;
let roots: TemporaryRoots;
/** Backends that a test has seen; they are ended after it. */
let pids: Set<number>;

before(async () => {
    rootfs = await busyboxRootfs();
});

beforeEach(async () => {
    roots = await temporaryRoots();
    pids = new Set();
});

afterEach(async () => {
    for (const pid of pids) {
        if (isThere(pid)) {
            process.kill(pid, "SIGTERM");
        }
        await eventually(() => !isThere(pid), "the backend has ended");
    }
    await roots.dispose();
});

/** A client of the running backend. */
async function connect(uid = 0) {
    const client = await connectBackend(roots, uid);
    pids.add(client.pid);
    return client;
}

type Client = Awaited<ReturnType<typeof connect>>;

function run({ connection }: Client, spec: ContainerSpec = {}) {
    return connection.sendRequest(RunRequest, {
        rootfs: { kind: "directory", path: rootfs },
        ...spec,
    });
}

const READY = () => ({ code: 0, stdout: `ready ${socketOf(roots)}\n` });

test("a start says ready once the socket answers, and again when it already does", async () => {
    assert.deepEqual(await startBackend(roots), READY());
    const first = await connect();
    assert.deepEqual(await startBackend(roots), READY());
    assert.equal((await connect()).pid, first.pid);
    assert.deepEqual(await first.connection.sendRequest(ListRequest), []);
});

test("of many starts at once all are ready, with one backend", async () => {
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => startBackend(roots)));
    assert.deepEqual(outcomes, Array(5).fill(READY()));
    const clients = await Promise.all(Array.from({ length: 5 }, () => connect()));
    assert.equal(new Set(clients.map(({ pid }) => pid)).size, 1);
});

test("each user has a backend of their own", async () => {
    await startBackend(roots, 0);
    await startBackend(roots, STRANGER);
    const [mine, other] = [await connect(0), await connect(STRANGER)];
    assert.notEqual(mine.pid, other.pid);
    const info = await other.connection.sendRequest(BackendInfoRequest);
    assert.equal(info.servesUid, STRANGER);
});

test("it is detached: in a session of its own, without our descriptors and variables", async () => {
    const env = { ...process.env, ...roots.env, SECRET_OF_ROOT: "x" };
    await startBackend(roots, 0, [], { env });
    const { pid } = await connect();
    const fields = (await readFile(`/proc/${pid}/stat`, "latin1")).split(") ")[1]!.split(" ");
    assert.equal(Number(fields[3]), pid, "session");
    assert.equal(Number(fields[4]), 0, "terminal");
    assert.doesNotMatch(await readFile(`/proc/${pid}/environ`, "latin1"), /SECRET_OF_ROOT/);
});

test("the socket is its user's alone", async () => {
    await startBackend(roots, STRANGER);
    const { mode, uid } = await stat(socketOf(roots, STRANGER));
    assert.equal(mode & 0o7777, 0o600);
    assert.equal(uid, STRANGER);
    pids.add((await connect(STRANGER)).pid);
});

/** Connects as another user, in a process of theirs; its exit code is 0 when that works. */
async function connectAs(uid: number, socket: string): Promise<string> {
    const script = `require("net").connect(process.argv[1])
        .on("error", (error) => { console.log(error.code); process.exit(); })
        .on("connect", () => { console.log("connected"); process.exit(); })`;
    const options = { uid, gid: uid, cwd: "/" };
    return (await outcomeOf(process.execPath, ["-e", script, socket], options)).stdout.trim();
}

test("a real other user cannot connect, and the one it serves can", async () => {
    // The test's own directory is closed to everybody: open the way, as to /run.
    await chmod(path.dirname(roots.runDir), 0o711);
    await startBackend(roots, STRANGER);
    await connect(STRANGER);
    const socket = socketOf(roots, STRANGER);
    assert.equal(await connectAs(STRANGER, socket), "connected");
    assert.equal(await connectAs(STRANGER + 1, socket), "EACCES");
    assert.equal(await connectAs(STRANGER, path.join(roots.runDir, "containers", "x")), "EACCES");
});

test("nobody but root can start one", async () => {
    // Where everybody can read it: this repository may lie in root's home.
    const directory = path.dirname(roots.runDir);
    await chmod(directory, 0o711);
    const server = path.join(directory, "server.js");
    await copyFile(SERVER, server);
    const options = { uid: STRANGER, gid: STRANGER, cwd: "/" };
    const { code, stdout } = await startBackend(roots, STRANGER, [], options, server);
    assert.deepEqual([code, stdout], [1, "The backend needs root: start it with sudo.\n"]);
});

test("wrong arguments are refused in one line", async () => {
    for (const args of [["--uid", "x"], ["--uid", "4294967295"], ["--uid=-1"], [], ["--what"]]) {
        const { code, stdout } = await outcomeOf(
            process.execPath,
            [path.join(__dirname, "../../out/server.js"), "start", ...args],
            { env: { ...process.env, ...roots.env } },
        );
        assert.equal(code, 1);
        assert.match(stdout, /^[^\n]+\n$/);
    }
});

for (const [what, spoil, reason] of [
    ["writable by all", () => chmod(roots.runDir, 0o777), /can be written by others/],
    ["writable by a group", () => chmod(roots.runDir, 0o775), /can be written by others/],
    ["another user's", () => chown(roots.runDir, STRANGER, 0), /belongs to uid 54321/],
    [
        "a link",
        async () => {
            await rm(roots.runDir, { recursive: true });
            await mkdir(`${roots.stateDir}/elsewhere`);
            await symlink(`${roots.stateDir}/elsewhere`, roots.runDir);
        },
        /is not a directory/,
    ],
] as const) {
    test(`a runtime directory that is ${what} is refused`, async () => {
        await spoil();
        const { code, stdout } = await startBackend(roots);
        assert.equal(code, 1);
        assert.match(stdout, reason);
        assert.ok(!existsSync(socketOf(roots)));
    });
}

test("a socket that a killed backend left is replaced, and one in use is not", async () => {
    await startBackend(roots);
    const first = await connect();
    process.kill(first.pid, "SIGKILL");
    await eventually(() => !isThere(first.pid), "killed");
    assert.ok(existsSync(socketOf(roots)));
    assert.deepEqual(await startBackend(roots), READY());
    assert.notEqual((await connect()).pid, first.pid);
});

test("containers outlive a backend that is killed, and the next one knows everything", async () => {
    await startBackend(roots);
    const first = await connect();
    const running = await run(first, { name: "running" });
    const signals = path.join(roots.stateDir, "signals");
    await mkdir(signals);
    const { id } = await run(first, {
        name: "ends",
        command: ["/bin/sh", "-c", "while [ ! -e /mnt/go ]; do sleep 0.05; done; exit 7"],
        volumes: [{ source: signals, target: "/mnt", mode: "ro" }],
    });
    process.kill(first.pid, "SIGKILL");
    await eventually(() => !isThere(first.pid), "killed");
    // It ends while no backend is there to see it.
    await writeFile(path.join(signals, "go"), "");
    const exit = path.join(roots.stateDir, "containers", id, "exit.json");
    await eventually(() => existsSync(exit), "the monitor has recorded the end");
    await startBackend(roots);
    const second = await connect();
    const rows = await second.connection.sendRequest(ListRequest);
    const stateOf = (name: string) => rows.find((row) => row.name === name)?.state;
    assert.deepEqual(stateOf("running"), running.state);
    const ended = stateOf("ends");
    assert.ok(ended?.kind === "exited" && ended.exit.exitCode === 7);
    await second.connection.sendRequest(StopRequest, { container: "running", graceSeconds: 5 });
    for (const container of ["running", "ends"]) {
        await second.connection.sendRequest(RemoveRequest, { container });
    }
});

test("a removal that was interrupted is finished at the start", async () => {
    const left = path.join(roots.stateDir, "containers", ".removing-0123456789ab");
    await mkdir(path.join(left, "upper", "deep"), { recursive: true });
    await startBackend(roots);
    await connect();
    await eventually(() => !existsSync(left), "the removal is finished");
});

test("without a client it ends after a while, and containers run on", async () => {
    await startBackend(roots, 0, ["--idle-minutes", "0.02"]);
    const client = await connect();
    await run(client, { name: "web" });
    await new Promise((resolve) => setTimeout(resolve, 2000));
    assert.ok(isThere(client.pid), "it stays while it has a client");
    client.close();
    await eventually(() => !isThere(client.pid), "it has ended");
    assert.ok(!existsSync(socketOf(roots)));
    await startBackend(roots);
    const next = await connect();
    const { state } = await next.connection.sendRequest(StatusRequest, { container: "web" });
    assert.equal(state.kind, "running");
    await next.connection.sendRequest(RemoveRequest, { container: "web", force: true });
});

test("a shutdown is answered, then the socket is gone, and a new one can be started", async () => {
    await startBackend(roots);
    const client = await connect();
    await client.connection.sendRequest(BackendShutdownRequest);
    await eventually(() => !isThere(client.pid), "it has ended");
    assert.ok(!existsSync(socketOf(roots)));
    assert.deepEqual(await startBackend(roots), READY());
    await connect();
});

test("TERM ends it in order, once what is under way is done", async () => {
    await startBackend(roots);
    const client = await connect();
    const made = run(client, { name: "web" });
    // The request is on its way when the signal is sent.
    await client.connection.sendRequest(BackendInfoRequest);
    process.kill(client.pid, "SIGTERM");
    await Promise.allSettled([made]);
    await eventually(() => !isThere(client.pid), "it has ended");
    assert.ok(!existsSync(socketOf(roots)));
    await startBackend(roots);
    const next = await connect();
    for (const { id, state } of await next.connection.sendRequest(ListRequest)) {
        assert.equal(state.kind, "running", "whole or not at all");
        await next.connection.sendRequest(RemoveRequest, { container: id, force: true });
    }
});

test("several clients see the same, and one that goes harms no other", async () => {
    await startBackend(roots);
    const clients = [await connect(), await connect(), await connect()] as const;
    const heard = clients.map(({ connection }) => {
        const changes: DidChangeParams[] = [];
        connection.onNotification(DidChangeNotification, (change) => void changes.push(change));
        return changes;
    });
    const info = await clients[0].connection.sendRequest(BackendInfoRequest);
    assert.equal(info.clients, 3);
    const { id } = await run(clients[0], { name: "web" });
    for (const changes of heard) {
        await eventually(
            () => changes.some(({ changed }) => changed.some((each) => each.id === id)),
            "told of the new one",
        );
    }
    clients[0].close();
    await eventually(async () => {
        return (await clients[1].connection.sendRequest(BackendInfoRequest)).clients === 2;
    }, "one less");
    await clients[1].connection.sendRequest(RemoveRequest, { container: id, force: true });
    await eventually(() => heard[2]!.some(({ removed }) => removed.includes(id)), "removed");
});

test("its log, for root only, says who did what and how it went", async () => {
    await startBackend(roots);
    const client = await connect();
    await run(client, { name: "web", env: { TOKEN: "hunter2" } });
    await client.connection.sendRequest(RemoveRequest, { container: "web", force: true });
    await assert.rejects(
        client.connection.sendRequest(StopRequest, { container: "web" }),
        ResponseError,
    );
    const { log } = await client.connection.sendRequest(BackendInfoRequest);
    const text = await readFile(log, "utf8");
    assert.match(text, /info test#\d+ container\/run \{"name":"web".*"TOKEN".*: done in \d+ ms/);
    assert.match(text, /info test#\d+ container\/remove web: done/);
    assert.match(text, /warn test#\d+ container\/stop web: NotFound: /);
    assert.doesNotMatch(text, /hunter2/);
    assert.equal((await stat(log)).mode & 0o777, 0o600);
});
