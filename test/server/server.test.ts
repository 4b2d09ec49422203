import assert from "node:assert/strict";
import { duplexPair } from "node:stream";
import { afterEach, beforeEach, test } from "node:test";
import * as protocol from "../../server/protocol";
import {
    BackendInfoRequest,
    BackendLogNotification,
    BackendShutdownRequest,
    ErrorCode,
    ListRequest,
    PROTOCOL_VERSION,
    RemoveRequest,
    RunRequest,
    StartRequest,
    StopRequest,
} from "../../server/protocol";
import type { Deps } from "../../server/deps";
import { startServer } from "../../server/server";
import { notifications, requests } from "../../server/table";
import { openLink } from "../../server/transport";
import { eventually, temporaryRoots, type TemporaryRoots } from "../support/fixtures";
import { ask, connectLocally, depsFor, greet, refusedWith, type LocalClient } from "./client";

let roots: TemporaryRoots;
let deps: Deps;
let client: LocalClient;

beforeEach(async () => {
    roots = await temporaryRoots();
    deps = depsFor(roots);
    client = connectLocally(deps);
});

afterEach(async () => {
    client.close();
    deps.changes.dispose();
    await roots.dispose();
});

test("initialize answers with what the server is", async () => {
    const { capabilities } = await greet(client.connection);
    assert.deepEqual(capabilities.experimental, {
        protocolVersion: PROTOCOL_VERSION,
        version: "1.2.3",
        pid: process.pid,
    });
    assert.equal(capabilities.textDocumentSync, 0);
});

test("a client of another version of the protocol is refused, and told why", async () => {
    await assert.rejects(
        greet(client.connection, { protocolVersion: PROTOCOL_VERSION + 1 }),
        refusedWith(ErrorCode.Unsupported, /version 2 of the protocol, this backend version 1/),
    );
    await assert.rejects(ask(client.connection, ListRequest), { code: -32002 });
});

test("a hello that is none is refused", async () => {
    await assert.rejects(
        greet(client.connection, { client: 3 as unknown as string }),
        refusedWith(ErrorCode.Invalid, /client/, { field: "client" }),
    );
});

test("nothing is answered before initialize", async () => {
    await assert.rejects(ask(client.connection, BackendInfoRequest), { code: -32002 });
    await assert.rejects(ask(client.connection, RunRequest, {}), { code: -32002 });
});

test("a method that does not exist is refused as JSON-RPC says", async () => {
    await greet(client.connection);
    await assert.rejects(ask(client.connection, { method: "container/dance" }), { code: -32601 });
});

test("parameters by position, of another type or missing are refused by name", async () => {
    await greet(client.connection);
    for (const params of [["web"], undefined, { container: 3 }, {}]) {
        await assert.rejects(ask(client.connection, StartRequest, params), (error) => {
            return refusedWith(ErrorCode.Invalid, /container|params/)(error);
        });
    }
});

test("an unknown container is NotFound for every verb", async () => {
    await greet(client.connection);
    for (const { method } of requests.filter(({ method }) => method.startsWith("container/"))) {
        if (["container/run", "container/list"].includes(method)) {
            continue;
        }
        const extra: Record<string, object> = {
            "container/rename": { name: "new" },
            "container/update": { limits: { pids: 5 } },
            "container/exec": { command: ["true"], token: "t" },
            "container/attach": { token: "t" },
            "container/logs": { token: "t" },
        };
        await assert.rejects(
            ask(client.connection, { method }, { container: "nobody", ...extra[method] }),
            refusedWith(ErrorCode.NotFound, /There is no container "nobody"/),
            method,
        );
    }
});

test("the backend tells about itself", async () => {
    await greet(client.connection);
    const info = await client.connection.sendRequest(BackendInfoRequest);
    assert.equal(info.pid, process.pid);
    assert.equal(info.stateDirectory, roots.stateDir);
    assert.ok(["v1", "v2", "hybrid"].includes(info.cgroups));
    assert.ok("memory" in info.controllers);
});

test("a shutdown is answered before it happens", async () => {
    client.close();
    let asked = 0;
    deps = depsFor(roots, { shutdown: () => (asked += 1) });
    client = connectLocally(deps);
    await greet(client.connection);
    await ask(client.connection, BackendShutdownRequest);
    assert.equal(asked, 1);
});

