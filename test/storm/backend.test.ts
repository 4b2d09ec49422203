/** Many containers through the backend: neither they nor their clients leave a trace in it. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, before, beforeEach, test } from "node:test";
import {
    DidChangeNotification,
    ListRequest,
    RemoveRequest,
    RunRequest,
    StopRequest,
    type ContainerSpec,
    type ContainerSummary,
} from "../../server/protocol";
import { connectBackend, isThere, startBackend } from "../server/process";
import {
    busyboxRootfs,
    eventually,
    temporaryRoots,
    type TemporaryRoots,
} from "../support/fixtures";
import { AT_ONCE, RUNS } from "./storm";
import { remember, type Watched } from "./traces";

type Client = Awaited<ReturnType<typeof connectBackend>>;

let rootfs: string;
let roots: TemporaryRoots;
let client: Client;
/** Whether there is a backend to be ended. */
let serves = false;
let watched: Watched;
/** Called with the id of what has gone, for who waits for it. */
let gone: Map<string, () => void>;

before(async () => {
    rootfs = await busyboxRootfs();
});

beforeEach(async () => {
    roots = await temporaryRoots();
    watched = { directory: dirname(roots.stateDir), ids: new Set(), pids: [] };
    gone = new Map();
    await connect();
    // What the first one makes stays, such as the directory of all containers.
    await removed(await run({ command: ["/bin/true"], autoRemove: true }));
});

afterEach(async () => {
    if (serves) {
        await endBackend("SIGTERM");
    }
    await roots.dispose();
});

/** Starts a backend and listens to what it tells. */
async function connect(): Promise<void> {
    await startBackend(roots);
    serves = true;
    client = await connectBackend(roots);
    watched.pids = [process.pid, client.pid];
    client.connection.onNotification(DidChangeNotification, (change) => {
        change.removed.forEach((id) => gone.get(id)?.());
    });
}

async function endBackend(signal: NodeJS.Signals): Promise<void> {
    process.kill(client.pid, signal);
    serves = false;
    await eventually(() => !isThere(client.pid), "the backend has ended");
    client.close();
}

async function run(spec: ContainerSpec): Promise<ContainerSummary> {
    const container = await client.connection.sendRequest(RunRequest, {
        rootfs: { kind: "directory", path: rootfs },
        ...spec,
    });
    watched.ids.add(container.id);
    return container;
}

/** Waits until the backend has told that it is gone. */
async function removed({ id }: ContainerSummary): Promise<void> {
    const told = new Promise<void>((resolve) => gone.set(id, resolve));
    const ids = (await list()).map((each) => each.id);
    if (ids.includes(id)) {
        await told;
    }
    gone.delete(id);
}

const list = (): Promise<ContainerSummary[]> => client.connection.sendRequest(ListRequest);
const remove = (container: string): Promise<void> =>
    client.connection.sendRequest(RemoveRequest, { container, force: true });

/** What containers are made with, in turn. */
const specs = (): ContainerSpec[] => [
    { command: ["/bin/true"] },
    { command: ["/bin/sh", "-c", "exit 3"], env: { A: "b" } },
    { command: ["/bin/sh", "-c", "echo text; kill -9 $$"] },
    { command: ["/bin/sh", "-c", "tty"], tty: true },
    {
        command: ["/bin/sh", "-c", "echo mine > /mnt/passwd"],
        limits: { memory: 32 * 1024 ** 2, pids: 16, cpu: 0.5 },
        volumes: [{ source: join(rootfs, "etc"), target: "/mnt", mode: "cow" }],
    },
];

test(`${RUNS} containers one after the other leave nothing in or of the backend`, async () => {
    const compare = remember(watched);
    const turn = specs();
    for (let index = 0; index < RUNS; index++) {
        await removed(await run({ ...turn[index % turn.length], autoRemove: true }));
    }
    await compare(RUNS);
});

test(`${AT_ONCE} containers at the same time leave nothing in or of the backend`, async () => {
    const many = Array.from({ length: AT_ONCE }, (_, index) => `storm-${index}`);
    const compare = remember(watched);
    await Promise.all(many.map((name) => run({ name, command: ["/bin/sleep", "1000"] })));
    const running = (await list()).filter(({ state }) => state.kind === "running");
    assert.equal(running.length, AT_ONCE);
    await Promise.all(
        many.map((container) =>
            client.connection.sendRequest(StopRequest, { container, graceSeconds: 0 }),
        ),
    );
    await Promise.all(many.map(remove));
    await compare(AT_ONCE);
});

test("when monitors, inits and the backend itself are killed, the next backend removes all", async () => {
    await endBackend("SIGTERM");
    watched.pids = [process.pid];
    const compare = remember(watched);
    await connect();
    const many = Array.from({ length: Math.ceil(AT_ONCE / 2) }, (_, index) => `storm-${index}`);
    const runs = many.map((name) => run({ name, command: ["/bin/sleep", "1000"] }));
    const settled = Promise.allSettled(runs);
    // Some are running by now, some are being made, some have not begun.
    await Promise.race(runs);
    await endBackend("SIGKILL");
    await settled;
    await connect();
    const all = await list();
    all.forEach(({ id, state }, index) => {
        watched.ids.add(id);
        if (state.kind === "running" && index % 3 > 0) {
            process.kill(index % 3 === 1 ? state.pid : monitorOf(id), "SIGKILL");
        }
    });
    await Promise.all(all.map(({ id }) => remove(id)));
    assert.deepEqual(await list(), []);
    const claims = join(roots.stateDir, "claims");
    await eventually(() => readdirSync(claims).length === 0, "what was begun is swept up");
    await endBackend("SIGTERM");
    watched.pids = [process.pid];
    await compare(many.length);
});

/** The pid of a container's monitor. */
function monitorOf(id: string): number {
    const state = join(roots.runDir, "containers", id, "state.json");
    return (JSON.parse(readFileSync(state, "utf8")) as { monitorPid: number }).monitorPid;
}
