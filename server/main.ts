/**
 * The backend's command line. `start` makes sure that a detached backend serves a user and says so
 * in one line; `serve` is that backend.
 */
import { spawn } from "node:child_process";
import { closeSync, writeSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import type { Readable } from "node:stream";
import { parseArgs } from "node:util";
import { version } from "../package.json";
import { BackendProcess } from "./backend";
import { createDeps } from "./compose";
import type { Deps } from "./deps";
import { McmError, invalid, systemError } from "./errors";
import { connectTo, logPath, RUN_DIRECTORY_VARIABLE, socketPath, waitForSocket } from "./launch";
import { Log } from "./log";
import { pathsFromEnvironment, STATE_DIRECTORY_VARIABLE } from "./paths";
import { ErrorCode } from "./protocol";
import { listenFor, secureDirectory, takePost, type Post } from "./socket";

const USAGE = "usage: server.js start --uid N | serve --uid N [--idle-minutes 5] [--ready-fd N]";

/** How long a backend may take to be ready, in milliseconds. */
const READY_MS = 15_000;

/** How long one that may just be ending is waited for before its post is tried again. */
const OTHER_MS = 200;

interface Options {
    uid: number;
    idleMinutes: number;
    /** Where the line about being ready goes; it is closed then. Standard output when absent. */
    readyFd: number | undefined;
}

/** Largest uid; the one after it means "no user" to chown(2). */
const UID_MAXIMUM = 2 ** 32 - 2;

function wholeNumber(option: string, text: string | undefined, most: number): number {
    const value = text !== undefined && /^[0-9]+$/.test(text) ? Number(text) : NaN;
    if (!(value <= most)) {
        throw invalid(option, text, `a whole number up to ${most}`);
    }
    return value;
}

function parseOptions(args: string[]): Options {
    const { values } = parseArgs({
        args,
        options: {
            uid: { type: "string" },
            "idle-minutes": { type: "string", default: "5" },
            "ready-fd": { type: "string" },
        },
    });
    const idleMinutes = Number(values["idle-minutes"]);
    if (!(idleMinutes > 0 && idleMinutes <= 7 * 24 * 60)) {
        throw invalid("--idle-minutes", values["idle-minutes"], "a number of minutes up to 10080");
    }
    const readyFd = values["ready-fd"];
    return {
        uid: wholeNumber("--uid", values.uid, UID_MAXIMUM),
        idleMinutes,
        readyFd: readyFd === undefined ? undefined : wholeNumber("--ready-fd", readyFd, 1023),
    };
}

function requireRoot(): void {
    if (process.getuid?.() !== 0) {
        throw new McmError(ErrorCode.Denied, "The backend needs root: start it with sudo.");
    }
}

/** Says one line to whoever started us. */
function report(line: string, fd: number | undefined): void {
    writeSync(fd ?? 1, `${line.replaceAll("\n", " ")}\n`);
    if (fd !== undefined) {
        closeSync(fd);
    }
}

/** Serves until it is told to end, or nobody needs it. Resolves to the exit code. */
async function serve(options: Options): Promise<number> {
    const { uid, readyFd } = options;
    process.umask(0o022);
    const paths = pathsFromEnvironment(path.join(__dirname, "native"));
    const socket = socketPath(uid);
    await secureDirectory(paths.runDirectory);
    const post = await takePostOrFindOther(paths.runDirectory, socket, uid);
    if (post === undefined) {
        report(`ready ${socket}`, readyFd);
        return 0;
    }
    try {
        await serveAt(socket, post, options);
        return 0;
    } finally {
        await post.release();
    }
}

/**
 * Takes the right to serve the user, or undefined when another backend answers: that is as good as
 * this one. Whoever has the right and does not answer is about to begin, or about to end.
 */
async function takePostOrFindOther(
    runDirectory: string,
    socket: string,
    uid: number,
): Promise<Post | undefined> {
    const deadline = Date.now() + READY_MS;
    for (;;) {
        const post = await takePost(runDirectory, uid);
        if (post !== undefined) {
            return post;
        }
        try {
            (await waitForSocket(socket, OTHER_MS)).destroy();
            return undefined;
        } catch (error) {
            if (Date.now() > deadline) {
                throw systemError(
                    "Another backend has the post but does not answer; connecting",
                    error,
                );
            }
        }
    }
}

async function serveAt(socket: string, post: Post, options: Options): Promise<void> {
    const { uid, idleMinutes, readyFd } = options;
    const log = new Log(logPath(uid));
    const backend = new BackendProcess({
        servesUid: uid,
        version,
        idleMs: idleMinutes * 60_000,
        log,
        async onEnd() {
            server.close();
            await rm(socket, { force: true });
            await post.release();
        },
    });
    const deps = createDeps(pathsFromEnvironment(path.join(__dirname, "native")), log, backend);
    const server = await listenFor(socket, uid, (stream) => backend.accept(stream, deps));
    server.on("error", (error) => log.error(`Accepting connections: ${String(error)}`));
    handleProcessEvents(backend, log);
    log.info(`Serves uid ${uid} at ${socket}, version ${version}, pid ${process.pid}`);
    report(`ready ${socket}`, readyFd);
    void sweep(deps, log);
    await backend.ended;
    deps.changes.dispose();
    deps.sampler.dispose();
}

/** Finishes what died half way, while clients are already served. */
async function sweep({ store }: Deps, log: Log): Promise<void> {
    const failures = await store.sweep().catch((error: unknown) => [error]);
    for (const failure of failures) {
        log.error(`Finishing what was left: ${stackOf(failure)}`);
    }
}

/** Signals end it in order; a promise that nobody waited for is a mistake of ours, but harms no
 * other request; after any other exception nothing can be trusted, and containers run on anyway. */
function handleProcessEvents(backend: BackendProcess, log: Log): void {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
        process.on(signal, () => backend.shutdown(signal));
    }
    process.on("unhandledRejection", (reason) => log.error(`Unhandled: ${stackOf(reason)}`));
    process.on("uncaughtException", (error) => {
        log.error(`Uncaught: ${stackOf(error)}`);
        process.exit(1);
    });
}