test("what changes something is logged for all clients, without values of variables", async () => {
    const other = connectLocally(deps);
    await greet(other.connection);
    const messages: string[] = [];
    other.connection.onNotification(BackendLogNotification, ({ message }) => {
        messages.push(message);
    });
    await greet(client.connection, { client: "vscode\u001b[31m\n" });
    const spec = { rootfs: { kind: "imported", name: "none" }, env: { TOKEN: "hunter2" } };
    await assert.rejects(ask(client.connection, RunRequest, spec));
    await assert.rejects(ask(client.connection, StopRequest, { container: "nobody" }));
    await ask(client.connection, ListRequest);
    await eventually(() => messages.some((each) => each.includes("container/stop")), "logged");
    other.close();
    const run = messages.find((each) => each.includes("container/run"))!;
    assert.match(run, /^vscode\\u001b\[31m\\u000a#\d+ container\/run .*TOKEN.*: \w+: /);
    assert.ok(!messages.some((each) => /hunter2|\p{Cc}|container\/list/u.test(each)));
});

test("a client that goes while its request is under way harms nobody", async () => {
    await greet(client.connection);
    const other = connectLocally(deps);
    await greet(other.connection);
    ask(other.connection, ListRequest).catch(() => undefined);
    other.close();
    await eventually(() => other.served.client.gone.aborted, "the connection ended");
    await other.served.settled();
    assert.deepEqual(await ask(client.connection, ListRequest), []);
});

test("a client that goes while its request is under way is no error of the backend", async () => {
    await greet(client.connection);
    const messages: string[] = [];
    deps.log.onEntry(({ level, message }) => messages.push(`${level} ${message}`));
    deps.store.create = () =>
        new Promise((_, reject) => {
            client.close();
            setImmediate(() => reject(new Error("The client has gone.")));
        });
    ask(client.connection, RunRequest, {}).catch(() => undefined);
    await eventually(() => messages.some((each) => each.endsWith("disconnected")), "the end");
    await client.served.settled();
    assert.deepEqual(
        messages.filter((each) => !each.startsWith("info")),
        [],
    );
});

test("garbage ends its own connection and no other", async () => {
    await greet(client.connection);
    const [ours, theirs] = duplexPair();
    const errors: string[] = [];
    const { client: bad } = startServer(
        openLink(theirs, (error) => errors.push(error.message)),
        deps,
    );
    ours.write("GET / HTTP/1.1\r\n\r\n");
    await eventually(() => bad.gone.aborted, "the connection ended");
    assert.equal(errors.length, 1);
    ours.destroy();
    assert.deepEqual(await ask(client.connection, ListRequest), []);
});

test("a cancellation without an id does not end the server", async () => {
    await greet(client.connection);
    const other = connectLocally(deps);
    await greet(other.connection);
    // Not awaited: the other end goes while it reads this.
    void other.connection.sendNotification("$/cancelRequest", { id: null });
    await eventually(() => other.served.client.gone.aborted, "the connection ended");
    other.close();
    assert.deepEqual(await ask(client.connection, ListRequest), []);
});

test("LSP's exit ends the connection it came on", async () => {
    await greet(client.connection);
    const other = connectLocally(deps);
    await greet(other.connection);
    await ask(other.connection, { method: "shutdown" });
    void other.connection.sendNotification("exit");
    await eventually(() => other.served.client.gone.aborted, "the connection ended");
    other.close();
    assert.deepEqual(await ask(client.connection, ListRequest), []);
});

/** Methods in the protocol of one kind, by the direction that their comments tell. */
function methodsOf(kind: "Request" | "Notification"): string[] {
    const types = Object.entries(protocol).filter(([name]) => name.endsWith(kind));
    return types.map(([, type]) => (type as { method: string }).method).sort();
}

test("every request of the protocol has a handler, and nothing else has", () => {
    assert.deepEqual(requests.map(({ method }) => method).sort(), methodsOf("Request"));
});

test("every notification that a client sends has a handler", () => {
    const pushed = [
        protocol.DidChangeNotification,
        protocol.StatsNotification,
        protocol.SessionStartedNotification,
        protocol.InputAcknowledgeNotification,
        protocol.BackendLogNotification,
    ].map(({ method }) => method);
    assert.deepEqual(
        notifications.map(({ method }) => method).sort(),
        methodsOf("Notification").filter((method) => !pushed.includes(method)),
    );
});

test("every request that changes something is logged", () => {
    const looks = ["list", "inspect", "status", "changes", "logs", "info", "doctor", "subscribe"];
    for (const { method, audit } of requests) {
        const looking = looks.some((verb) => method.endsWith(verb));
        assert.equal(audit === undefined, looking, method);
    }
    assert.ok(requests.some(({ method }) => method === RemoveRequest.method));
});
