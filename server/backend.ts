/** The backend process: serves one user's clients until nobody needs it. */
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Backend, Deps } from "./deps";
import type { Log } from "./log";
import { startServer, type Served } from "./server";
import { openLink, type ClientLink } from "./transport";

/** The reply to the request that ends us gets this long to leave, in milliseconds. */
const FAREWELL_MS = 100;

/** Requests under way get this long to come to their end, in milliseconds. */
const SETTLE_MS = 5000;

export interface BackendOptions {
    servesUid: number;
    version: string;
    /** Milliseconds without a client after which it ends. */
    idleMs: number;
    log: Log;
    /** Called once when it ends, before the clients are let go: nobody must connect any more. */
    onEnd: () => Promise<void>;
}

export class BackendProcess implements Backend {
    readonly startedAt = new Date().toISOString();
    readonly servesUid: number;
    readonly version: string;
    /** Resolves when everything is done and the process can exit. */
    readonly ended: Promise<void>;
    private readonly served = new Map<ClientLink, Served>();
    private idle: NodeJS.Timeout | undefined;
    private end: ((reason: string) => void) | undefined;

    constructor(private readonly options: BackendOptions) {
        this.servesUid = options.servesUid;
        this.version = options.version;
        this.ended = new Promise<string>((resolve) => {
            this.end = resolve;
        }).then((reason) => this.finish(reason));
        this.waitForClients();
    }

    clients(): number {
        return this.served.size;
    }

    /** Serves one more client. */
    accept(stream: Socket, deps: Deps): void {
        const { log } = this.options;
        const link = openLink(stream, (error) => log.warn(`A connection failed: ${error.message}`));
        clearTimeout(this.idle);
        this.served.set(link, startServer(link, deps));
        link.onClose(() => {
            this.served.delete(link);
            this.waitForClients();
        });
    }

    shutdown(reason = "a client asked for it"): void {
        this.end?.(reason);
    }

    private waitForClients(): void {
        clearTimeout(this.idle);
        if (this.served.size === 0) {
            this.idle = setTimeout(() => this.shutdown("no client is left"), this.options.idleMs);
        }
    }

    private async finish(reason: string): Promise<void> {
        clearTimeout(this.idle);
        this.options.log.info(`Ends: ${reason}. Containers run on.`);
        await this.options.onEnd();
        await sleep(FAREWELL_MS);
        const served = [...this.served];
        served.forEach(([link]) => link.close());
        const settled = Promise.all(served.map(([, each]) => each.settled()));
        await Promise.race([settled, sleep(SETTLE_MS)]);
        clearTimeout(this.idle);
    }
}
