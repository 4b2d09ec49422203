/** Many clients at once, and a full disk: nothing is lost and nothing is left half made. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, before, beforeEach, test } from "node:test";
import { ResponseError, type MessageConnection } from "vscode-jsonrpc";
import {
    ErrorCode,
    InspectRequest,
    KillRequest,
    ListRequest,
    RemoveRequest,
    RenameRequest,
    RestartRequest,
    RunRequest,
    StartRequest,
    StatusRequest,
    StopRequest,
} from "../../server/protocol";
import {
    busyboxRootfs,
    eventually,
    temporaryRoots,
    type TemporaryRoots,
} from "../support/fixtures";
import { connectLocally, depsFor, greet, refusedWith } from "./client";
import { connectBackend, isThere, startBackend } from "./process";

let rootfs: string;
let roots: TemporaryRoots;

before(async () => {
    rootfs = await busyboxRootfs();
});

beforeEach(async () => {
    roots = await temporaryRoots();
});

afterEach(() => roots.dispose());

/** Names of what should be gone when there are no containers. */
function leftovers(): string[] {
    const directories = ["containers", "claims"].map((name) => path.join(roots.stateDir, name));
    directories.push(path.join(roots.runDir, "containers"));
    return directories.flatMap((each) => (existsSync(each) ? readdirSync(each) : []));
}

// ------------------------------------------------------------------------------------ concurrency

const CLIENTS = 8;
const DURATION_MS = 5000;
const NAMES = ["a", "b", "c", "d", "e"];

function any<T>(list: readonly T[]): T {
    return list[randomInt(list.length)]!;
}

const VERBS: ((connection: MessageConnection) => Promise<unknown>)[] = [
    (connection) =>
        connection.sendRequest(RunRequest, {
            name: any(NAMES),
            rootfs: { kind: "directory", path: rootfs },
            command: any([[], ["/bin/sh"], ["/bin/true"], ["/bin/absent"], ["/bin/sleep", "0.1"]]),
            limits: { memory: 32 * 1024 ** 2, pids: 32 },
            autoRemove: any([true, false, false]),
        }),
    (connection) => connection.sendRequest(StartRequest, { container: any(NAMES) }),
    (connection) =>
        connection.sendRequest(StopRequest, { container: any(NAMES), graceSeconds: any([0, 0.2]) }),
    (connection) =>
        connection.sendRequest(RestartRequest, { container: any(NAMES), graceSeconds: 0 }),
    (connection) => connection.sendRequest(KillRequest, { container: any(NAMES), signal: "TERM" }),
    (connection) =>
        connection.sendRequest(RemoveRequest, { container: any(NAMES), force: any([true, false]) }),
    (connection) =>
        connection.sendRequest(RenameRequest, { container: any(NAMES), name: any(NAMES) }),
    (connection) => connection.sendRequest(StatusRequest, { container: any(NAMES) }),
    (connection) => connection.sendRequest(InspectRequest, { container: any(NAMES) }),
    (connection) => connection.sendRequest(ListRequest),
];

interface Deeds {
    /** Requests that were done, and those that were refused by name. */
    done: number;
    refused: number;
    /** What went wrong in any other way. */
    surprises: unknown[];
}

/** Does things at random until the time is over. */
async function act(connection: MessageConnection, deadline: number, deeds: Deeds): Promise<void> {
    while (Date.now() < deadline) {
        const [result] = await Promise.allSettled([any(VERBS)(connection)]);
        if (result.status === "fulfilled") {
            deeds.done++;
        } else if (result.reason instanceof ResponseError && result.reason.code in ErrorCode) {
            deeds.refused++;
        } else {
            deeds.surprises.push(result.reason);
        }
    }
}

function openDescriptors(pid: number): number {
    return readdirSync(`/proc/${pid}/fd`).length;
}

