/** Waiting for what no event announces. */

/** How often {@link eventually} looks, in milliseconds. */
const POLL_MS = 20;

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
    timeoutMs = 10_000,
): Promise<Exclude<T, false | null | undefined>> {
    const deadline = Date.now() + timeoutMs;
    let cause: unknown;
    do {
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
    } while (Date.now() < deadline);
    throw new Error(`after ${timeoutMs} ms still not: ${what}`, { cause });
}
