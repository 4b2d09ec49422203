/** The Containers view: what is in it, and when which of its rows are drawn again. */
import * as vscode from "vscode";
import type { ContainerId, ContainerSummary } from "../../server/protocol";
import type { ContainerModel, ModelChange } from "../model";
import { onDidChangeSettings, SECTION, settings } from "../settings";
import { type Grouping, groupOf, matches, type Order, sorted } from "./arrange";
import { setContext } from "./contexts";
import { type Detail, detailRows } from "./details";
import { Drawn } from "./drawn";
import { containerHover, containerItem, detailItem, groupItem, rowOf } from "./items";
import { type DetailNode, type Node, nodeId, Nodes } from "./nodes";
import { Throttle } from "./throttle";

/** How the view is arranged; kept per workspace. */
export interface Arrangement {
    filter: string;
    order: Order;
    grouping: Grouping;
}

const VIEW_ID = `${SECTION}.containers`;
const ARRANGEMENT_KEY = "arrangement";
/** Milliseconds between two redraws because of new figures. */
const REDRAW_INTERVAL = 1000;
/** A row keeps still for so many milliseconds after its hover came up: drawing it closes that. */
const HOVER_HOLD = 6000;

export class ContainersView implements vscode.TreeDataProvider<Node>, vscode.Disposable {
    private readonly changeEmitter = new vscode.EventEmitter<Node[] | undefined>();
    private readonly nodes = new Nodes();
    private readonly drawn = new Drawn();
    private readonly expanded = new Set<ContainerId>();
    private readonly redraw = new Throttle(REDRAW_INTERVAL, () => this.drawFigures());
    private readonly tree: vscode.TreeView<Node>;
    private readonly disposables: vscode.Disposable;
    private hovered: { id: ContainerId; until: number } | undefined;
    private arrangement: Arrangement;

    readonly onDidChangeTreeData = this.changeEmitter.event;

    constructor(
        private readonly model: ContainerModel,
        private readonly memory: vscode.Memento,
    ) {
        this.arrangement = {
            filter: "",
            order: "name",
            grouping: "none",
            ...memory.get<Partial<Arrangement>>(ARRANGEMENT_KEY),
        };
        this.tree = vscode.window.createTreeView<Node>(VIEW_ID, {
            treeDataProvider: this,
            canSelectMany: true,
            showCollapseAll: true,
        });
        this.disposables = vscode.Disposable.from(
            this.tree,
            this.changeEmitter,
            this.redraw,
            model.onDidChange((change) => this.modelChanged(change)),
            model.onDidSample(() => this.redraw.request()),
            this.tree.onDidChangeVisibility(() => this.visibilityChanged()),
            this.tree.onDidExpandElement(({ element }) => this.setExpanded(element, true)),
            this.tree.onDidCollapseElement(({ element }) => this.setExpanded(element, false)),
            onDidChangeSettings(() => this.visibilityChanged()),
        );
        this.visibilityChanged();
        this.describe();
    }

    dispose(): void {
        this.disposables.dispose();
    }

    get arranged(): Readonly<Arrangement> {
        return this.arrangement;
    }

    /** Arranges the view differently, and remembers it for this workspace. */
    arrange(changes: Partial<Arrangement>): void {
        this.arrangement = { ...this.arrangement, ...changes };
        void this.memory.update(ARRANGEMENT_KEY, this.arrangement);
        this.drawAll();
    }

    /** The containers whose rows are selected. */
    get selection(): ContainerSummary[] {
        return this.containersOf(this.tree.selection);
    }

    /** The containers that these nodes stand for. */
    containersOf(nodes: readonly Node[]): ContainerSummary[] {
        return nodes
            .filter((node) => node.kind === "container")
            .map((node) => this.model.get(node.id))
            .filter((container) => container !== undefined);
    }

    /** What a row below a container says, unless the container is gone. */
    detailOf({ container, key }: DetailNode): Detail | undefined {
        return this.details(container).find((detail) => detail.key === key);
    }

    /** Selects the container's row, when the view is on screen and shows it. */
    async reveal(id: ContainerId): Promise<void> {
        const container = this.model.get(id);
        if (this.tree.visible && container && matches(container, this.arrangement.filter)) {
            await this.tree.reveal(this.nodes.get({ kind: "container", id }), { select: true });
        }
    }

    getChildren(parent?: Node): Node[] {
        switch (parent?.kind) {
            case undefined:
                return this.roots();
            case "group":
                return this.members(parent.key).map(({ id }) =>
                    this.nodes.get({ kind: "container", id }),
                );
            case "container":
                return this.details(parent.id).map(({ key }) =>
                    this.nodes.get({ kind: "detail", container: parent.id, key }),
                );
            case "detail":
                return [];
        }
    }

    getParent(node: Node): Node | undefined {
        switch (node.kind) {
            case "group":
                return undefined;
            case "container": {
                const container = this.model.get(node.id);
                const key = container && this.groupKey(container);
                return key === undefined ? undefined : this.nodes.get({ kind: "group", key });
            }
            case "detail":
                return this.nodes.get({ kind: "container", id: node.container });
        }
    }

    getTreeItem(node: Node): vscode.TreeItem {
        const usage = node.kind === "container" ? this.model.usage(node.id) : undefined;
        this.drawn.set(nodeId(node), this.textOf(node), usage);
        const item = this.itemOf(node);
        item.id = nodeId(node);
        return item;
    }

