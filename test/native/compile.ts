/** Compiling the small C programs of these tests. */
import { join, resolve } from "node:path";
import { run } from "../../scripts/lib/run";
import { root } from "../support/fixtures";

/** Path of a file of native/. */
export function nativeSource(name: string): string {
    return join(root, "native", name);
}

/**
 * Compiles `sources` to the program `output`: C files of this directory by their name, others by
 * their path.
 *
 * @param flags for gcc, beside warnings as errors
 */
export async function compile(output: string, sources: string[], flags: string[]): Promise<void> {
    const paths = sources.map((source) => resolve(__dirname, source));
    await run("gcc", [
        ...["-std=gnu11", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Werror"],
        ...["-iquote", join(root, "native"), ...flags, "-o", output, ...paths],
    ]);
}
