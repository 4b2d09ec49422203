/** Small looks at the file system, in which an absent file is an answer and not an error. */
import { stat } from "node:fs/promises";
import { errnoOf } from "./errors";

/** A handler for a rejection: makes undefined of these errnos and throws all others. */
export function unless(...errnos: string[]): (error: unknown) => undefined {
    return (error) => {
        if (!errnos.includes(errnoOf(error) ?? "")) {
            throw error;
        }
        return undefined;
    };
}

/** Does this path exist, whatever it is? */
export async function exists(file: string): Promise<boolean> {
    return (await stat(file).catch(unless("ENOENT", "ENOTDIR"))) !== undefined;
}

/** Is this path a directory? */
export async function isDirectory(file: string): Promise<boolean> {
    return (await stat(file).catch(unless("ENOENT", "ENOTDIR")))?.isDirectory() ?? false;
}
