import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { backendFields } from "../../server/cli/backend";
import {
    formatAgo,
    formatBytes,
    formatCommand,
    formatCpuTime,
    formatState,
} from "../../server/cli/format";
import { logText } from "../../server/cli/logs";
import { rootfsTable } from "../../server/cli/rootfs";
import { listTable, statusFields } from "../../server/cli/show";
import { statsLine, statsTable } from "../../server/cli/stats";
import { formatFields, formatTable, shorten } from "../../server/cli/table";
import { printable, printableLine } from "../../server/cli/text";
import type { ContainerStatus, ContainerSummary, ExitRecord } from "../../server/protocol";

const NOW = Date.parse("2026-03-01T12:00:00Z");
const MIB = 2 ** 20;

const exit: ExitRecord = {
    exitCode: null,
    signal: "SIGKILL",
    oomKilled: true,
    startedAt: "2026-03-01T11:00:00Z",
    finishedAt: "2026-03-01T11:59:00Z",
    memoryPeak: 100 * MIB,
    cpuUsageUsec: 1_500_000,
};

function container(more: Partial<ContainerSummary>): ContainerSummary {
    return {
        id: "0123456789ab",
        name: "brave-otter",
        rootfs: { kind: "host" },
        command: ["/bin/sh"],
        limits: {},
        createdAt: "2026-03-01T11:58:00Z",
        tty: false,
        interactive: false,
        state: { kind: "running", pid: 4711, startedAt: "2026-03-01T11:58:00Z" },
        ...more,
    };
}

suite("figures", () => {
    test("bytes have three figures at most and binary units", () => {
        const sizes = [0, 512, 1000, 1536, 100 * MIB, 1.5 * 2 ** 30, 2 ** 60];
        const texts = ["0 B", "512 B", "1 KiB", "1.5 KiB", "100 MiB", "1.5 GiB", "1024 PiB"];
        assert.deepEqual(sizes.map(formatBytes), texts);
    });

    test("times are told in their largest unit", () => {
        const ago = (seconds: number): string =>
            formatAgo(new Date(NOW - seconds * 1000).toISOString(), NOW);
        assert.deepEqual([0, 1, 59, 60, 120, 3600, 90000, 86400 * 13, 86400 * 800].map(ago), [
            "just now",
            "1 second ago",
            "59 seconds ago",
            "1 minute ago",
            "2 minutes ago",
            "1 hour ago",
            "1 day ago",
            "1 week ago",
            "2 years ago",
        ]);
        assert.equal(ago(-5), "just now");
        assert.equal(formatAgo("?", NOW), "?");
    });

    test("cpu time is exact while it is short", () => {
        assert.deepEqual([350_000, 125e6].map(formatCpuTime), ["0.35 s", "2 minutes"]);
    });

    test("a state says how a container ended", () => {
        assert.equal(formatState({ kind: "lost" }), "lost");
        assert.equal(formatState({ kind: "exited", exit }), "exited (SIGKILL, out of memory)");
        const failed = { ...exit, exitCode: 3, signal: null, oomKilled: false };
        assert.equal(formatState({ kind: "exited", exit: failed }), "exited (3)");
    });

    test("a command is quoted where a shell would need it", () => {
        assert.equal(formatCommand(["sh", "-c", "it's", ""]), "sh -c 'it'\\''s' ''");
    });
});

suite("text that came from a container", () => {
    test("loses its escape sequences and control characters", () => {
        assert.equal(printable("a\x1b[31mred\x1b[0m\x1b]0;title\x07b\r\nc\x9b2Jd"), "aredb cd");
        assert.equal(printable("user\u202egpj.exe"), "user gpj.exe");
    });

    test("keeps its tabs and indentation in a log line", () => {
        assert.equal(printableLine("  a\tb\x07\x1b[2J\r"), "  a\tb");
    });

    test("stays as it is in a log that goes to a file, and a part of a line is not ended", () => {
        const line = { time: "", stream: "stdout", text: "\x1b[1mx" } as const;
        assert.equal(logText(line, false), "\x1b[1mx\n");
        assert.equal(logText({ ...line, partial: true }, true), "x");
    });
});