function stackOf(error: unknown): string {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Makes sure that a backend serves the user. Resolves to the exit code. */
async function start(options: Options): Promise<number> {
    const socket = socketPath(options.uid);
    let line = `ready ${socket}`;
    try {
        (await connectTo(socket)).destroy();
    } catch {
        line = await startDetached(options);
    }
    report(line, undefined);
    return line.startsWith("ready ") ? 0 : 1;
}

/** Environment of the detached backend: what it needs, and root's own overrides. */
function cleanEnvironment(): NodeJS.ProcessEnv {
    const environment: NodeJS.ProcessEnv = {
        PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    };
    const kept = [STATE_DIRECTORY_VARIABLE, RUN_DIRECTORY_VARIABLE, "ELECTRON_RUN_AS_NODE"];
    for (const name of kept) {
        if (process.env[name] !== undefined) {
            environment[name] = process.env[name];
        }
    }
    return environment;
}

/** Starts `serve` in a session of its own, with nothing of ours open, and gives what it says. */
function startDetached({ uid, idleMinutes }: Options): Promise<string> {
    const args = ["serve", "--uid", String(uid), "--idle-minutes", String(idleMinutes)];
    const child = spawn(process.execPath, [__filename, ...args, "--ready-fd", "3"], {
        cwd: "/",
        detached: true,
        env: cleanEnvironment(),
        stdio: ["ignore", "ignore", "ignore", "pipe"],
    });
    return new Promise((resolve) => {
        const late = setTimeout(() => resolve("the backend is not ready in time"), READY_MS);
        const say = (line: string) => {
            clearTimeout(late);
            ready.destroy();
            child.unref();
            resolve(line);
        };
        let text = "";
        const ready = child.stdio[3] as Readable;
        ready.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        ready.on("end", () => say(text.trim() || "the backend ended without saying why"));
        child.on("error", (error) => say(`starting ${process.execPath} failed: ${error.message}`));
    });
}

async function main(args: string[]): Promise<number> {
    const [verb, ...rest] = args;
    if (verb !== "start" && verb !== "serve") {
        report(USAGE, undefined);
        return 1;
    }
    let readyFd: number | undefined;
    try {
        const options = parseOptions(rest);
        readyFd = options.readyFd;
        requireRoot();
        return await (verb === "start" ? start(options) : serve(options));
    } catch (error) {
        report(error instanceof Error ? error.message : String(error), readyFd);
        return 1;
    }
}

main(process.argv.slice(2)).then(
    (code) => process.exit(code),
    () => process.exit(1),
);
