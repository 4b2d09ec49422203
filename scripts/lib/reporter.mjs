/**
 * A reporter for node's test runner that writes one JSON object a line for each test that ended, for
 * nodeTests.ts to count and show.
 */
export default async function* reporter(events) {
    for await (const { type, data } of events) {
        const ended = type === "test:pass" || type === "test:fail";
        // A file that has tests is a suite to the runner; only what failed outside of a test counts.
        if (ended && data.details.type !== "suite") {
            yield `${JSON.stringify(result(type, data))}\n`;
        }
    }
}

function result(type, data) {
    const { error, duration_ms: milliseconds } = data.details;
    const skipped = data.skip ?? data.todo;
    return {
        name: data.name,
        file: data.file,
        line: data.line,
        milliseconds,
        outcome: skipped !== undefined ? "skipped" : type === "test:pass" ? "passed" : "failed",
        reason: typeof skipped === "string" ? skipped : undefined,
        error: error === undefined ? undefined : describe(error),
    };
}

/** A test's failure is wrapped by the runner; the cause is what the test threw. */
function describe(error) {
    const cause = error.cause ?? error;
    const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    return cause instanceof Error && cause.cause !== undefined
        ? `${text}\ncaused by ${describe(cause.cause)}`
        : text;
}
