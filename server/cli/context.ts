/** What a command gets to work with. */
import type { Client } from "./client";

/** The streams of this process. */
export interface Io {
    stdin: NodeJS.ReadStream;
    stdout: NodeJS.WriteStream;
    stderr: NodeJS.WriteStream;
}

/** Handed to every command. */
export interface Context {
    io: Io;
    /** Calls `action` with a connection that ends with it. */
    withClient: <T>(action: (client: Client) => Promise<T>) => Promise<T>;
}

/** One JSON value, indented, on stdout. */
export function printJson(context: Context, value: unknown): void {
    context.io.stdout.write(`${JSON.stringify(value, null, 4)}\n`);
}

/** A remark that is no result and no failure, on stderr. */
export function remark(context: Context, text: string): void {
    context.io.stderr.write(`mcm: ${text}\n`);
}
