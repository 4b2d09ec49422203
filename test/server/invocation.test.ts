import assert from "node:assert/strict";
import { test } from "node:test";
import {
    enterInvocation,
    killInvocation,
    removeInvocation,
    removeTreeInvocation,
    startInvocation,
    stopInvocation,
} from "../../server/invocation";

const ID = "0123456789ab";
const PROCESS = {
    pid: 42,
    startTime: 1000,
    bootId: "b00t",
    monitorPid: 41,
    monitorStartTime: 999,
    startedAt: "2026-01-01T00:00:00.000000Z",
};
const MINIMAL = {
    id: ID,
    stateDirectory: "/s",
    runDirectory: "/r",
    rootfs: "/rootfs",
    idBase: 805306368,
    hostname: "web",
    mounts: [],
    interactive: false,
    autoRemove: false,
    env: {},
    command: [],
};
const MINIMAL_ARGS = [
    ...["start", "--status-fd", "3", "--id", ID, "--state-dir", "/s", "--run-dir", "/r"],
    ...["--rootfs", "/rootfs", "--id-base", "805306368", "--env-fd", "4", "--hostname", "web"],
];

test("a start without a command is told nothing that was not asked for", () => {
    assert.deepEqual(startInvocation(MINIMAL), {
        program: "container_executor",
        args: MINIMAL_ARGS,
        env: {},
    });
});

test("a start is told everything, each value an argument of its own", () => {
    const { args, env } = startInvocation({
        ...MINIMAL,
        limits: { memory: 104857600, cpu: 0.5, cpuset: "0-1,3", pids: 64, ioRead: 10, ioWrite: 20 },
        workdir: "/srv",
        user: "www-data:33",
        mounts: [
            { mode: "cow", source: "/usr", target: "/usr" },
            { mode: "ro", source: "/a:b,c\\d", target: "/x y" },
        ],
        interactive: true,
        terminal: { rows: 24, columns: 80 },
        autoRemove: true,
        env: { SECRET: "x" },
        command: ["/bin/sh", "--help"],
    });
    assert.deepEqual(args, [
        ...MINIMAL_ARGS,
        ...["--memory", "104857600", "--cpu-quota", "50000", "--cpuset", "0-1,3", "--pids", "64"],
        ...["--io-read", "10", "--io-write", "20"],
        ...["--workdir", "/srv", "--user", "www-data:33"],
        ...["--mount", "cow", "/usr", "/usr", "--mount", "ro", "/a:b,c\\d", "/x y"],
        ...["--interactive", "--tty", "--rows", "24", "--cols", "80", "--auto-remove"],
        ...["--", "/bin/sh", "--help"],
    ]);
    assert.deepEqual(env, { SECRET: "x" });
    assert.ok(!args.some((each) => each.includes("SECRET")));
});

test("the smallest share of a core is the kernel's smallest quota", () => {
    const { args } = startInvocation({ ...MINIMAL, limits: { cpu: 0.01 } });
    assert.equal(args[args.indexOf("--cpu-quota") + 1], "1000");
});

const TARGET = ["--pid", "42", "--start-time", "1000", "--boot-id", "b00t"];

test("a stop names the container's process and its monitor by start time", () => {
    assert.deepEqual(stopInvocation(ID, PROCESS, 10_000).args, [
        ...["stop", "--status-fd", "3", "--id", ID, ...TARGET],
        ...["--monitor-pid", "41", "--monitor-start-time", "999", "--grace-ms", "10000"],
    ]);
});

test("a kill names the process and the signal", () => {
    assert.deepEqual(killInvocation(ID, PROCESS, 9).args, [
        ...["kill", "--status-fd", "3", "--id", ID, ...TARGET, "--signal", "9"],
    ]);
});

test("removals name directories", () => {
    assert.deepEqual(removeInvocation(ID, "/s", "/r").args, [
        ...["remove", "--status-fd", "3", "--id", ID, "--state-dir", "/s", "--run-dir", "/r"],
    ]);
    assert.deepEqual(removeTreeInvocation("/t").args, [
        ...["remove-tree", "--status-fd", "3", "--path", "/t"],
    ]);
});

test("an enter has its command after everything else", () => {
    const options = {
        id: ID,
        process: PROCESS,
        terminal: { rows: 50, columns: 132 },
        workdir: "/",
        user: "0",
        trace: true,
        env: { A: "b" },
        command: ["sh", "-c", "--", "x"],
    };
    assert.deepEqual(enterInvocation(options), {
        program: "ns_enter",
        args: [
            ...["--status-fd", "3", "--control-fd", "5", "--id", ID, ...TARGET, "--env-fd", "4"],
            ...["--tty", "--rows", "50", "--cols", "132", "--workdir", "/", "--user", "0"],
            ...["--trace", "--", "sh", "-c", "--", "x"],
        ],
        env: { A: "b" },
    });
});
