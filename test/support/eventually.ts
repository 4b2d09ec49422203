/** Waiting for what no event announces. */

/** How often {@link eventually} looks, in milliseconds. */
const POLL_MS = 20;

/** How long it waits, in milliseconds: a busy computer may stop for seconds. */
const PATIENCE_MS = 30_000;

/**
 * Waits until `check` gives something that is neither false, undefined nor null, and returns it. A
 * check that throws is tried again.
 *
 * @param what is waited for; the failure says it
 * @throws when the deadline has passed, with the last error of `check` as its cause
 */
export async function eventually<T>(
    check: () => T | Promise<T>,
    what: string,
    timeoutMs = PATIENCE_MS,
): Promise<Exclude<T, false | null | undefined>> {
    const deadline = Date.now() + timeoutMs;
    let cause: unknown;
    let late: boolean;
    do {
        // The last look is a whole one after the deadline, however long this process was stopped.
        late = Date.now() >= deadline;
        try {
            const value = await check();
            if (value !== false && value !== undefined && value !== null) {
                return value as Exclude<T, false | null | undefined>;
            }
            cause = undefined;
        } catch (error) {
            cause = error;
        }
        await new Promise((wake) => setTimeout(wake, POLL_MS));
    } while (!late);
    throw new Error(`after ${timeoutMs} ms still not: ${what}`, { cause });
}
