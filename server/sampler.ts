/**
 * The one sampler of a backend: reads the usage of all running containers at the fastest interval
 * that any subscriber asked for, and only while there are both.
 */
import { availableParallelism, totalmem } from "node:os";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";

import type { ContainerId, StatsSample, Usage } from "./protocol";
import type { Reading } from "./usage";

/** Readings closer together than this, in milliseconds, give no rate that means anything. */
const SHORTEST_SPAN_MS = 90;

/** Containers whose files stay open between samples; more are opened anew each time. */
const MOST_OPEN_READERS = 1000;

/** Reads one container's figures: a {@link import("./usage").UsageReader}. */
export interface Reader {
    read(): Reading | undefined;
    close(): void;
}

export interface SamplerSources {
    /** Ids of the containers that run now. */
    running(): Iterable<ContainerId>;
    open(id: ContainerId): Reader;
}

export interface Subscriber {
    intervalMs: number;
    /** Resolves once the sample has left this process; no other is sent before. */
    send(sample: StatsSample): Promise<void>;
}

interface Watched {
    reader?: Reader;
    /** When `usage` was read, by the monotonic clock, in milliseconds. */
    clock: number;
    usage: Usage;
}

export class Sampler {
    readonly #sources: SamplerSources;
    readonly #subscribers = new Map<object, Subscriber>();
    /** Subscribers whose last sample is still on its way. */
    readonly #busy = new Set<Subscriber>();
    readonly #watched = new Map<ContainerId, Watched>();
    #timer: NodeJS.Timeout | undefined;
    #intervalMs = 0;

    constructor(sources: SamplerSources) {
        this.#sources = sources;
    }

    /** From now on `owner` receives samples, the first at once; once more changes how. */
    subscribe(owner: object, subscriber: Subscriber): void {
        this.#subscribers.set(owner, subscriber);
        this.#schedule();
    }

    unsubscribe(owner: object): void {
        this.#subscribers.delete(owner);
        this.#schedule();
    }

    /** To be told when containers started or ended: sampling sleeps while none runs. */
    containersChanged(): void {
        if (this.#subscribers.size > 0 && this.#timer === undefined) {
            this.#start();
        }
    }

    /**
     * The usage of one running container now, or undefined when it has no cgroup any more. Where the
     * sampler has not just read it, this takes two readings 100 ms apart, so that `cpu` is known.
     */
    async usage(id: ContainerId): Promise<Usage | undefined> {
        const known = this.#watched.get(id);
        if (known?.usage.cpu !== undefined && performance.now() - known.clock < 1000) {
            return known.usage;
        }
        const reader = this.#sources.open(id);
        try {
            const before = observe(reader, undefined);
            if (before === undefined) {
                return undefined;
            }
            await sleep(100);
            return (observe(reader, before) ?? before).usage;
        } finally {
            reader.close();
        }
    }

    /** Ends sampling for good. */
    dispose(): void {
        this.#subscribers.clear();
        this.#stop();
    }

    #schedule(): void {
        const intervals = Array.from(this.#subscribers.values(), (one) => one.intervalMs);
        const wanted = Math.min(...intervals);
        if (intervals.length === 0) {
            this.#stop();
        } else if (this.#timer === undefined || wanted !== this.#intervalMs) {
            this.#intervalMs = wanted;
            this.#start();
        }
    }

    #start(): void {
        clearTimeout(this.#timer);
        // No interval: looks that take longer than theirs must not pile up.
        this.#timer = setTimeout(() => this.#start(), this.#intervalMs);
        this.#tick();
    }

    #stop(): void {
        clearTimeout(this.#timer);
        this.#timer = undefined;
        for (const { reader } of this.#watched.values()) {
            reader?.close();
        }
        this.#watched.clear();
    }

    #tick(): void {
        const sample = this.#sample();
        for (const subscriber of this.#subscribers.values()) {
            if (!this.#busy.has(subscriber)) {
                this.#busy.add(subscriber);
                const done = () => this.#busy.delete(subscriber);
                subscriber.send(sample).then(done, done);
            }
        }
        // Everybody has been told that nothing is left; containersChanged() wakes us up again.
        if (this.#watched.size === 0) {
            this.#stop();
        }
    }

    #sample(): StatsSample {
        const running = new Set(this.#sources.running());
        for (const [id, { reader }] of this.#watched) {
            if (!running.has(id)) {
                reader?.close();
                this.#watched.delete(id);
            }
        }
        const usage: Record<ContainerId, Usage> = {};
        for (const id of running) {
            try {
                const watched = this.#observe(id);
                if (watched !== undefined) {
                    usage[id] = watched.usage;
                }
            } catch {
                // Too many open files, most likely: this one has no figures this time.
            }
        }
        const host = { cpus: availableParallelism(), memory: totalmem() };
        return { time: Date.now(), usage, host };
    }

    #observe(id: ContainerId): Watched | undefined {
        const before = this.#watched.get(id);
        const now = this.#look(id, before);
        // One that was restarted since has another cgroup by now, which the old reader cannot see.
        return now === undefined && before?.reader !== undefined ? this.#look(id, undefined) : now;
    }

    #look(id: ContainerId, before: Watched | undefined): Watched | undefined {
        const reader = before?.reader ?? this.#sources.open(id);
        const now = observe(reader, before);
        const kept = before?.reader !== undefined || this.#watched.size < MOST_OPEN_READERS;
        if (now === undefined || !kept) {
            reader.close();
        } else {
            now.reader = reader;
        }
        if (now === undefined) {
            this.#watched.delete(id);
        } else {
            this.#watched.set(id, now);
        }
        return now;
    }
}

/** Reads once more; the rate is of the time since `before`. */
function observe(reader: Reader, before: Watched | undefined): Watched | undefined {
    const reading = reader.read();
    if (reading === undefined) {
        return undefined;
    }
    const clock = performance.now();
    if (before !== undefined && clock - before.clock < SHORTEST_SPAN_MS) {
        return { ...before };
    }
    return { clock, usage: { ...reading, cpu: rate(before, clock, reading) } };
}

/** Cores in use between two readings, or undefined when that is not known. */
function rate(before: Watched | undefined, clock: number, now: Reading): number | undefined {
    const usedBefore = before?.usage.cpuUsageUsec;
    if (before === undefined || usedBefore === undefined || now.cpuUsageUsec === undefined) {
        return undefined;
    }
    // A container that was started again counts from 0: its rate is not known yet.
    const used = now.cpuUsageUsec - usedBefore;
    return used < 0 ? undefined : used / 1000 / (clock - before.clock);
}
