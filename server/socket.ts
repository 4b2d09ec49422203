/**
 * The backend's socket: in a directory that only root can write, open to one user, and never two of
 * them for the same one.
 */
import { chmod, chown, lstat, mkdir, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import path from "node:path";
import { Claims } from "./claims";
import { McmError, systemError } from "./errors";
import { isGone, thisProcess } from "./holder";
import { ErrorCode } from "./protocol";

/**
 * Makes the runtime directory, or checks the one that is there: who can write it could put a socket
 * of his own in place of ours. Throws Denied.
 */
export async function secureDirectory(directory: string): Promise<void> {
    try {
        await mkdir(directory, { recursive: true, mode: 0o755 });
    } catch (error) {
        throw systemError(`Creating ${directory}`, error);
    }
    const { uid, mode, isDirectory } = await lstat(directory).then((found) => ({
        uid: found.uid,
        mode: found.mode,
        isDirectory: found.isDirectory(),
    }));
    const fault = !isDirectory
        ? "is not a directory"
        : uid !== 0
          ? `belongs to uid ${uid}, not to root`
          : (mode & 0o022) !== 0
            ? "can be written by others than root"
            : undefined;
    if (fault !== undefined) {
        const hint = "Correct its owner and mode (root, 0755), or remove it.";
        throw new McmError(
            ErrorCode.Denied,
            `${directory} ${fault}: no socket can be safe there. ${hint}`,
            { hint },
        );
    }
}

/** The right to serve a user. */
export interface Post {
    release(): Promise<void>;
}

/** Takes the right to serve `uid`; undefined when another living process has it. */
export async function takePost(runDirectory: string, uid: number): Promise<Post | undefined> {
    const claims = new Claims(path.join(runDirectory, "backends"));
    const claim = `uid-${uid}`;
    const holder = thisProcess();
    if (!(await claims.take(claim, holder, isGone))) {
        return undefined;
    }
    return { release: () => claims.give(claim, holder) };
}

/**
 * Listens at `socket` for the user `uid`. Only whoever has the post may call this, so a socket that
 * is there is one that a dead backend left. Mode 0600 comes from the umask at bind(2), and the user
 * is made its owner after that: at no moment can anybody else connect.
 */
export async function listenFor(
    socket: string,
    uid: number,
    onConnection: (stream: Socket) => void,
): Promise<Server> {
    await rm(socket, { force: true });
    const server = createServer(onConnection);
    const before = process.umask(0o177);
    try {
        await new Promise<void>((resolve, reject) => {
            server.once("error", reject);
            server.listen(socket, resolve);
        });
    } catch (error) {
        throw systemError(`Listening at ${socket}`, error);
    } finally {
        process.umask(before);
    }
    try {
        await chmod(socket, 0o600);
        await chown(socket, uid, -1);
    } catch (error) {
        server.close();
        throw systemError(`Giving ${socket} to uid ${uid}`, error);
    }
    return server;
}
