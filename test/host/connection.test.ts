import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { dirname } from "node:path";
import { BackendUnavailable, Connection, type ConnectionState } from "../../extension/connection";
import {
    BackendInfoRequest,
    BackendLogNotification,
    ListRequest,
    StopRequest,
} from "../../server/protocol";
import { eventually } from "../support/eventually";
import { killBackend, log, SOCKET, startBackend, stateOf, stopBackend } from "./backends";

describe("the connection to the backend", () => {
    let connection: Connection;
    let states: ConnectionState[];

    beforeEach(async () => {
        await stopBackend();
        connection = new Connection(SOCKET, log);
        states = [];
        connection.onDidChangeState((state) => states.push(state));
    });

    afterEach(async () => {
        connection.dispose();
        await stopBackend();
    });

    it("is refused without a word when there is no backend", async () => {
        assert.equal(await connection.connect(), false);
        assert.equal(connection.state, "disconnected");
        assert.deepEqual(states, []);
        await assert.rejects(connection.request(ListRequest), BackendUnavailable);
    });

    it("finds nobody where somebody hangs up before a word was said", async () => {
        await mkdir(dirname(SOCKET), { recursive: true });
        for (const hangUp of [
            (socket: Socket) => socket.destroy(),
            (socket: Socket) => socket.once("data", () => socket.end()),
        ]) {
            const server = createServer(hangUp).listen(SOCKET);
            await once(server, "listening");
            assert.deepEqual(await connection.knock(), { kind: "absent" });
            server.close();
            await once(server, "close");
        }
    });

    it("is made when a backend answers already", async () => {
        await startBackend();
        assert.equal(await connection.connect(), true);
        assert.equal(connection.state, "connected");
        const info = await connection.request(BackendInfoRequest);
        assert.equal(info.servesUid, 0);
        assert.deepEqual(await connection.request(ListRequest), []);
    });

    it("is made by itself when a backend appears", async () => {
        const connected = stateOf(connection, "connected");
        await startBackend();
        await connected;
        assert.deepEqual(states, ["connecting", "connected"]);
    });

    it("gives an error of the backend as it is", async () => {
        await startBackend();
        await stateOf(connection, "connected");
        await assert.rejects(
            connection.request(StopRequest, { container: "not-there" }),
            /not-there/,
        );
    });

    it("is lost with the backend and comes back with the next, as do its listeners", async () => {
        await startBackend();
        await stateOf(connection, "connected");
        const heard: string[] = [];
        connection.onNotification(BackendLogNotification, ({ message }) => heard.push(message));
        const lost = stateOf(connection, "disconnected");
        await killBackend(connection);
        await lost;
        assert.deepEqual(states.slice(-2), ["connecting", "disconnected"]);
        await assert.rejects(connection.request(ListRequest), BackendUnavailable);

        const back = stateOf(connection, "connected");
        await startBackend();
        await back;
        await assert.rejects(connection.request(StopRequest, { container: "not-there" }));
        await eventually(
            () => heard.some((message) => message.includes("not-there")),
            "the new backend's log is heard",
        );
    });

    it("tells each listener of a notification, until it does not listen any more", async () => {
        await startBackend();
        await stateOf(connection, "connected");
        const counts = [0, 0];
        const listeners = counts.map((_, index) =>
            connection.onNotification(BackendLogNotification, () => counts[index]!++),
        );
        const provoke = () =>
            assert.rejects(connection.request(StopRequest, { container: "not-there" }));
        await provoke();
        await eventually(() => counts[0] === 1 && counts[1] === 1, "both were told");
        listeners[0]!.dispose();
        await provoke();
        await eventually(() => counts[1] === 2, "the other was told");
        assert.equal(counts[0], 1);
    });
});
