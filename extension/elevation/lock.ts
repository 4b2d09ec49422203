/** The right to ask for a password: one process of the user has it at a time. */
import { mkdir, readFile, readlink, rm, symlink } from "node:fs/promises";
import path from "node:path";

/** Name of the link below the directory that all windows share; it points to its holder. */
const LOCK = "asking-for-password";

/** Held until released; dead holders do not count. */
export interface Lock {
    release(): Promise<void>;
}

/**
 * Takes the lock, or returns undefined when another living process has it.
 *
 * A symlink is made whole and exclusively by one system call (symlink(2)), so that its holder is
 * never unknown. A stale one is removed; should two do so at the very same moment, the worst that
 * follows are two dialogs.
 *
 * @param directory that only this user may write to
 */
export async function takeLock(directory: string): Promise<Lock | undefined> {
    await mkdir(directory, { recursive: true });
    const link = path.join(directory, LOCK);
    const holder = await identify(process.pid);
    for (const lastTry of [false, true]) {
        try {
            await symlink(holder ?? String(process.pid), link);
            return { release: () => rm(link, { force: true }) };
        } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
                throw error;
            }
        }
        if (lastTry || (await isHeld(directory))) {
            return undefined;
        }
        await rm(link, { force: true });
    }
    return undefined;
}

/** Whether a living process has the lock. */
export async function isHeld(directory: string): Promise<boolean> {
    let holder: string;
    try {
        holder = await readlink(path.join(directory, LOCK));
    } catch {
        return false;
    }
    return holder === (await identify(Number.parseInt(holder, 10)));
}

/** A process by pid and start time (field 22 of proc_pid_stat(5)), as pids are used again. */
async function identify(pid: number): Promise<string | undefined> {
    try {
        const stat = await readFile(`/proc/${pid}/stat`, "latin1");
        // The second field is the command's name in parentheses, with anything in it.
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return `${pid}-${fields[19] ?? ""}`;
    } catch {
        return undefined;
    }
}
