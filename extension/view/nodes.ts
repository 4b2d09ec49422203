/** What the Containers view consists of. Knows nothing of VS Code. */
import type { ContainerId } from "../../server/protocol";

export interface ContainerNode {
    kind: "container";
    id: ContainerId;
}

export interface GroupNode {
    kind: "group";
    /** What its members have in common: a state, or the name of a root file system. */
    key: string;
}

/** A row below a container. */
export interface DetailNode {
    kind: "detail";
    container: ContainerId;
    key: string;
}

export type Node = ContainerNode | GroupNode | DetailNode;

/** Stable, whatever happens to the container. */
export function nodeId(node: Node): string {
    switch (node.kind) {
        case "container":
            return node.id;
        case "group":
            return `group/${node.key}`;
        case "detail":
            return `${node.container}/${node.key}`;
    }
}

/** Gives the same object for the same node again: VS Code knows nodes by identity. */
export class Nodes {
    private readonly known = new Map<string, Node>();

    get<T extends Node>(node: T): T {
        const id = nodeId(node);
        const known = this.known.get(id);
        if (known === undefined) {
            this.known.set(id, node);
        }
        return (known as T | undefined) ?? node;
    }

    /** Forgets the nodes that are not wanted any more. */
    keep(wanted: (node: Node) => boolean): void {
        for (const [id, node] of this.known) {
            if (!wanted(node)) {
                this.known.delete(id);
            }
        }
    }
}
