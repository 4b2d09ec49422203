/** Samples for those who want them. */
import type { Deps, RequestContext } from "../deps";
import { StatsNotification, type StatsSubscribeParams } from "../protocol";

export function subscribe(
    { intervalMs }: StatsSubscribeParams,
    { sampler }: Deps,
    { client }: RequestContext,
): void {
    const { connection, gone } = client;
    sampler.subscribe(client, {
        intervalMs,
        send: (sample) => connection.sendNotification(StatsNotification, sample),
    });
    gone.addEventListener("abort", () => sampler.unsubscribe(client), { once: true });
}

export function unsubscribe(
    _params: undefined,
    { sampler }: Deps,
    { client }: RequestContext,
): void {
    sampler.unsubscribe(client);
}
