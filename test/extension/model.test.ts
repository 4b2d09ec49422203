/** The model of the containers, fed by a connection that the test plays. */
import assert from "node:assert/strict";
import { beforeEach, suite, test } from "node:test";
import { Emitter, type NotificationType } from "vscode-jsonrpc/node";
import {
    type ConnectionState,
    ContainerModel,
    HISTORY_LENGTH,
    type ModelChange,
    type Source,
} from "../../extension/model";
import {
    type ContainerSummary,
    DidChangeNotification,
    ListRequest,
    StatsNotification,
    StatsSubscribeRequest,
    StatsUnsubscribeRequest,
} from "../../server/protocol";
import { container, exited, usage } from "./examples";

/** A connection whose other end is the test. */
class Played implements Source {
    state: ConnectionState = "disconnected";
    readonly requests: { method: string; params: unknown }[] = [];
    private readonly stateEmitter = new Emitter<ConnectionState>();
    private readonly handlers = new Map<string, (params: never) => void>();
    private readonly lists: ((list: ContainerSummary[]) => void)[] = [];
    readonly onDidChangeState = this.stateEmitter.event;

    request<R>(type: { method: string }, params?: unknown): Promise<R> {
        this.requests.push({ method: type.method, params });
        return new Promise((resolve) => {
            if (type.method === ListRequest.method) {
                this.lists.push(resolve as (list: ContainerSummary[]) => void);
            } else {
                resolve(undefined as R);
            }
        });
    }

    onNotification<P>(type: NotificationType<P>, handler: (params: P) => void) {
        this.handlers.set(type.method, handler);
        return { dispose: () => this.handlers.delete(type.method) };
    }

    become(state: ConnectionState): void {
        this.state = state;
        this.stateEmitter.fire(state);
    }

    push<P>(type: NotificationType<P>, params: P): void {
        this.handlers.get(type.method)?.(params as never);
    }

    /** Answers the oldest request for the list. */
    async answerList(...list: ContainerSummary[]): Promise<void> {
        this.lists.shift()?.(list);
        await new Promise((resolve) => setImmediate(resolve));
    }

    asked(type: { method: string }): unknown[] {
        return this.requests
            .filter(({ method }) => method === type.method)
            .map(({ params }) => params);
    }
}

const web = container({ id: "aaaaaaaaaaaa", name: "web" });
const db = container({ id: "bbbbbbbbbbbb", name: "db" });
const host = { cpus: 2, memory: 1024 };

suite("the model", () => {
    let source: Played;
    let model: ContainerModel;
    let changes: ModelChange[];

    beforeEach(() => {
        source = new Played();
        model = new ContainerModel(source);
        changes = [];
        model.onDidChange((change) => changes.push(change));
    });

    async function connectWith(...list: ContainerSummary[]): Promise<void> {
        source.become("connected");
        await source.answerList(...list);
        changes.length = 0;
    }

    test("asks for the list once connected, and knows it then", async () => {
        assert.equal(model.loaded, false);
        source.become("connected");
        assert.equal(model.loaded, false);
        await source.answerList(web, db);
        assert.equal(model.loaded, true);
        assert.deepEqual(model.all, [web, db]);
        assert.deepEqual(changes.at(-1), { changed: [web.id, db.id], structure: true });
    });

    test("is connected from the start when the connection is", async () => {
        source.state = "connected";
        const late = new ContainerModel(source);
        await source.answerList(web);
        assert.deepEqual(late.all, [web]);
    });

    test("takes changes and removals", async () => {
        await connectWith(web, db);
        const stopped = { ...web, state: exited() };
        source.push(DidChangeNotification, { changed: [stopped], removed: [db.id] });
        assert.deepEqual(model.all, [stopped]);
        assert.deepEqual(changes, [{ changed: [web.id], structure: true }]);
    });

    test("does not lose a change that comes before the list it is newer than", async () => {
        source.become("connected");
        source.push(DidChangeNotification, {
            changed: [{ ...web, name: "renamed" }],
            removed: [db.id],
        });
        await source.answerList(web, db);
        assert.deepEqual(
            model.all.map(({ name }) => name),
            ["renamed"],
        );
    });

    test("keeps a minute of figures of what runs, and none of what stopped", async () => {
        await connectWith(web);
        for (let time = 0; time < HISTORY_LENGTH + 5; time += 1) {
            source.push(StatsNotification, {
                time,
                usage: { [web.id]: usage({ time }), unknown: usage() },
                host,
            });
        }
        assert.equal(model.history(web.id).length, HISTORY_LENGTH);
        assert.equal(model.usage(web.id)?.time, HISTORY_LENGTH + 4);
        assert.equal(model.usage("unknown"), undefined);
        source.push(DidChangeNotification, {
            changed: [{ ...web, state: exited() }],
            removed: [],
        });
        assert.equal(model.usage(web.id), undefined);
    });

    test("asks for samples as often as the most eager view, and for none without one", async () => {
        await connectWith();
        model.wantSamples("tree", 1000);
        model.wantSamples("meters", 5000);
        model.wantSamples("tree", undefined);
        model.wantSamples("meters", undefined);
        assert.deepEqual(source.asked(StatsSubscribeRequest), [
            { intervalMs: 1000 },
            { intervalMs: 5000 },
        ]);
        assert.equal(source.asked(StatsUnsubscribeRequest).length, 1);
    });

    test("asks a new backend for samples again", async () => {
        model.wantSamples("tree", 1000);
        assert.equal(source.asked(StatsSubscribeRequest).length, 0);
        await connectWith();
        source.become("connecting");
        await connectWith();
        assert.equal(source.asked(StatsSubscribeRequest).length, 2);
    });

    test("keeps what it knows while the connection comes back", async () => {
        await connectWith(web);
        source.become("connecting");
        assert.deepEqual(model.all, [web]);
        source.become("connected");
        await source.answerList(db);
        assert.deepEqual(model.all, [db]);
    });

    test("forgets everything when the connection is gone for good", async () => {
        await connectWith(web);
        source.become("disconnected");
        assert.deepEqual(model.all, []);
        assert.equal(model.loaded, false);
    });

    test("knows what is being done, and why it failed", async () => {
        await connectWith(web);
        const failing = model.during(web.id, "stopping", () => {
            assert.equal(model.activity(web.id), "stopping");
            return Promise.reject(new Error("no"));
        });
        await assert.rejects(failing, /no/);
        assert.equal(model.activity(web.id), undefined);
        model.noteFailure(web.id, "It did not stop.");
        assert.equal(model.failure(web.id), "It did not stop.");
        await model.during(web.id, "stopping", () => Promise.resolve());
        assert.equal(model.failure(web.id), undefined);
    });
});
