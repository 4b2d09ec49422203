/** What tests of requests share: a server in this process with directories of its own, a client. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { after, afterEach, before, beforeEach } from "node:test";
import type { MessageConnection } from "vscode-jsonrpc";
import type { Deps } from "../../server/deps";
import {
    ListRequest,
    RemoveRequest,
    RunRequest,
    StatusRequest,
    type ContainerSpec,
    type ContainerSummary,
} from "../../server/protocol";
import {
    busyboxRootfs,
    eventually,
    temporaryRoots,
    type TemporaryRoots,
} from "../support/fixtures";
import { askFor, connectLocally, depsFor, greet, type LocalClient } from "./client";

interface Opened {
    roots: TemporaryRoots;
    deps: Deps;
    client: LocalClient;
}

export class UsedServer {
    /** Undefined until the tests begin. */
    #opened: Opened | undefined;

    get #parts(): Opened {
        assert.ok(this.#opened, "the server is there only while a test runs");
        return this.#opened;
    }

    get roots(): TemporaryRoots {
        return this.#parts.roots;
    }

    get deps(): Deps {
        return this.#parts.deps;
    }

    get client(): LocalClient {
        return this.#parts.client;
    }

    /** The client's, which has said hello. */
    get connection(): MessageConnection {
        return this.client.connection;
    }

    async open(): Promise<void> {
        const roots = await temporaryRoots();
        const deps = depsFor(roots);
        const client = connectLocally(deps);
        this.#opened = { roots, deps, client };
        await greet(client.connection);
    }

    /** Removes the containers that there are and checks that nothing is left. */
    async close(): Promise<void> {
        for (const { id } of await this.list()) {
            await this.remove(id);
        }
        try {
            // One that removed itself gives up its name and its ids a moment later.
            await eventually(() => this.leftovers().length === 0, "nothing is left").catch(
                () => undefined,
            );
            assert.deepEqual(this.leftovers(), []);
        } finally {
            this.client.close();
            this.deps.changes.dispose();
            this.deps.sampler.dispose();
            await this.roots.dispose();
        }
    }

    /** Names of what should be gone when there are no containers. */
    leftovers(): string[] {
        const { stateDir, runDir } = this.roots;
        return ["containers", "claims"]
            .flatMap((name) => [path.join(stateDir, name), path.join(runDir, name)])
            .flatMap((directory) => (existsSync(directory) ? readdirSync(directory) : []));
    }

    list(): Promise<ContainerSummary[]> {
        return askFor(this.connection, ListRequest);
    }

    /** With busybox as root file system, unless the test has another. */
    async specOf(spec: ContainerSpec): Promise<ContainerSpec> {
        return { rootfs: { kind: "directory", path: await busyboxRootfs() }, ...spec };
    }

    /** Runs a container made of {@link specOf}. */
    async run(spec: ContainerSpec = {}): Promise<ContainerSummary> {
        return this.connection.sendRequest(RunRequest, await this.specOf(spec));
    }

    /** Runs a script in a container, and returns that one's id. */
    async runScript(script: string, more: ContainerSpec = {}): Promise<string> {
        const { id } = await this.run({ command: ["/bin/sh", "-c", script], ...more });
        return id;
    }

    async remove(container: string): Promise<void> {
        await this.connection.sendRequest(RemoveRequest, { container, force: true });
    }

    async whenEnded(container: string): Promise<void> {
        await eventually(async () => {
            const { state } = await this.connection.sendRequest(StatusRequest, { container });
            return state.kind === "exited";
        }, "the container to end");
    }
}

/**
 * @param scope Whether the tests of a file share a server, or each has one of its own.
 * @param prepare Called once the server is there.
 */
export function useServer(
    scope: "file" | "test" = "file",
    prepare: () => Promise<void> = () => Promise.resolve(),
): UsedServer {
    const used = new UsedServer();
    (scope === "file" ? before : beforeEach)(async () => {
        await used.open();
        await prepare();
    });
    (scope === "file" ? after : afterEach)(() => used.close());
    return used;
}
