/** Attaching to a container's command: input, output, terminal; and what its log keeps. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { eventually } from "../support/fixtures";
import { hasEnded, testContainer, type Container } from "./executor";

const INPUT = 0;
const RESIZE = 1;
const END = 2;
const KIB = 1024;

/** One connection to attach.sock. */
class Attached {
    stdout = "";
    stderr = "";
    /** The monitor told the end. */
    told = false;
    /** The monitor closed the connection. */
    closed = false;
    /** It goes once it was told the end, as clients do. */
    leaves = true;
    private rest = Buffer.alloc(0);

    constructor(readonly socket: Socket) {
        socket.on("data", (data) => this.take(data));
        socket.on("close", () => (this.closed = true));
    }

    private take(data: Buffer): void {
        this.rest = Buffer.concat([this.rest, data]);
        while (this.rest.length >= 3 && this.rest.length >= 3 + this.rest.readUInt16BE(1)) {
            const payload = this.rest.subarray(3, 3 + this.rest.readUInt16BE(1));
            if (this.rest[0] === 0) {
                this.stdout += payload.toString("latin1");
            } else if (this.rest[0] === 1) {
                this.stderr += payload.toString("latin1");
            } else {
                this.told = true;
                // The monitor waits for it.
                if (this.leaves) {
                    this.socket.end();
                }
            }
            this.rest = this.rest.subarray(3 + payload.length);
        }
    }

    send(type: number, payload: string | Buffer = ""): void {
        const data = Buffer.from(payload);
        const header = Buffer.from([type, data.length >> 8, data.length & 0xff]);
        this.socket.write(Buffer.concat([header, data]));
    }

    async until(wanted: string): Promise<void> {
        await eventually(() => this.stdout.includes(wanted), `output ${wanted}: ${this.stdout}`);
    }

    async untilEnded(): Promise<void> {
        await eventually(() => this.told, "the end was told");
    }
}

async function attach(t: TestContext, container: Container): Promise<Attached> {
    const socket = createConnection(join(container.runDir, "attach.sock"));
    t.after(() => socket.destroy());
    await once(socket, "connect");
    return new Attached(socket);
}

function children(pid: number): number[] {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
        .split(" ")
        .filter((child) => child !== "")
        .map(Number);
}

function commandOf(pid: number): string {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
}

// ------------------------------------------------------------------------------- input and output

test("a shell works through an attached connection, which closes once the end is recorded", async (t) => {
    const container = await testContainer(t);
    const running = await container.start(["/bin/sh"]);
    const attached = await attach(t, container);
    attached.send(INPUT, "echo out; echo err >&2\n");
    await attached.until("out\n");
    await eventually(() => attached.stderr === "err\n", "stderr");
    attached.send(INPUT, "exit 5\n");
    await attached.untilEnded();
    const record = JSON.parse(readFileSync(join(container.stateDir, "exit.json"), "utf8")) as {
        exitCode: number;
    };
    assert.equal(record.exitCode, 5);
    await container.ended(running);
});

test("a shell stays alive without anybody attached, and input ends when a client says so", async (t) => {
    const container = await testContainer(t);
    const running = await container.start(["/bin/cat"]);
    const first = await attach(t, container);
    first.send(INPUT, "one\n");
    await first.until("one\n");
    first.socket.end();
    const second = await attach(t, container);
    second.send(INPUT, "two\n");
    await second.until("two\n");
    assert.equal(second.stdout, "two\n");
    second.send(END);
    await second.untilEnded();
    assert.equal((await container.ended(running)).exitCode, 0);
});

test("every client gets all output", async (t) => {
    const container = await testContainer(t);
    await container.start(["/bin/cat"]);
    const clients = [await attach(t, container), await attach(t, container)];
    clients[0]?.send(INPUT, "to all\n");
    await Promise.all(clients.map((client) => client.until("to all\n")));
});

test("input of any size arrives whole, byte for byte, also when it comes in small pieces", async (t) => {
    const container = await testContainer(t);
    await container.start(["/bin/sh", "-c", "sleep 0.3; exec md5sum"]);
    const attached = await attach(t, container);
    const data = Buffer.alloc(3 * 65535, "0123456789abcdefghi\0\xff\n", "latin1");
    for (let i = 0; i < data.length; i += 65535) {
        attached.send(INPUT, data.subarray(i, i + 65535));
    }
    for (const byte of Buffer.concat([Buffer.from([INPUT, 0, 3]), Buffer.from("abc")])) {
        attached.socket.write(Buffer.from([byte]));
    }
    attached.send(END);
    await attached.untilEnded();
    const sum = createHash("md5").update(data).update("abc").digest("hex");
    assert.equal(attached.stdout, `${sum}  -\n`);
});

