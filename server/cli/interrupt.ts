/** Ctrl-C as the normal end of what would otherwise go on. */

/**
 * Waits for `work`, or for Ctrl-C: then `cancel` is called and what comes of the work is of no
 * interest any more. Tells whether it was interrupted.
 */
export async function untilInterrupted(
    work: Promise<unknown>,
    cancel: () => void,
): Promise<{ interrupted: boolean }> {
    let interrupt: () => void = () => undefined;
    const interrupted = new Promise<{ interrupted: boolean }>((resolve) => {
        interrupt = () => {
            cancel();
            work.catch(() => undefined);
            resolve({ interrupted: true });
        };
    });
    process.once("SIGINT", interrupt);
    try {
        return await Promise.race([work.then(() => ({ interrupted: false })), interrupted]);
    } finally {
        process.off("SIGINT", interrupt);
    }
}
