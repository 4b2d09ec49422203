import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { suite, test } from "node:test";
import {
    ErrorCode,
    StartRequest,
    StopRequest,
    WINDOW_BYTES,
    type ContainerSpec,
} from "../../server/protocol";
import { eventually } from "../support/fixtures";
import { refusedWith } from "./client";
import { TestSession } from "./session";
import { useServer } from "./useServer";

const server = useServer();

const run = (script: string, more: ContainerSpec = {}): Promise<string> =>
    server.runScript(script, { interactive: true, ...more });

function attach(id: string, terminal?: { rows: number; columns: number }): TestSession {
    return TestSession.attach(server.connection, id, terminal);
}

/** Waits until the container has removed itself. */
async function gone(id: string): Promise<void> {
    await eventually(
        async () => (await server.list()).every((one) => one.id !== id),
        "the container to be removed",
    );
}

suite("attaching", () => {
    test("connects with the command: its output before and after, its input, its end", async () => {
        const id = await run("echo before; echo err >&2; read line; echo got $line; exit 6");
        const session = attach(id);
        await session.saw("before");
        await session.input("hello\n");
        assert.deepEqual(await session.ended, { exitCode: 6, signal: null, containerEnded: true });
        assert.equal(session.text, "before\ngot hello\n");
        assert.equal(session.errorText, "err\n");
        await server.remove(id);
    });

    test("ends the command's input when the client ends its own", async () => {
        const id = await run("cat; echo END");
        const session = attach(id);
        await session.input("text ");
        await session.inputEnd();
        assert.equal((await session.ended).exitCode, 0);
        assert.equal(session.text, "text END\n");
        await server.remove(id);
    });

    test("to a terminal sets its size, then and later", async () => {
        const id = await run("while read line; do stty size; done", { tty: true });
        const session = attach(id, { rows: 31, columns: 101 });
        await session.whenStarted();
        await session.input("\n");
        await session.saw("31 101");
        await session.resize(41, 121);
        await session.input("\n");
        await session.saw("41 121");
        await session.input("\x04");
        assert.equal((await session.ended).exitCode, 0);
        await server.remove(id);
    });

    test("is ended by cancelling, which only detaches", async () => {
        const id = await run("echo up; read line; exit 3");
        const first = attach(id);
        await first.saw("up");
        first.cancel();
        await assert.rejects(first.ended, { code: -32800 });
        const second = attach(id);
        await second.saw("up");
        await second.input("\n");
        assert.equal((await second.ended).exitCode, 3);
        await server.remove(id);
    });

    test("can be done by two at once, who both see everything", async () => {
        const id = await run("read line; echo got $line");
        const [one, two] = [attach(id), attach(id)];
        await Promise.all([one.whenStarted(), two.whenStarted()]);
        await one.input("x\n");
        await Promise.all([one.ended, two.ended]);
        assert.equal(one.text, "got x\n");
        assert.equal(two.text, "got x\n");
        await server.remove(id);
    });

    test("passes signals on to the command", async () => {
        const id = await run("trap 'echo got; exit 9' USR1; echo up; while :; do sleep 0.05; done");
        const session = attach(id);
        await session.saw("up");
        await session.signal("SIGUSR1");
        assert.equal((await session.ended).exitCode, 9);
        assert.equal(session.text, "up\ngot\n");
        await server.remove(id);
    });

    test("tells the signal that ended the command", async () => {
        const id = await run("kill -KILL $$");
        const session = attach(id);
        const { exitCode, signal, containerEnded } = await session.ended;
        // Init passes on how its command ended as 128+n, or by the signal's name.
        assert.ok(exitCode === 137 || signal === "SIGKILL", `${exitCode} ${signal}`);
        assert.equal(containerEnded, true);
        await server.remove(id);
    });

    test("to one that has ended gives its output and how it ended", async () => {
        const id = await run("echo out; echo err >&2; printf unfinished; exit 5");
        await server.whenEnded(id);
        const session = attach(id);
        assert.deepEqual(await session.ended, { exitCode: 5, signal: null, containerEnded: true });
        assert.equal(session.text, "out\nunfinished");
        assert.equal(session.errorText, "err\n");
        await server.remove(id);
    });

    test("to one that was started again and has ended gives the output of its last run", async () => {
        const id = await run("echo $(cat /n 2> /dev/null)x > /n; cat /n; read line");
        const saw = async (wanted: string) => {
            const look = attach(id);
            await look.saw(wanted);
            look.cancel();
            await look.ended.catch(() => undefined);
        };
        await saw("x");
        await server.connection.sendRequest(StopRequest, { container: id, graceSeconds: 0 });
        await server.connection.sendRequest(StartRequest, { container: id });
        await saw("xx");
        await server.connection.sendRequest(StopRequest, { container: id, graceSeconds: 0 });
        const session = attach(id);
        await session.ended;
        assert.equal(session.text, "xx\n");
        await server.remove(id);
    });

    test("stops at the window when output is not acknowledged, and the rest comes after", async () => {
        const id = await run("read line; seq 1 300000; echo END");
        const session = attach(id);
        await session.whenStarted();
        session.acknowledges = false;
        await session.input("\n");
        await eventually(() => session.received === WINDOW_BYTES, "a window of output");
        session.acknowledges = true;
        await session.acknowledge(session.unacknowledged);
        await session.ended;
        const expected = Array.from({ length: 300_000 }, (_, i) => `${i + 1}\n`).join("");
        assert.ok(session.text === `${expected}END\n`, `${session.text.length} bytes`);
        await server.remove(id);
    });

    test("knows the end of one that is removed with its end", async () => {
        const id = await run("read line; echo bye; exit 4", { autoRemove: true });
        const session = attach(id);
        await session.whenStarted();
        await session.input("\n");
        assert.deepEqual(await session.ended, { exitCode: 4, signal: null, containerEnded: true });
        assert.equal(session.text, "bye\n");
        await gone(id);
    });

    test("tells the end and all output, however much input nobody has read", async () => {
        const id = await run("read line; seq 1 20000; exit 4");
        const session = attach(id);
        await session.whenStarted();
        const sent = session.input("\n".repeat(3_000_000)).catch(() => undefined);
        assert.deepEqual(await session.ended, { exitCode: 4, signal: null, containerEnded: true });
        assert.match(session.text, /^1\n2\n[^]*\n20000\n$/);
        await sent;
        await server.remove(id);
    });

    test("knows the end of one that ends, and goes, between the look at it and the connection", async () => {
        const { store } = server.deps;
        const findHealthy = store.findHealthy.bind(store);
        store.findHealthy = async (reference) => {
            const found = await findHealthy(reference);
            assert.equal(found.state.kind, "running");
            await eventually(() => existsSync(found.paths.exit), "the recorded end");
            return found;
        };
        try {
            const id = await run("sleep 0.5; echo bye; exit 7", { autoRemove: true });
            const session = attach(id);
            const end = { exitCode: 7, signal: null, containerEnded: true };
            assert.deepEqual(await session.ended, end);
            assert.equal(session.text, "bye\n");
            await gone(id);
        } finally {
            store.findHealthy = findHealthy;
        }
    });

    test("is not too late for one that has ended and is to be removed", async () => {
        const id = await run("echo short; exit 2", { autoRemove: true });
        await server.whenEnded(id);
        const session = attach(id);
        assert.deepEqual(await session.ended, { exitCode: 2, signal: null, containerEnded: true });
        assert.equal(session.text, "short\n");
        await gone(id);
    });

    test("is refused for one that is not there", async () => {
        await assert.rejects(attach("nobody").ended, refusedWith(ErrorCode.NotFound, /nobody/));
    });
});
