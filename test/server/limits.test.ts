/** Limits of containers: changing them, and pausing, with the real native programs. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { isFrozen } from "../../server/cgroup";
import {
    DidChangeNotification,
    ErrorCode,
    ExecRequest,
    InspectRequest,
    KillRequest,
    PauseRequest,
    RemoveRequest,
    RestartRequest,
    ResumeRequest,
    StartRequest,
    StatusRequest,
    StopRequest,
    UpdateRequest,
    type ContainerState,
    type LimitChanges,
    type Usage,
} from "../../server/protocol";
import { eventually } from "../support/fixtures";
import { connectLocally, depsFor, greet, refusedWith } from "./client";
import { useServer } from "./useServer";

const MIB = 1024 * 1024;

const server = useServer("test");

const update = (container: string, limits: LimitChanges) =>
    server.connection.sendRequest(UpdateRequest, { container, limits });
const pause = (container: string) => server.connection.sendRequest(PauseRequest, { container });
const resume = (container: string) => server.connection.sendRequest(ResumeRequest, { container });
const stop = (container: string, graceSeconds?: number) =>
    server.connection.sendRequest(StopRequest, { container, graceSeconds });

async function stateOf(container: string): Promise<ContainerState> {
    return (await server.connection.sendRequest(StatusRequest, { container })).state;
}

async function usageOf(container: string): Promise<Usage> {
    const { usage } = await server.connection.sendRequest(StatusRequest, { container });
    assert.ok(usage, "a running container has usage");
    return usage;
}

test("limits of a running container change at once, and stay with its next start", async () => {
    const { id } = await server.run({ limits: { memory: 64 * MIB, cpu: 1, pids: 50 } });
    const changed = await update(id, { memory: 32 * MIB, cpu: null });
    assert.deepEqual(changed.limits, { memory: 32 * MIB, pids: 50 });
    const now = await usageOf(id);
    assert.deepEqual([now.memoryLimit, now.pidsLimit], [32 * MIB, 50]);
    await stop(id, 0);
    await server.connection.sendRequest(StartRequest, { container: id });
    assert.equal((await usageOf(id)).memoryLimit, 32 * MIB);
});

test("limits of a stopped container hold from its next start on", async () => {
    const { id } = await server.run({ limits: { memory: 64 * MIB } });
    await stop(id, 0);
    assert.deepEqual((await update(id, { memory: null, pids: 30 })).limits, { pids: 30 });
    await server.connection.sendRequest(StartRequest, { container: id });
    const usage = await usageOf(id);
    assert.deepEqual([usage.memoryLimit, usage.pidsLimit], [undefined, 30]);
});

test("where one limit cannot be changed none is, and what stands on disk neither", async () => {
    const { id } = await server.run({ limits: { memory: 64 * MIB } });
    const changes = { memory: 32 * MIB, cpuset: "4095" };
    for (const live of [true, false]) {
        await assert.rejects(
            update(id, changes),
            refusedWith(ErrorCode.Invalid, /no processor 4095/, { field: "limits.cpuset" }),
        );
        const { limits } = await server.connection.sendRequest(InspectRequest, { container: id });
        assert.deepEqual(limits, { memory: 64 * MIB });
        if (live) {
            assert.equal((await usageOf(id)).memoryLimit, 64 * MIB);
            await stop(id, 0);
        }
    }
});

test("a memory limit below what is used is refused, and the container runs on", async () => {
    const fill = "dd if=/dev/zero of=/dev/shm/kept bs=1M count=24 2>/dev/null";
    const script = `${fill}; touch /ready; exec sleep 1000`;
    const { id } = await server.run({
        command: ["/bin/sh", "-c", script],
        limits: { memory: 64 * MIB },
    });
    const { upper } = (await server.connection.sendRequest(InspectRequest, { container: id }))
        .paths;
    await eventually(() => existsSync(path.join(upper, "ready")), "filled");
    await assert.rejects(
        update(id, { memory: 16 * MIB }),
        refusedWith(ErrorCode.Invalid, /uses more than 16777216 bytes .*Nothing was changed/, {
            field: "limits.memory",
        }),
    );
    assert.equal((await stateOf(id)).kind, "running");
    assert.equal((await usageOf(id)).memoryLimit, 64 * MIB);
});

test("an update without a limit, or with a bad one, is refused by its name", async () => {
    const { id } = await server.run();
    await assert.rejects(
        update(id, {}),
        refusedWith(ErrorCode.Invalid, /at least one limit/, { field: "limits" }),
    );
    await assert.rejects(
        update(id, { ioRead: 100 }),
        refusedWith(ErrorCode.Invalid, /100 is not .*bytes a second/, { field: "limits.ioRead" }),
    );
});

test("limits that change while a container starts are those it has in the end", async () => {
    const { id } = await server.run({ limits: { pids: 40 } });
    await stop(id, 0);
    const start = server.connection.sendRequest(StartRequest, { container: id });
    const changes = Array.from({ length: 4 }, (_, index) => update(id, { pids: 41 + index }));
    await Promise.all([start, ...changes]);
    const { limits } = await server.connection.sendRequest(InspectRequest, { container: id });
    assert.equal((await usageOf(id)).pidsLimit, limits.pids);
});

test("a paused container is shown as such, takes no command, and goes on when resumed", async () => {
    const { id, name } = await server.run();
    const paused = await pause(id);
    assert.equal(paused.state.kind, "paused");
    assert.ok(isFrozen(server.deps.cgroups, id));
    assert.deepEqual((await server.list())[0]?.state, paused.state);
    await assert.rejects(pause(id), refusedWith(ErrorCode.Paused, /is paused/));
    const exec = { container: id, command: ["/bin/true"], token: "1" };
    await assert.rejects(
        server.connection.sendRequest(ExecRequest, exec),
        refusedWith(ErrorCode.Paused, new RegExp(`${name} is paused. Resume it first`)),
    );
    await assert.rejects(
        server.connection.sendRequest(StartRequest, { container: id }),
        refusedWith(ErrorCode.Running, /is paused/),
    );
    assert.equal((await resume(id)).state.kind, "running");
    assert.ok(!isFrozen(server.deps.cgroups, id));
    await assert.rejects(resume(id), refusedWith(ErrorCode.Running, /is not paused/));
    const end = await server.connection.sendRequest(ExecRequest, exec);
    assert.equal(end.exitCode, 0);
});

test("what is stopped is neither paused nor resumed", async () => {
    const { id } = await server.run();
    await stop(id, 0);
    await assert.rejects(pause(id), refusedWith(ErrorCode.NotRunning, /nothing to pause/));
    await assert.rejects(resume(id), refusedWith(ErrorCode.NotRunning, /nothing to resume/));
});

test("a paused container is stopped with its grace, killed, restarted and removed", async () => {
    const script = "trap 'exit 7' TERM; touch /ready; while :; do sleep 0.1; done";
    const { id } = await server.run({ command: ["/bin/sh", "-c", script] });
    const { upper } = (await server.connection.sendRequest(InspectRequest, { container: id }))
        .paths;
    await eventually(() => existsSync(path.join(upper, "ready")), "ready");
    await pause(id);
    assert.deepEqual(await stop(id), { forced: false });
    const state = await stateOf(id);
    assert.equal(state.kind === "exited" && state.exit.exitCode, 7);

    const container = id;
    await server.connection.sendRequest(StartRequest, { container });
    await pause(id);
    await server.connection.sendRequest(KillRequest, { container });
    await eventually(async () => (await stateOf(id)).kind === "exited", "killed");

    await server.connection.sendRequest(StartRequest, { container });
    await pause(id);
    const params = { container, graceSeconds: 0 };
    const restarted = await server.connection.sendRequest(RestartRequest, params);
    assert.equal(restarted.state.kind, "running");
    await pause(id);
    await assert.rejects(
        server.connection.sendRequest(RemoveRequest, { container }),
        refusedWith(ErrorCode.Running, /is paused/),
    );
    await server.connection.sendRequest(RemoveRequest, { container, force: true });
    assert.deepEqual(await server.list(), []);
});

test("another backend finds a paused container paused, and each hears of the other's doing", async () => {
    const { id } = await server.run();
    const others = depsFor(server.roots);
    const other = connectLocally(others);
    const heard: string[] = [];
    other.connection.onNotification(DidChangeNotification, ({ changed }) => {
        heard.push(...changed.map(({ state }) => state.kind));
    });
    await greet(other.connection);
    try {
        const params = { container: id };
        const { state } = await other.connection.sendRequest(StatusRequest, params);
        assert.equal(state.kind, "running");
        await pause(id);
        await eventually(() => heard.at(-1) === "paused", "heard of the pause");
        await resume(id);
        await eventually(() => heard.at(-1) === "running", "heard of the resumption");
    } finally {
        other.close();
        others.changes.dispose();
        others.sampler.dispose();
    }
});

test("usage has what throttling, peaks and pressure this host tells, and nothing else", async () => {
    const { id } = await server.run({
        command: ["/bin/sh", "-c", "while :; do :; done"],
        limits: { cpu: 0.1, memory: 64 * MIB },
    });
    const usage = await eventually(async () => {
        const now = await usageOf(id);
        return (now.throttledPeriods ?? 0) >= 2 && now;
    }, "throttled in two periods");
    assert.ok((usage.cpuPeriods ?? 0) >= (usage.throttledPeriods ?? Infinity));
    assert.ok((usage.throttledUsec ?? 0) > 0);
    assert.ok((usage.memoryPeak ?? 0) > 0 && (usage.memoryPeak ?? 0) <= 64 * MIB);
    assert.equal(usage.oomKills, 0);
    const file = path.join(server.deps.cgroups.unified ?? "/", "cpu.pressure");
    assert.equal(usage.pressure?.cpu !== undefined, existsSync(file) && isReadable(file));
});

/** Whether the kernel gives what the file is for; without PSI it may have the file and no figures. */
function isReadable(file: string): boolean {
    try {
        return readFileSync(file, "utf8") !== "";
    } catch {
        return false;
    }
}
