import assert from "node:assert/strict";
import * as vscode from "vscode";
import { Connection } from "../../extension/connection";
import { Logs } from "../../extension/logs/logs";
import { ContainerModel } from "../../extension/model";
import { type ContainerSummary, StartRequest } from "../../server/protocol";
import { eventually } from "../support/eventually";
import {
    log,
    removeContainer,
    runContainer,
    SOCKET,
    startBackend,
    stateOf,
    stopBackend,
} from "./backends";

/** Writes a line in red, and then what it finds in /more, which the test has no way to write. */
const SCRIPT = "printf '\\033[31mred\\033[0m line\\n'; echo broken >&2; sleep 1; echo last";

describe("a container's log", () => {
    let connection: Connection;
    let model: ContainerModel;
    let logs: Logs;
    let container: ContainerSummary | undefined;

    beforeEach(async () => {
        await startBackend();
        connection = new Connection(SOCKET, log);
        await stateOf(connection, "connected");
        model = new ContainerModel(connection);
        logs = new Logs(connection, model);
    });

    afterEach(async () => {
        await vscode.commands.executeCommand("workbench.action.closeAllEditors");
        logs.dispose();
        model.dispose();
        await removeContainer(connection, container);
        container = undefined;
        connection.dispose();
        await stopBackend();
    });

    async function show(script: string): Promise<vscode.TextDocument> {
        container = await runContainer(connection, script);
        await logs.showLogs(container);
        const document = vscode.window.activeTextEditor?.document;
        assert.ok(document);
        return document;
    }

    async function shows(document: vscode.TextDocument, text: string): Promise<void> {
        await eventually(
            () => document.getText() === text,
            `the document is ${JSON.stringify(text)}, not ${JSON.stringify(document.getText())}`,
        );
    }

    it("is a plain document named after the container, which goes on", async () => {
        const document = await show(SCRIPT);
        assert.equal(document.uri.path, `/${container!.name}.log`);
        assert.equal(document.languageId, "log");
        await shows(document, "red line\nbroken\nlast\n");
    });

    it("cannot be changed", async () => {
        const document = await show("echo text");
        await shows(document, "text\n");
        await vscode.commands.executeCommand("type", { text: "x" });
        assert.equal(document.getText(), "text\n");
        assert.equal(document.isDirty, false);
    });

    it("says that there is nothing yet", async () => {
        const document = await show("sleep 1000");
        await shows(document, "This container has written nothing.");
    });

    it("goes on when the container is started again", async () => {
        const document = await show("echo started");
        await shows(document, "started\n");
        await eventually(
            () => model.get(container!.id)?.state.kind === "exited",
            "the model knows that it has ended",
        );
        await connection.request(StartRequest, { container: container!.id });
        await shows(document, "started\nstarted\n");
    });

    it("shows the end while it grows, unless something else is looked at", async () => {
        const document = await show("for i in $(seq 400); do echo line $i; sleep 0.01; done");
        const editor = vscode.window.activeTextEditor!;
        await eventually(() => document.lineCount >= 400, "all lines are there");
        await eventually(
            () => (editor.visibleRanges.at(-1)?.end.line ?? 0) >= 399,
            "the last line is visible",
        );
    });
});
