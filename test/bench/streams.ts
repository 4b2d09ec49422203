/**
 * Measures sessions as a client over a socket sees them: output throughput, the first byte of an
 * exec, the echo of a key, and what a flood that nobody reads costs the backend.
 * `node --import tsx test/bench/streams.ts`, as root.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AcknowledgeNotification, RemoveRequest, RunRequest } from "../../server/protocol";
import { startServer } from "../../server/server";
import { openLink } from "../../server/transport";
import { depsFor, greet, listen } from "../server/client";
import { TestSession } from "../server/session";
import {
    busyboxRootfs,
    eventually,
    temporaryRoots,
    type TemporaryRoots,
} from "../support/fixtures";

const THROUGHPUT_MIB = 1024;
const ROUNDS = 50;

/** What the backend's process has used. */
interface Cost {
    /** Seconds of cpu. */
    cpu: number;
    /** MiB of memory. */
    memory: number;
}

/** The backend's side, in a process of its own: says "ready", and its cost when it is asked. */
function serve(roots: TemporaryRoots, socket: string): void {
    const deps = depsFor(roots);
    const server = createServer((stream) => {
        startServer(
            openLink(stream, () => undefined),
            deps,
        );
    });
    server.listen(socket, () => process.send?.("ready"));
    process.on("message", () => {
        const { user, system } = process.cpuUsage();
        const memory = Math.round(process.memoryUsage.rss() / 1024 / 1024);
        process.send?.({ cpu: (user + system) / 1e6, memory } satisfies Cost);
    });
}

function percentiles(times: number[]): string {
    const sorted = [...times].sort((a, b) => a - b);
    const at = (part: number) => (sorted[Math.floor(sorted.length * part)] ?? NaN).toFixed(1);
    return `p50 ${at(0.5)} ms, p90 ${at(0.9)} ms`;
}

async function measure(): Promise<void> {
    const roots = await temporaryRoots();
    const socket = path.join(roots.runDir, "bench.sock");
    const backend = fork(__filename, [JSON.stringify(roots), socket], {
        execArgv: ["--import", "tsx"],
    });
    await once(backend, "message");
    const cost = async () => {
        backend.send("cost");
        const [used] = (await once(backend, "message")) as [Cost];
        return used;
    };
    const connection = listen(connect(socket));
    await greet(connection);
    const rootfs = { kind: "directory", path: await busyboxRootfs() } as const;
    const { id } = await connection.sendRequest(RunRequest, { rootfs, command: ["/bin/cat"] });
    const exec = (script: string, terminal?: { rows: number; columns: number }) =>
        TestSession.exec(connection, id, ["/bin/sh", "-c", script], { terminal });
    const say = (line: string) => void process.stdout.write(`${line}\n`);

    const idle = await cost();
    const began = performance.now();
    const flood = exec(`dd if=/dev/zero bs=1M count=${THROUGHPUT_MIB} 2> /dev/null`);
    flood.keeps = false;
    await flood.ended;
    const seconds = (performance.now() - began) / 1000;
    const cpu = (await cost()).cpu - idle.cpu;
    const megabytes = flood.received / 1e6;
    say(
        `throughput: ${(megabytes / seconds).toFixed(0)} MB/s, ` +
            `${(megabytes / cpu).toFixed(0)} MB for a second of the backend's cpu`,
    );

    const firsts: number[] = [];
    for (let i = 0; i < ROUNDS; i++) {
        const start = performance.now();
        const session = exec("echo x");
        while (session.received === 0) {
            await sleep(0);
        }
        firsts.push(performance.now() - start);
        await session.ended;
    }
    say(`request to first byte: ${percentiles(firsts)}`);

    const echoes: number[] = [];
    const shell = exec("cat", { rows: 24, columns: 80 });
    await shell.whenStarted();
    for (let i = 0; i < ROUNDS; i++) {
        const before = shell.received;
        const start = performance.now();
        await shell.input("x");
        while (shell.received === before) {
            await sleep(0);
        }
        echoes.push(performance.now() - start);
    }
    shell.cancel();
    await shell.ended.catch(() => undefined);
    say(`echo of a key: ${percentiles(echoes)}`);

    const ignored = exec("yes");
    ignored.acknowledges = false;
    ignored.keeps = false;
    await eventually(() => ignored.unacknowledged > 0, "output");
    await sleep(500);
    const before = await cost();
    await sleep(3000);
    const after = await cost();
    say(
        `a flood that nobody reads: ${before.memory} MiB, 3 s later ${after.memory} MiB, ` +
            `${((after.cpu - before.cpu) * 1000).toFixed(0)} ms of cpu`,
    );
    await connection.sendNotification(AcknowledgeNotification, { token: ignored.token, bytes: 1 });
    ignored.cancel();
    await ignored.ended.catch(() => undefined);

    await connection.sendRequest(RemoveRequest, { container: id, force: true });
    connection.dispose();
    backend.kill();
    await once(backend, "exit");
    await roots.dispose();
    process.exit(0);
}

const [, , rootsText, socketPath] = process.argv;
if (rootsText !== undefined && socketPath !== undefined) {
    serve(JSON.parse(rootsText) as TemporaryRoots, socketPath);
} else {
    void measure();
}
