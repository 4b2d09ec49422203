/** Logs and figures of real containers. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { afterEach, suite, test } from "node:test";
import { CancellationTokenSource } from "vscode-jsonrpc";
import {
    AcknowledgeNotification,
    ErrorCode,
    LogProgress,
    LogsRequest,
    StartRequest,
    StatsNotification,
    StatsSubscribeRequest,
    StatsUnsubscribeRequest,
    StatusRequest,
    StopRequest,
    WINDOW_BYTES,
    type LogLine,
    type StatsSample,
    type Usage,
} from "../../server/protocol";
import { eventually } from "../support/fixtures";
import { ask, refusedWith } from "./client";
import { useServer } from "./useServer";

const server = useServer();

afterEach(async () => {
    for (const { id } of await server.list()) {
        await server.remove(id);
    }
});

let logsCount = 0;

/** A request for a log on its way. */
function logs(container: string, more: { tail?: number; follow?: boolean } = {}) {
    const token = `logs ${logsCount++}`;
    const lines: LogLine[] = [];
    const cancel = new CancellationTokenSource();
    const state = { acknowledges: true, bytes: 0 };
    const acknowledge = (bytes: number) =>
        server.connection.sendNotification(AcknowledgeNotification, { token, bytes });
    const progress = server.connection.onProgress(LogProgress, token, (some) => {
        lines.push(...some);
        const bytes = some.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
        state.bytes += bytes;
        if (state.acknowledges) {
            void acknowledge(bytes);
        }
    });
    const ended = server.connection
        .sendRequest(LogsRequest, { container, token, ...more }, cancel.token)
        .finally(() => progress.dispose());
    ended.catch(() => undefined);
    const texts = () => lines.map(({ text }) => text);
    const saw = (text: string) => eventually(() => texts().includes(text), `"${text}" in the log`);
    return { lines, texts, saw, ended, state, acknowledge, cancel: () => cancel.cancel() };
}

