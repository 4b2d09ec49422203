/**
 * Root needs no daemon: the very same server, in this process, at the other end of a pair of
 * streams. It is loaded only when it is needed, so that help and mistakes cost nothing.
 */
import { join } from "node:path";
import { Duplex } from "node:stream";
import { version } from "../../package.json";
import { createDeps } from "../compose";
import type { Backend } from "../deps";
import { Log } from "../log";
import { createNative } from "../native";
import { pathsFromEnvironment } from "../paths";
import type { HostFinding } from "../protocol";
import { startServer } from "../server";
import { secureDirectory } from "../socket";
import { openLink } from "../transport";

/**
 * The client's end of a stream to a backend that lives as long as this process. A stream and not a
 * connection: this is a bundle of its own, whose copy of the JSON-RPC library the client's request
 * types would not belong to.
 */
export async function startInProcess(): Promise<Duplex> {
    const paths = pathsFromEnvironment(join(__dirname, "native"));
    await secureDirectory(paths.runDirectory);
    const backend: Backend = {
        servesUid: 0,
        startedAt: new Date().toISOString(),
        version,
        clients: () => 1,
        shutdown: () => undefined, // it ends with its one client
    };
    const [ours, theirs] = streamPair();
    const link = openLink(theirs, (error) => ours.destroy(error));
    startServer(link, createDeps(paths, new Log(), backend));
    return ours;
}

/** What this user, who may be anybody, can find out about this computer without a backend. */
export function examineHost(): Promise<HostFinding[]> {
    const { nativeDirectory, stateDirectory } = pathsFromEnvironment(join(__dirname, "native"));
    return createNative(nativeDirectory).examine(stateDirectory);
}

/** Two streams: what is written to one is read from the other, and they end together. */
function streamPair(): [Duplex, Duplex] {
    const [a, b] = [new End(), new End()];
    a.other = b;
    b.other = a;
    return [a, b];
}

class End extends Duplex {
    other: End | undefined;
    /** Calls back the writer once the other end wants more. */
    private taken: (() => void) | undefined;

    override _read(): void {
        const taken = this.other?.taken;
        if (this.other && taken) {
            this.other.taken = undefined;
            taken();
        }
    }

    override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
        if (this.other?.push(chunk)) {
            done();
        } else {
            this.taken = done;
        }
    }

    override _final(done: () => void): void {
        this.other?.push(null);
        done();
    }

    override _destroy(error: Error | null, done: (error: Error | null) => void): void {
        this.other?.destroy();
        done(error);
    }
}
