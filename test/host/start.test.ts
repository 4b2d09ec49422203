import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import * as vscode from "vscode";
import { endOutdated } from "../../extension/client";
import { Connection } from "../../extension/connection";
import { BackendInfoRequest } from "../../server/protocol";
import { eventually } from "../support/eventually";
import { killBackend, log, SOCKET, stateOf, stopBackend } from "./backends";

describe("the backend's commands, for root", () => {
    /** Another client, as another window would be. */
    let other: Connection;

    beforeEach(async () => {
        await stopBackend();
        other = new Connection(SOCKET, log);
        await vscode.commands.executeCommand("myContainerManager.startBackend");
        await stateOf(other, "connected");
    });

    afterEach(async () => {
        await vscode.commands.executeCommand("myContainerManager.stopBackend");
        other.dispose();
    });

    async function pid(): Promise<number> {
        return (await other.request(BackendInfoRequest)).pid;
    }

    it("start one without asking for anything", async () => {
        const info = await other.request(BackendInfoRequest);
        assert.equal(info.servesUid, 0);
        assert.equal(info.clients, 2);
    });

    it("use the one that runs", async () => {
        const before = await pid();
        await vscode.commands.executeCommand("myContainerManager.startBackend");
        assert.equal(await pid(), before);
    });

    it("stop it for every window", async () => {
        await vscode.commands.executeCommand("myContainerManager.stopBackend");
        await stateOf(other, "disconnected");
        assert.equal(existsSync(SOCKET), false);
    });

    it("restart it", async () => {
        const before = await pid();
        await vscode.commands.executeCommand("myContainerManager.restartBackend");
        await stateOf(other, "connected");
        assert.notEqual(await pid(), before);
    });

    it("end one of another version first", async () => {
        const info = await other.request(BackendInfoRequest);
        // What a client of another version meets: its initialize is refused, its request is not.
        await endOutdated(SOCKET);
        await stateOf(other, "disconnected");
        await vscode.commands.executeCommand("myContainerManager.startBackend");
        await stateOf(other, "connected");
        assert.notEqual(await pid(), info.pid);
    });

    it("are not needed when it died: it is started again", async () => {
        const before = await pid();
        await killBackend(other);
        await eventually(async () => (await pid()) !== before, "there is another backend");
    });
});