    /** Called when a hover is about to show. */
    resolveTreeItem(item: vscode.TreeItem, node: Node): vscode.TreeItem {
        const container = node.kind === "container" ? this.model.get(node.id) : undefined;
        if (container !== undefined) {
            this.hovered = { id: container.id, until: Date.now() + HOVER_HOLD };
            item.tooltip = containerHover(this.model, container);
        }
        return item;
    }

    private itemOf(node: Node): vscode.TreeItem {
        switch (node.kind) {
            case "container": {
                const container = this.model.get(node.id);
                // One that went meanwhile is not in the list that VS Code is about to ask for.
                return container
                    ? containerItem(rowOf(this.model, container))
                    : new vscode.TreeItem(node.id);
            }
            case "group": {
                const members = this.members(node.key).length;
                return groupItem(node.key, this.arrangement.grouping, members);
            }
            case "detail": {
                const detail = this.detailOf(node);
                return detail ? detailItem(detail) : new vscode.TreeItem(node.key);
            }
        }
    }

    private roots(): Node[] {
        const shown = this.shown();
        if (this.arrangement.grouping === "none") {
            return shown.map(({ id }) => this.nodes.get({ kind: "container", id }));
        }
        const keys = new Set(shown.map((container) => this.groupKey(container) ?? ""));
        return [...keys].map((key) => this.nodes.get({ kind: "group", key }));
    }

    private shown(): ContainerSummary[] {
        const { filter, order } = this.arrangement;
        const found = this.model.all.filter((container) => matches(container, filter));
        return sorted(found, order, (id) => this.model.usage(id));
    }

    private members(key: string): ContainerSummary[] {
        return this.shown().filter((container) => this.groupKey(container) === key);
    }

    private groupKey(container: ContainerSummary): string | undefined {
        const { grouping } = this.arrangement;
        return grouping === "none" ? undefined : groupOf(container, grouping);
    }

    private details(id: ContainerId): Detail[] {
        const container = this.model.get(id);
        return container === undefined ? [] : detailRows(container, this.model.history(id));
    }

    /** Everything that a row shows, to be compared. */
    private textOf(node: Node): string {
        switch (node.kind) {
            case "container": {
                const container = this.model.get(node.id);
                return container ? JSON.stringify(rowOf(this.model, container)) : "";
            }
            case "detail":
                return JSON.stringify(this.detailOf(node));
            case "group":
                return node.key;
        }
    }

    private modelChanged({ changed, structure }: ModelChange): void {
        if (structure) {
            this.drawAll();
        } else {
            this.drawRows(changed.map((id) => this.nodes.get({ kind: "container", id })));
        }
    }

    private drawAll(): void {
        this.nodes.keep((node) => this.isKnown(node));
        this.drawn.clear();
        this.describe();
        this.changeEmitter.fire(undefined);
    }

    private isKnown(node: Node): boolean {
        switch (node.kind) {
            case "container":
                return this.model.get(node.id) !== undefined;
            case "detail":
                return this.model.get(node.container) !== undefined;
            case "group":
                return true;
        }
    }

    private drawFigures(): void {
        if (!this.tree.visible) {
            return;
        }
        const { order } = this.arrangement;
        if (order === "cpu" || order === "memory") {
            // Rows may have moved.
            this.changeEmitter.fire(undefined);
            return;
        }
        const ids = Object.keys(this.model.sample?.usage ?? {});
        this.drawRows(
            ids.flatMap((id) => {
                const node = this.nodes.get({ kind: "container", id });
                if (this.hasMoved(id)) {
                    return [node];
                }
                return this.expanded.has(id) ? this.getChildren(node) : [];
            }),
        );
    }

    /** Whether the figures in a container's row are to be drawn again. */
    private hasMoved(id: ContainerId): boolean {
        const isHeld = this.hovered?.id === id && this.hovered.until > Date.now();
        if (isHeld && this.drawn.hasFigures(id)) {
            return false;
        }
        const usage = this.model.usage(id);
        return usage !== undefined && this.drawn.hasMoved(id, usage);
    }

    /** Draws again those of the rows that were drawn and would say something else now. */
    private drawRows(nodes: readonly Node[]): void {
        const changed = nodes.filter((node) => this.drawn.differs(nodeId(node), this.textOf(node)));
        if (changed.length > 0 && this.tree.visible) {
            this.changeEmitter.fire(changed);
        }
    }

    private visibilityChanged(): void {
        const { visible } = this.tree;
        this.model.wantSamples(VIEW_ID, visible ? settings().sampleInterval : undefined);
        if (visible) {
            this.drawAll();
        }
    }

    private setExpanded(node: Node, expanded: boolean): void {
        if (node.kind === "container") {
            this.expanded[expanded ? "add" : "delete"](node.id);
        }
    }

    /** What stands beside the view's title, its badge, and what its welcome texts depend on. */
    private describe(): void {
        const { all, loaded } = this.model;
        const { filter } = this.arrangement;
        const running = all.filter((container) => container.state.kind === "running").length;
        const shown = filter === "" ? all.length : this.shown().length;
        const matching =
            filter === ""
                ? undefined
                : vscode.l10n.t("{0} of {1} match “{2}”", shown, all.length, filter);
        this.tree.description = matching;
        // VS Code shows no welcome text beside a message.
        this.tree.message = shown > 0 ? matching : undefined;
        this.tree.badge =
            running === 0
                ? undefined
                : { value: running, tooltip: vscode.l10n.t("{0} running", running) };
        const list = all.length === 0 ? "empty" : shown === 0 ? "filtered" : "some";
        setContext("list", loaded ? list : "unknown");
        setContext("filtered", filter !== "");
    }
}