suite("tables", () => {
    test("align what is wide, what is narrow and what is empty", () => {
        const columns = [{ heading: "NAME" }, { heading: "N", align: "right" }] as const;
        assert.equal(
            formatTable(columns, [
                ["容器", "1"],
                ["é", "100"],
                ["", "2"],
            ]),
            "NAME    N\n容器    1\né     100\n-       2\n",
        );
    });

    test("let no cell break out of its row", () => {
        const table = formatTable([{ heading: "A" }], [["x\ny\x1b[2J\tz"]]);
        assert.equal(table, "A\nx y z\n");
        assert.equal(
            formatFields([
                ["A", "x\ny"],
                ["Bc", undefined],
            ]),
            "A:  x y\n",
        );
    });

    test("cut between characters as people see them", () => {
        assert.equal(shorten("short", 5), "short");
        assert.equal(shorten("longer", 5), "long…");
        assert.equal(shorten("👩‍👩‍👧a👩‍👩‍👧b", 3), "👩‍👩‍👧a…");
    });
});

suite("what the commands print", () => {
    test("list shows a row for each container, whatever its state", () => {
        const rows = [
            container({ limits: { memory: 100 * MIB, cpu: 0.5 } }),
            container({
                name: "db",
                state: {
                    kind: "exited",
                    exit: { ...exit, exitCode: 0, signal: null, oomKilled: false },
                },
                rootfs: { kind: "imported", name: "debian" },
                command: [],
            }),
            container({
                name: "x",
                state: { kind: "broken", reason: "config.json: no JSON" },
                rootfs: undefined,
                createdAt: "",
                command: [],
            }),
            container({
                name: "y",
                state: { kind: "created" },
                rootfs: { kind: "directory", path: "/srv/x" },
                command: ["sh", "-c", "a very long command line that goes on and on"],
            }),
        ];
        assert.equal(
            listTable(rows, NOW),
            [
                "CONTAINER ID  NAME         STATUS       PID  LIMITS                   ROOTFS  CREATED        COMMAND",
                "0123456789ab  brave-otter  running     4711  memory 100 MiB, cpu 0.5  host    2 minutes ago  /bin/sh",
                "0123456789ab  db           exited (0)     -  -                        debian  2 minutes ago  -",
                "0123456789ab  x            broken         -  -                        -       -              -",
                "0123456789ab  y            created        -  -                        /srv/x  2 minutes ago  sh -c 'a very long command line that go…",
                "",
            ].join("\n"),
        );
    });

    test("status of a running container shows usage of limits", () => {
        const status: ContainerStatus = {
            ...container({ limits: { memory: 100 * MIB, cpu: 0.5, pids: 256, ioRead: 10 * MIB } }),
            usage: {
                time: NOW,
                cpu: 0.257,
                cpuUsageUsec: 350_000,
                memory: 1.5 * MIB,
                memoryLimit: 100 * MIB,
                memoryPeak: 3 * MIB,
                pids: 2,
                pidsLimit: 256,
                throttledUsec: 2_500_000,
                cpuPeriods: 30,
                throttledPeriods: 25,
                ioReadBytes: MIB,
                ioWriteBytes: 0,
                pressure: { cpu: { some: 12.4 }, memory: { some: 0, full: 0 } },
            },
        };
        assert.equal(
            statusFields(status, NOW),
            [
                "Container:      0123456789ab",
                "Name:           brave-otter",
                "Status:         running",
                "PID:            4711",
                "Started:        2 minutes ago",
                "Memory:         1.5 MiB of 100 MiB (1.5%)",
                "Memory peak:    3 MiB",
                "CPU:            25.7% of one core, limit 0.5 cores",
                "CPU time:       0.35 s",
                "CPU throttled:  2.50 s, in 25 of 30 periods",
                "PIDs:           2 of 256",
                "Disk I/O:       1 MiB read, 0 B written",
                "Disk limits:    read 10 MiB/s",
                "Pressure:       cpu 12%, memory 0%",
                "Rootfs:         host",
                "Command:        /bin/sh",
                "Created:        2 minutes ago",
                "",
            ].join("\n"),
        );
    });

    test("status of an ended container shows how it ended and its limits", () => {
        const text = statusFields(
            container({ state: { kind: "exited", exit }, limits: { memory: 100 * MIB } }),
            NOW,
        );
        assert.match(text, /^Status: +exited \(SIGKILL, out of memory\)$/m);
        assert.match(text, /^Finished: +1 minute ago$/m);
        assert.match(text, /^Memory: +limit 100 MiB$/m);
        assert.match(text, /^Memory peak: +100 MiB$/m);
        assert.doesNotMatch(text, /^(PID|Started|Disk I\/O):/m);
    });

    test("stats shows figures, and a dash for one that the host cannot give", () => {
        const sample = {
            time: NOW,
            usage: {
                "0123456789ab": {
                    time: NOW,
                    cpu: 1.5,
                    throttledUsec: 2_500_000,
                    memory: 50 * MIB,
                    memoryLimit: 100 * MIB,
                    memoryPeak: 60 * MIB,
                    pressure: { cpu: { some: 12.4 }, io: { some: 0, full: 0 } },
                },
                fedcba987654: { time: NOW, pids: 3, ioReadBytes: 4096, ioWriteBytes: 0 },
            },
            host: { cpus: 2, memory: 2 ** 33 },
        };
        const names = new Map([
            ["0123456789ab", "web"],
            ["fedcba987654", "db"],
        ]);
        assert.equal(
            statsTable(sample, names),
            [
                "CONTAINER ID  NAME     CPU  THROTTLED  MEMORY    LIMIT    MEM    PEAK  PIDS  DISK READ  WRITTEN  PRESSURE",
                "fedcba987654  db         -          -       -        -      -       -     3      4 KiB      0 B  -",
                "0123456789ab  web   150.0%     2.50 s  50 MiB  100 MiB  50.0%  60 MiB     -          -        -  12/-/0",
                "",
            ].join("\n"),
        );
        const line = statsLine(sample, names);
        assert.equal(line.indexOf("\n"), line.length - 1);
        assert.deepEqual(JSON.parse(line), {
            time: NOW,
            host: sample.host,
            containers: [
                { id: "fedcba987654", name: "db", ...sample.usage.fedcba987654 },
                { id: "0123456789ab", name: "web", ...sample.usage["0123456789ab"] },
            ],
        });
    });

    test("rootfs list shows who uses one", () => {
        const info = {
            name: "debian",
            size: 120 * MIB,
            importedAt: "2026-02-28T12:00:00Z",
            source: "/srv/debian",
            usedBy: ["web", "db"],
        };
        assert.equal(
            rootfsTable([info], NOW),
            "NAME       SIZE  IMPORTED   USED BY  SOURCE\n" +
                "debian  120 MiB  1 day ago  web, db  /srv/debian\n",
        );
    });

    test("backend info shows where each controller is", () => {
        const text = backendFields(
            {
                protocolVersion: 1,
                version: "0.1.0",
                pid: 1,
                servesUid: 1000,
                startedAt: "2026-03-01T11:58:00Z",
                clients: 2,
                kernel: "6.18",
                cgroups: "hybrid",
                controllers: { memory: "v1", io: "absent" },
                stateDirectory: "/var/lib/my-container-manager",
                runDirectory: "/run/my-container-manager",
                log: "",
            },
            NOW,
        );
        assert.match(text, /^Controllers: +memory v1, io absent$/m);
        assert.doesNotMatch(text, /^Log:/m);
    });
});