test("frames of an unknown type are passed over", async (t) => {
    const container = await testContainer(t);
    await container.start(["/bin/cat"]);
    const attached = await attach(t, container);
    attached.send(99, "what is this");
    attached.send(RESIZE, "12345678");
    attached.send(INPUT, "still here\n");
    await attached.until("still here\n");
    assert.equal(attached.stdout, "still here\n");
});

test("who attaches to an interactive container sees its recent output first", async (t) => {
    const container = await testContainer(t);
    const running = await container.start(
        ["/bin/sh", "-c", "head -c 200000 /dev/zero | tr '\\0' x; echo; echo last; exec cat"],
        { flags: ["--interactive"] },
    );
    await eventually(() => container.logLines().some((line) => line.endsWith(" last")), "logged");
    const attached = await attach(t, container);
    await attached.until("last\n");
    assert.ok(attached.stdout.length <= 64 * KIB, String(attached.stdout.length));
    assert.ok(attached.stdout.length >= 40 * KIB, String(attached.stdout.length));
    await container.stop(running);
});

test("who attaches to any other container sees what comes from then on", async (t) => {
    const container = await testContainer(t);
    await container.start(["/bin/sh", "-c", "echo before; exec cat"]);
    await eventually(() => container.logLines().length === 1, "logged");
    const attached = await attach(t, container);
    attached.send(INPUT, "after\n");
    await attached.until("after\n");
    assert.equal(attached.stdout, "after\n");
});

// --------------------------------------------------------------------------------------- terminal

test("a terminal takes keystrokes, Ctrl-C, sizes and the end of input", async (t) => {
    const container = await testContainer(t);
    const running = await container.start(["/bin/sh"], {
        flags: ["--interactive", "--tty", "--rows", "10", "--cols", "40"],
    });
    const attached = await attach(t, container);
    await attached.until("#");
    attached.send(INPUT, "stty size\r");
    await attached.until("10 40\r\n");
    attached.send(RESIZE, Buffer.from([0, 50, 1, 44]));
    attached.send(INPUT, "stty size\r");
    await attached.until("50 300\r\n");
    attached.send(INPUT, "sleep 1000\r");
    await attached.until("sleep 1000\r\n");
    const [shell] = children(running.pid);
    assert.ok(shell !== undefined);
    await eventually(() => children(shell).some((pid) => commandOf(pid) === "sleep"), "it sleeps");
    attached.send(INPUT, "\x03");
    await attached.until("^C");
    attached.send(INPUT, "echo $((40 + 2)) $?\r");
    await attached.until("42 130\r\n");
    attached.send(END);
    await attached.untilEnded();
    assert.equal((await container.ended(running)).exitCode, 0);
});

// -------------------------------------------------------------------------------------------- log

test("the log has a line for each line, with time, stream and whether it is whole", async (t) => {
    const container = await testContainer(t);
    await container.run(["/bin/sh", "-c", "echo one; echo two >&2; printf 'no newline'"]);
    const lines = container.logLines();
    for (const line of lines) {
        assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z (stdout|stderr) [FP] /);
    }
    assert.deepEqual(lines.map((line) => line.slice(28)).sort(), [
        "stderr F two",
        "stdout F one",
        "stdout P no newline",
    ]);
});

test("a flood is bounded in the log, goes on, and its last lines are there", async (t) => {
    const container = await testContainer(t);
    const bound = 256 * KIB;
    const { exit } = await container.run(
        ["/bin/sh", "-c", "yes flood | head -n 200000; echo the end"],
        { flags: ["--log-max", String(bound)] },
    );
    assert.equal(exit.exitCode, 0);
    const size = ["log", "log.1"]
        .map((name) => statSync(join(container.stateDir, name)).size)
        .reduce((sum, each) => sum + each);
    assert.ok(size <= bound, String(size));
    assert.ok(size > bound / 3, String(size));
    assert.match(container.logLines().at(-1) ?? "", / stdout F the end$/);
});

