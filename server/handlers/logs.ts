/** A container's log, sent line by line. */
import type { Deps, RequestContext } from "../deps";
import { followEntries, presentEntries } from "../follow";
import { EntryDecoder, LogCursor, type LogEntry } from "../logs";
import { LogProgress, type ContainerId, type LogLine, type LogsParams } from "../protocol";
import { Window } from "../sessions/window";

export async function logs(
    params: LogsParams,
    deps: Deps,
    { client, signal }: RequestContext,
): Promise<void> {
    const window = new Window();
    const remove = client.streams.add(params.token, window);
    try {
        const { id, paths } = await deps.store.findHealthy(params.container);
        const send = async (lines: LogLine[]) => {
            await window.available(signal);
            window.use(lines.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0));
            // Waiting for the write bounds what a client that does not read makes us hold.
            await client.connection.sendProgress(LogProgress, params.token, lines);
        };
        const cursor = await LogCursor.open(paths.log, params.tail);
        try {
            if (params.follow) {
                await untilEnd(deps, id, (ended) =>
                    sendAll(followEntries(cursor, paths.log, ended, signal), send),
                );
            } else {
                await sendAll(presentEntries(cursor, signal), send);
            }
        } finally {
            await cursor.close();
        }
    } finally {
        remove();
    }
}

async function sendAll(
    batches: AsyncIterable<LogEntry[]>,
    send: (lines: LogLine[]) => Promise<void>,
): Promise<void> {
    const decoder = new EntryDecoder();
    for await (const entries of batches) {
        await send(entries.map((entry) => decoder.decode(entry)));
    }
}

/** Runs `action` with a signal that aborts when the container does not run any more. */
async function untilEnd(
    deps: Deps,
    id: ContainerId,
    action: (ended: AbortSignal) => Promise<void>,
): Promise<void> {
    const ended = new AbortController();
    const look = async () => {
        if ((await deps.store.get(id))?.state.kind !== "running") {
            ended.abort();
        }
    };
    deps.changes.start();
    const unsubscribe = deps.changes.subscribe(({ changed, removed }) => {
        // What a change tells was so when it was seen: of a start it may still say "created".
        if (removed.includes(id) || changed.some((container) => container.id === id)) {
            look().catch((error: unknown) => ended.abort(error));
        }
    });
    try {
        // Looked at after subscribing, so that no end goes unnoticed.
        await look();
        await action(ended.signal);
    } finally {
        unsubscribe();
    }
}