test("eight clients do anything to the same containers, and nothing leaks", async () => {
    await startBackend(roots);
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connectBackend(roots)));
    const [{ connection, pid }] = clients as [(typeof clients)[0]];
    try {
        const before = openDescriptors(pid);
        const deadline = Date.now() + DURATION_MS;
        const deeds: Deeds = { done: 0, refused: 0, surprises: [] };
        await Promise.all(clients.map((each) => act(each.connection, deadline, deeds)));
        assert.deepEqual(deeds.surprises, []);
        assert.ok(deeds.done > 10 && deeds.refused > 10, `${deeds.done}, ${deeds.refused}`);

        const rows = await connection.sendRequest(ListRequest);
        assert.equal(new Set(rows.map(({ name }) => name)).size, rows.length, "names are unique");
        assert.deepEqual(
            rows.filter(({ state }) => ["broken", "lost"].includes(state.kind)),
            [],
        );
        for (const { id } of rows) {
            // One that removes itself may be quicker.
            await connection
                .sendRequest(RemoveRequest, { container: id, force: true })
                .catch((error: unknown) => refusedWith(ErrorCode.NotFound, /./)(error));
        }
        assert.deepEqual(await connection.sendRequest(ListRequest), []);
        await eventually(() => leftovers().length === 0, "no file or claim is left");
        await eventually(() => openDescriptors(pid) <= before, "descriptors are closed");
        const log = readFileSync(path.join(roots.runDir, "backend-0.log"), "utf8");
        assert.doesNotMatch(log, /^\S+ error /m);
    } finally {
        process.kill(pid, "SIGTERM");
        await eventually(() => !isThere(pid), "the backend has ended");
    }
});

// -------------------------------------------------------------------------------------- full disk

/** Runs `check` with a state directory that has this many KiB. */
async function onSmallDisk(kib: number, check: () => Promise<void>): Promise<void> {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${kib}k`, "mcm-test", roots.stateDir]);
    try {
        await check();
    } finally {
        execFileSync("umount", [roots.stateDir]);
    }
}

/** Leaves not a byte in the state directory. */
async function fill(): Promise<void> {
    const file = path.join(roots.stateDir, "filler");
    await writeFile(file, Buffer.alloc(64 * 1024 * 1024)).catch((error: unknown) => {
        assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
    });
}

/** A client of a server in this process, to be closed with all of its containers removed. */
async function withClient(check: (connection: MessageConnection) => Promise<void>): Promise<void> {
    const deps = depsFor(roots);
    const client = connectLocally(deps);
    try {
        await greet(client.connection);
        await check(client.connection);
        for (const { id } of await client.connection.sendRequest(ListRequest)) {
            await client.connection.sendRequest(RemoveRequest, { container: id, force: true });
        }
        assert.deepEqual(leftovers(), []);
    } finally {
        client.close();
        deps.changes.dispose();
    }
}

test("on a full disk a run fails by name, and nothing is left of it", () =>
    onSmallDisk(256, () =>
        withClient(async (connection) => {
            await mkdir(path.join(roots.stateDir, "containers"), { recursive: true });
            await fill();
            const spec = { name: "web", rootfs: { kind: "directory" as const, path: rootfs } };
            await assert.rejects(
                connection.sendRequest(RunRequest, spec),
                refusedWith(ErrorCode.NativeFailed, /space/, { errno: "ENOSPC" }),
            );
            assert.deepEqual(leftovers(), []);
            await rm(path.join(roots.stateDir, "filler"));
            await connection.sendRequest(RunRequest, spec);
        }),
    ));

test("a disk that fills up while a container runs loses neither its end nor its name", () =>
    onSmallDisk(512, () =>
        withClient(async (connection) => {
            const { id } = await connection.sendRequest(RunRequest, {
                name: "web",
                rootfs: { kind: "directory", path: rootfs },
                command: ["/bin/sh", "-c", "read line; exit 7"],
            });
            await fill();
            await assert.rejects(
                connection.sendRequest(RenameRequest, { container: id, name: "new" }),
                refusedWith(ErrorCode.NativeFailed, /space/, { errno: "ENOSPC" }),
            );
            await connection.sendRequest(StopRequest, { container: "web", graceSeconds: 5 });
            const { state, name } = await connection.sendRequest(StatusRequest, { container: id });
            assert.equal(name, "web");
            assert.equal(state.kind, "exited");
            await assert.rejects(
                connection.sendRequest(StartRequest, { container: "web" }),
                refusedWith(ErrorCode.NativeFailed, /space/, { errno: "ENOSPC" }),
            );
            assert.deepEqual(
                (await connection.sendRequest(StatusRequest, { container: id })).state,
                state,
            );
            await connection.sendRequest(RemoveRequest, { container: "web" });
            assert.deepEqual(await readdir(path.join(roots.stateDir, "containers")), []);
        }),
    ));