test("a client that reads in fits and starts gets both floods of output whole, and stays heard", async (t) => {
    const size = 4096 * KIB;
    const container = await testContainer(t);
    await container.start([
        ...["/bin/sh", "-c"],
        `read start; yes o | head -c ${size} & yes e | head -c ${size} >&2 & wait; exec cat`,
    ]);
    const attached = await attach(t, container);
    attached.send(INPUT, "start\n");
    for (let round = 0; round < 100; round++) {
        attached.socket.pause();
        await setTimeout(10);
        attached.socket.resume();
        await setTimeout(round % 4);
    }
    await eventually(
        () => attached.closed || attached.stdout.length + attached.stderr.length >= 2 * size,
        "all output",
    );
    assert.ok(attached.stdout === "o\n".repeat(size / 2), "stdout came whole");
    assert.ok(attached.stderr === "e\n".repeat(size / 2), "stderr came whole");
    attached.send(INPUT, "still heard\n");
    await attached.until("still heard\n");
});

test("a client that reads nothing holds output up for a while and not for good", async (t) => {
    const container = await testContainer(t);
    const running = await container.start([
        "/bin/sh",
        "-c",
        "read go; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo finished",
    ]);
    const slow = await attach(t, container);
    slow.socket.pause();
    slow.send(INPUT, "go\n");
    await eventually(() => container.logLines().length > 0, "output has begun");
    assert.equal(
        container.logLines().some((line) => line.endsWith(" finished")),
        false,
    );
    await eventually(
        () => container.logLines().some((line) => line.endsWith(" finished")),
        "the slow client was dropped",
    );
    assert.equal((await container.ended(running)).exitCode, 0);
});

test("a client that reads nothing keeps the next start waiting, and not in vain", async (t) => {
    const container = await testContainer(t);
    const running = await container.start([
        "/bin/sh",
        "-c",
        "read go; head -c 2000000 /dev/zero; echo $?",
    ]);
    const slow = await attach(t, container);
    slow.socket.pause();
    slow.send(INPUT, "go\n");
    await eventually(() => container.logLines().length > 0, "output has begun");
    await container.stop(running, "--grace-ms", "0");
    const again = await container.start();
    assert.notEqual(again.pid, running.pid);
});

test("the monitor stays until who is attached has seen the recorded end, whatever they send", async (t) => {
    const container = await testContainer(t);
    const running = await container.start(["/bin/sh", "-c", "read go; echo bye; exit 3"]);
    const client = await attach(t, container);
    client.leaves = false;
    client.send(INPUT, "go\n");
    await client.untilEnded();
    const record = readFileSync(join(container.stateDir, "exit.json"), "utf8");
    assert.equal((JSON.parse(record) as { exitCode: number }).exitCode, 3);
    client.send(INPUT, Buffer.alloc(60 * KIB));
    client.send(INPUT, Buffer.alloc(60 * KIB));
    assert.equal(hasEnded(running.monitorPid), false);
    assert.equal(client.stdout, "bye\n");
    client.socket.end();
    await eventually(() => hasEnded(running.monitorPid), "the monitor ended");
});

test("an interactive container that is to be removed waits for its first client, and then goes", async (t) => {
    const container = await testContainer(t);
    const flags = ["--interactive", "--auto-remove"];
    const running = await container.start(["/bin/sh", "-c", "echo quick"], { flags });
    await eventually(() => hasEnded(running.pid), "the command ended");
    const late = await attach(t, container);
    await late.untilEnded();
    assert.equal(late.stdout, "quick\n");
    await eventually(() => hasEnded(running.monitorPid), "the monitor ended");
    assert.equal(existsSync(container.stateDir), false);
});

test("a client that goes away in the middle of a frame disturbs nobody", async (t) => {
    const container = await testContainer(t);
    await container.start(["/bin/cat"]);
    const rude = await attach(t, container);
    rude.socket.write(Buffer.from([INPUT, 0, 100, 65]));
    rude.socket.destroy();
    const other = await attach(t, container);
    other.send(INPUT, "fine\n");
    await other.until("fine\n");
});

test("nobody but root can attach", async (t) => {
    const container = await testContainer(t);
    await container.start();
    for (const path of [container.runDir, join(container.runDir, "attach.sock")]) {
        const { mode, uid } = statSync(path);
        assert.deepEqual([mode & 0o077, uid], [0, 0], path);
    }
});
