/** `mcm`, the command line. */
import type { Client } from "./client";
import type { Context } from "./context";
import { debugDetails, describeError, exitCodeOf } from "./errors";
import { execute } from "./program";

/** As a program that SIGPIPE ended: what a shell sees when the reader of a pipe went. */
const BROKEN_PIPE = 128 + 13;

const context: Context = {
    io: process, // whose streams are made when they are first used
    async withClient<T>(action: (client: Client) => Promise<T>): Promise<T> {
        const { connect } = await import("./connect");
        const client = await connect();
        try {
            return await action(client);
        } finally {
            client.close();
        }
    },
};

async function main(): Promise<number> {
    try {
        return await execute(process.argv.slice(2), context);
    } catch (error) {
        context.io.stderr.write(`mcm: ${describeError(error)}\n`);
        if (process.env.MCM_DEBUG) {
            context.io.stderr.write(`${await debugDetails(error)}\n`);
        }
        return exitCodeOf(error);
    }
}

for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
        process.exit(error.code === "EPIPE" ? BROKEN_PIPE : exitCodeOf(error));
    });
}

// On Linux writes to files, pipes and terminals are synchronous: nothing is cut off by the exit.
void main().then((exitCode) => process.exit(exitCode));
