/** A connected client, as handlers see it. */
import type { Connection } from "vscode-languageserver";
import type { Streams } from "./sessions/streams";

export interface Client {
    /** Counts connections; for the log. */
    readonly number: number;
    /** What it calls itself: "vscode", "mcm", … */
    readonly name: string;
    /** To send notifications and progress with. */
    readonly connection: Connection;
    /** Its sessions and logs under way. */
    readonly streams: Streams;
    /**
     * Aborted when the connection has ended, once: whatever was made for this client ends with it.
     * A listener on it is the client's list of disposables.
     */
    readonly gone: AbortSignal;
}
