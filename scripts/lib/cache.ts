/**
 * Things that take long to make and are kept between runs, outside the repository:
 * `$XDG_CACHE_HOME/my-container-manager/NAME`. A name carries the version of its recipe.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { progress } from "./run";

export function cacheDirectory(): string {
    const base = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
    return join(base, "my-container-manager");
}

/**
 * The cached directory of this name; `make` fills it when there is none yet.
 *
 * It is made aside and renamed when complete, so one that exists is whole. Processes that ask at the
 * same time wait for the first.
 */
export async function cached(
    name: string,
    make: (directory: string) => Promise<void>,
): Promise<string> {
    const directory = join(cacheDirectory(), name);
    if (existsSync(directory)) {
        return directory;
    }
    await withLock(name, async () => {
        if (existsSync(directory)) {
            return;
        }
        const partial = `${directory}.partial`;
        await rm(partial, { recursive: true, force: true });
        await mkdir(partial);
        await make(partial);
        await rename(partial, directory);
    });
    return directory;
}

/**
 * Runs `action` while no other process is in one with the same lock name.
 *
 * flock(1) holds the lock for a `cat` on a pipe from us: when we end, however that happens, it ends.
 */
export async function withLock<T>(name: string, action: () => Promise<T>): Promise<T> {
    await mkdir(cacheDirectory(), { recursive: true });
    const file = join(cacheDirectory(), `${name}.lock`);
    const holder = spawn("flock", ["--exclusive", file, "sh", "-c", "echo held; exec cat"], {
        stdio: ["pipe", "pipe", "inherit"],
    });
    const ended = new Promise<void>((resolve) => holder.once("close", () => resolve()));
    try {
        await acquired(name, holder);
        return await action();
    } finally {
        holder.stdin.end();
        await ended;
    }
}

/** After how long somebody who waits for a lock is told so, in milliseconds. */
const PATIENCE_MS = 2000;

async function acquired(name: string, holder: ReturnType<typeof spawn>): Promise<void> {
    const notice = setTimeout(
        () => progress(`waiting for another process that prepares ${name}`),
        PATIENCE_MS,
    );
    try {
        await new Promise<void>((resolve, reject) => {
            holder.stdout?.once("data", () => resolve());
            holder.once("error", reject);
            holder.once("close", () => reject(new Error(`the lock ${name} could not be taken`)));
        });
    } finally {
        clearTimeout(notice);
    }
}