suite("the log", () => {
    test("has times, streams and texts of what a stopped container wrote", async () => {
        const id = await server.runScript("echo out; echo é >&2; printf unfinished");
        await server.whenEnded(id);
        const log = logs(id);
        await log.ended;
        const byStream = (stream: string) =>
            log.lines.filter((line) => line.stream === stream).map(({ text }) => text);
        assert.deepEqual(byStream("stdout"), ["out", "unfinished"]);
        assert.deepEqual(byStream("stderr"), ["é"]);
        assert.match(log.lines[0]!.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
        assert.equal(
            log.lines.at(-1)!.text === "unfinished" ? log.lines.at(-1)!.partial : true,
            true,
        );
    });

    test("has its last lines only when they are asked for", async () => {
        const id = await server.runScript("seq 1 10000");
        await server.whenEnded(id);
        const log = logs(id, { tail: 3 });
        await log.ended;
        assert.deepEqual(log.texts(), ["9998", "9999", "10000"]);
    });

    test("is followed until the container ends", async () => {
        const id = await server.runScript("echo first; sleep 0.5; echo last");
        const log = logs(id, { follow: true });
        await log.saw("first");
        await log.ended;
        assert.deepEqual(log.texts(), ["first", "last"]);
    });

    test("is followed until the request is cancelled", async () => {
        const id = await server.runScript("while :; do echo tick; sleep 0.05; done");
        const log = logs(id, { follow: true, tail: 0 });
        await log.saw("tick");
        log.cancel();
        await assert.rejects(log.ended, { code: -32800 });
    });

    test("of a stopped container ends at once when it is followed", async () => {
        const id = await server.runScript("echo done");
        await server.whenEnded(id);
        const log = logs(id, { follow: true });
        await log.ended;
        assert.deepEqual(log.texts(), ["done"]);
    });

    test("goes on after the container was started again", async () => {
        const id = await server.runScript("echo run; sleep 1000");
        await eventually(async () => {
            const log = logs(id);
            await log.ended;
            return log.texts().length === 1;
        }, "the first run to write");
        await server.connection.sendRequest(StopRequest, { container: id, graceSeconds: 0 });
        await server.connection.sendRequest(StartRequest, { container: id });
        const log = logs(id, { follow: true });
        await eventually(() => log.texts().length === 2, "both runs in the log");
        log.cancel();
        await log.ended.catch(() => undefined);
        assert.deepEqual(log.texts(), ["run", "run"]);
    });

    test("is followed over its rotation, and kept within its bound", async () => {
        // About 24 MB in the log, which keeps 16 MiB in two files.
        const id = await server.runScript(
            "sleep 0.3; i=0; while [ $i -lt 40 ]; do seq 1 10000; i=$((i+1)); done",
        );
        const log = logs(id, { follow: true });
        await log.ended;
        const texts = log.texts();
        const lost = texts.findIndex((text, i) => text !== String((i % 10_000) + 1));
        // A follower may only lose lines when the log turned around under it.
        assert.ok(
            lost === -1 ? texts.length === 400_000 : texts.length > 200_000,
            `${texts.length}`,
        );
        assert.equal(texts.at(-1), "10000");
    });

    test("stops at the window when it is not acknowledged, and goes on when it is", async () => {
        const line = "x".repeat(100);
        const id = await server.runScript(`yes ${line} | head -n 50000`);
        await server.whenEnded(id);
        const log = logs(id);
        log.state.acknowledges = false;
        await eventually(() => log.state.bytes >= WINDOW_BYTES, "a window of lines");
        const { bytes } = log.state;
        assert.ok(bytes < WINDOW_BYTES + 128 * 1024, `${bytes}`);
        log.state.acknowledges = true;
        await log.acknowledge(bytes);
        await log.ended;
        assert.equal(log.lines.filter(({ partial }) => !partial).length, 50_000);
    });

    test("of a container that is not there is refused", async () => {
        await assert.rejects(logs("nobody").ended, refusedWith(ErrorCode.NotFound, /nobody/));
    });
});

/** Usage of one container in every sample until the last one suffices. */
async function sampled(id: string, intervalMs: number, enough: (usage: Usage[]) => boolean) {
    const samples: StatsSample[] = [];
    const usage = () => samples.flatMap((sample) => sample.usage[id] ?? []);
    const listener = server.connection.onNotification(StatsNotification, (sample) => {
        samples.push(sample);
    });
    await server.connection.sendRequest(StatsSubscribeRequest, { intervalMs });
    await eventually(() => enough(usage()), "samples that suffice", 30_000);
    await ask(server.connection, StatsUnsubscribeRequest);
    listener.dispose();
    return { samples, usage: usage() };
}

suite("samples", () => {
    test("show what a limit of 0.2 cores leaves of a command that spins", async () => {
        const id = await server.runScript("while :; do :; done", { limits: { cpu: 0.2 } });
        const { usage } = await sampled(id, 500, (all) => all.length >= 7);
        assert.equal(usage[0]!.cpu, undefined);
        const rates = usage.slice(1).map(({ cpu }) => cpu!);
        const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
        assert.ok(mean > 0.12 && mean < 0.26, rates.join(" "));
        assert.ok(usage.at(-1)!.throttledUsec! > 0);
        assert.ok(usage.at(-1)!.cpuUsageUsec! > usage[0]!.cpuUsageUsec!);
    });

    test("show the memory that a command holds, of its limit, and the peak", async () => {
        const limit = 64 * 1024 * 1024;
        const held = 32 * 1024 * 1024;
        const id = await server.runScript(
            `head -c ${held} /dev/zero | { tail -c ${held}; sleep 1000; } | sleep 1000`,
            {
                limits: { memory: limit, pids: 50 },
            },
        );
        const { usage } = await sampled(id, 250, (all) => (all.at(-1)?.memory ?? 0) > held);
        const last = usage.at(-1)!;
        assert.ok(last.memory! < limit, `${last.memory}`);
        assert.equal(last.memoryLimit, limit);
        assert.ok(last.memoryPeak! >= last.memory!);
        assert.equal(last.pidsLimit, 50);
        assert.ok(last.pids! >= 3 && last.pids! < 10, `${last.pids}`);
    });

    test("show bytes written to the disk, where the host counts them", async () => {
        const write = "dd if=/dev/zero of=/f bs=1M count=8 conv=fsync; touch /done; sleep 1000";
        const id = await server.runScript(write);
        const done = `${server.roots.stateDir}/containers/${id}/upper/done`;
        // Not the sample that is seen then, which may be from before: the one after it.
        let since = 0;
        const { usage } = await sampled(id, 250, (all) => {
            since ||= existsSync(done) ? all.length : 0;
            return since > 0 && all.length > since;
        });
        const { ioReadBytes, ioWriteBytes } = usage.at(-1)!;
        if (server.deps.cgroups.controllers.io === "v2") {
            assert.ok(ioWriteBytes! >= 8 * 1024 * 1024, `${ioWriteBytes}`);
        } else {
            // Newer kernels count for v1 only while io is throttled: then it is not known, and not 0.
            assert.notEqual(ioWriteBytes, 0);
            assert.equal(ioReadBytes === undefined, ioWriteBytes === undefined);
        }
    });

    test("have all that run and none that do not, and the computer they run on", async () => {
        const [one, two] = [
            await server.runScript("sleep 1000"),
            await server.runScript("sleep 1000"),
        ];
        const before = await sampled(two, 250, (all) => all.length >= 2);
        assert.deepEqual(Object.keys(before.samples.at(-1)!.usage).sort(), [one, two].sort());
        assert.ok(before.samples[0]!.host.cpus >= 1 && before.samples[0]!.host.memory > 1e8);
        await server.connection.sendRequest(StopRequest, { container: two, graceSeconds: 0 });
        const rest = await sampled(one, 250, (all) => all.length >= 2);
        assert.deepEqual(Object.keys(rest.samples.at(-1)!.usage), [one]);
    });

    test("are not wanted more often than four times a second", async () => {
        await assert.rejects(
            server.connection.sendRequest(StatsSubscribeRequest, { intervalMs: 10 }),
            refusedWith(ErrorCode.Invalid, /intervalMs/, { field: "intervalMs" }),
        );
    });
});

suite("the status", () => {
    test("has a rate without a sampler", async () => {
        const id = await server.runScript("while :; do :; done", { limits: { cpu: 0.5 } });
        const { usage } = await server.connection.sendRequest(StatusRequest, { container: id });
        assert.ok(usage?.cpu !== undefined && usage.cpu >= 0 && usage.cpu < 1.5, `${usage?.cpu}`);
    });
});
