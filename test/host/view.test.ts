import assert from "node:assert/strict";
import * as vscode from "vscode";
import { Connection } from "../../extension/connection";
import type { Api } from "../../extension/main";
import type { Node } from "../../extension/view/nodes";
import { type ContainerSummary, StopRequest } from "../../server/protocol";
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

const ID = "my-container-manager.my-container-manager";

/** The rows of the view, as VS Code asks for them. */
class Rows {
    constructor(private readonly tree: vscode.TreeDataProvider<Node>) {}

    async below(parent?: Node): Promise<{ node: Node; item: vscode.TreeItem }[]> {
        const nodes = (await this.tree.getChildren(parent)) ?? [];
        return Promise.all(
            nodes.map(async (node) => ({ node, item: await this.tree.getTreeItem(node) })),
        );
    }

    /** Waits for the container's row to be as `expected` says. */
    row(container: ContainerSummary, expected: (item: vscode.TreeItem) => boolean) {
        return eventually(async () => {
            const rows = await this.below();
            return rows.find(({ item }) => item.id === container.id && expected(item));
        }, `the row of ${container.name}`);
    }

    async hover(node: Node, item: vscode.TreeItem): Promise<string> {
        const { token } = new vscode.CancellationTokenSource();
        const resolved = await this.tree.resolveTreeItem?.(item, node, token);
        const tooltip = resolved?.tooltip;
        assert.ok(tooltip instanceof vscode.MarkdownString, "the hover is Markdown");
        return tooltip.value;
    }
}

function facets(item: vscode.TreeItem): string[] {
    return item.contextValue?.split(";") ?? [];
}

describe("the Containers view", () => {
    let connection: Connection;
    let rows: Rows;
    let container: ContainerSummary | undefined;

    before(async () => {
        const extension = vscode.extensions.getExtension<Api>(ID);
        assert.ok(extension, "the extension is not installed");
        rows = new Rows((await extension.activate()).tree);
    });

    beforeEach(async () => {
        await startBackend();
        connection = new Connection(SOCKET, log);
        await stateOf(connection, "connected");
    });

    afterEach(async () => {
        await removeContainer(connection, container);
        container = undefined;
        connection.dispose();
        await stopBackend();
    });

    it("shows a container that another client has run, with an id that stays", async () => {
        container = await runContainer(connection);
        const running = await rows.row(container, (item) => facets(item).includes("running"));
        assert.equal(running.item.label, container.name);
        await connection.request(StopRequest, { container: container.id, graceSeconds: 0 });
        const stopped = await rows.row(container, (item) => facets(item).includes("exited"));
        assert.equal(stopped.item.id, running.item.id);
        assert.equal(stopped.node, running.node, "VS Code knows the node again");
    });

    it("no longer shows one that is removed", async () => {
        container = await runContainer(connection);
        await rows.row(container, () => true);
        await removeContainer(connection, container);
        container = undefined;
        await eventually(async () => (await rows.below()).length === 0, "no row");
    });

    it("has nothing to show without a backend", async () => {
        container = await runContainer(connection);
        await rows.row(container, () => true);
        await stopBackend();
        await eventually(async () => (await rows.below()).length === 0, "no row");
        await startBackend();
        await stateOf(connection, "connected");
        await rows.row(container, (item) => facets(item).includes("running"));
    });

    it("says in words what a row says with icons", async () => {
        container = await runContainer(connection);
        const { item } = await rows.row(container, (row) => facets(row).includes("running"));
        const spoken = item.accessibilityInformation?.label ?? "";
        assert.ok(spoken.startsWith(`${container.name}, running`), spoken);
    });

    it("has details below a container, each with a value to copy", async () => {
        container = await runContainer(connection, "sleep 1000");
        const { node } = await rows.row(container, (row) => facets(row).includes("running"));
        const details = await rows.below(node);
        const values = new Map(details.map(({ item }) => [item.label, item]));
        assert.equal(values.get("ID")?.description, container.id);
        assert.equal(values.get("Command")?.description, "/bin/sh -c 'sleep 1000'");
        const command = details.find(({ item }) => item.label === "Command");
        await vscode.commands.executeCommand("myContainerManager.copyDetail", command?.node);
        assert.equal(await vscode.env.clipboard.readText(), "/bin/sh -c 'sleep 1000'");
    });

    it("escapes in its hover what a person has typed", async () => {
        const nasty = "echo '[x](command:workbench.action.quit) <b>'; sleep 1000";
        container = await runContainer(connection, nasty);
        const { node, item } = await rows.row(container, (row) => facets(row).includes("running"));
        const hover = await rows.hover(node, item);
        assert.ok(!hover.includes("[x](command:"), hover);
        assert.match(hover, /running&nbsp;for/);
    });

    it("pauses and resumes a container from its row", async () => {
        container = await runContainer(connection);
        const { node } = await rows.row(container, (row) => facets(row).includes("running"));
        await vscode.commands.executeCommand("myContainerManager.pause", node);
        const paused = await rows.row(container, (row) => facets(row).includes("paused"));
        assert.equal(paused.item.description, "paused");
        await vscode.commands.executeCommand("myContainerManager.resume", node);
        await rows.row(container, (row) => facets(row).includes("running"));
    });

    it("stops and starts a container from its row", async () => {
        container = await runContainer(connection);
        const { node } = await rows.row(container, (row) => facets(row).includes("running"));
        await vscode.commands.executeCommand("myContainerManager.stop", node);
        const stopped = await rows.row(container, (row) => facets(row).includes("exited"));
        await vscode.commands.executeCommand("myContainerManager.start", stopped.node, [
            stopped.node,
        ]);
        await rows.row(container, (row) => facets(row).includes("running"));
    });

    it("shows on a row what is being done to its container", async () => {
        // Init passes TERM on to a shell that does not care: stopping takes all of the grace.
        container = await runContainer(connection, "trap '' TERM; while :; do sleep 1; done");
        const { node } = await rows.row(container, (row) => facets(row).includes("running"));
        const stopped = vscode.commands.executeCommand("myContainerManager.stop", node);
        const { item } = await rows.row(container, (row) => facets(row).includes("busy"));
        assert.equal(item.description, "stopping…");
        await vscode.commands.executeCommand("myContainerManager.killNow", container.id);
        await stopped;
        await rows.row(container, (row) => facets(row).includes("exited"));
    });

    it("copies ids and names of all selected rows", async () => {
        container = await runContainer(connection);
        const { node } = await rows.row(container, () => true);
        await vscode.commands.executeCommand("myContainerManager.copyName", node, [node]);
        assert.equal(await vscode.env.clipboard.readText(), container.name);
        await vscode.commands.executeCommand("myContainerManager.copyId", container.id);
        assert.equal(await vscode.env.clipboard.readText(), container.id);
    });

    it("shows what is known of a container as a JSON document", async () => {
        container = await runContainer(connection);
        await rows.row(container, () => true);
        await vscode.commands.executeCommand("myContainerManager.inspect", container.id);
        const document = vscode.window.activeTextEditor?.document;
        assert.equal(document?.languageId, "json");
        const details = JSON.parse(document.getText()) as ContainerSummary;
        assert.equal(details.id, container.id);
        await vscode.commands.executeCommand("workbench.action.closeActiveEditor");
    });
});
