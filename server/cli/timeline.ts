/** A step trace for people: what launcher, monitor, child and command did, one line a step. */
import type { TraceResult, TraceStep } from "../protocol";
import type { Context } from "./context";
import { traceOf } from "./errors";
import { formatTable, type Column } from "./table";

/** How many of the slowest steps are marked. */
const MARKED = 3;

const COLUMNS: Column[] = [
    { heading: "at µs", align: "right" },
    { heading: "took µs", align: "right" },
    { heading: "who" },
    { heading: "step" },
    { heading: "call" },
    { heading: "detail" },
];

/** Shows on stderr the trace of what `action` starts, also of what fails to start. */
export async function withTimeline<Result extends TraceResult>(
    context: Context,
    action: () => Promise<Result>,
): Promise<Result> {
    try {
        const result = await action();
        showTimeline(context, result.trace);
        return result;
    } catch (error) {
        showTimeline(context, traceOf(error));
        throw error;
    }
}

/** Shows a trace on stderr, where there is one. */
export function showTimeline({ io }: Context, trace: readonly TraceStep[] | undefined): void {
    if (trace !== undefined) {
        io.stderr.write(formatTimeline(trace));
    }
}

/** The steps in the order of their ends, and what all of them took together. */
export function formatTimeline(steps: readonly TraceStep[]): string {
    const slowest = slowestOf(steps);
    const rows = steps.map((step) => [
        String(step.at),
        isWaiting(step) ? `(${step.us})` : `${slowest.has(step) ? "* " : ""}${step.us}`,
        step.who,
        step.step,
        step.call,
        describeDetail(step.detail),
    ]);
    const total = steps.at(-1)?.at ?? 0;
    const names = [...slowest].map(({ step, call, us }) => `${step} ${call} ${us}`);
    const marked = names.length > 0 ? `; slowest (*): ${names.join(", ")}` : "";
    return (
        formatTable(COLUMNS, rows) +
        `${steps.length} steps in ${total} µs; (waiting for another process)${marked}\n`
    );
}

/** What somebody else does meanwhile has lines of its own. */
function isWaiting({ step, call }: TraceStep): boolean {
    return step === "sync" && (call.startsWith("recv") || call === "read");
}

function slowestOf(steps: readonly TraceStep[]): Set<TraceStep> {
    const working = steps.filter((step) => step.us > 0 && !isWaiting(step));
    return new Set(working.sort((a, b) => b.us - a.us).slice(0, MARKED));
}

function describeDetail(detail: TraceStep["detail"]): string {
    return Object.entries(detail)
        .map(([key, value]) => `${key}=${describeValue(value)}`)
        .join(" ");
}

/** Quoted where it would look like more than one; of flags the common beginning stands once. */
function describeValue(value: string | number): string {
    const text = String(value);
    if (/^[A-Z0-9_]+(\|[A-Z0-9_]+)+$/.test(text)) {
        const [first = "", ...others] = text.split("|");
        const prefix = commonPrefix([first, ...others]);
        return [first, ...others.map((name) => name.slice(prefix.length))].join("|");
    }
    return /^[^\s"]+$/.test(text) ? text : JSON.stringify(text);
}

/** Up to an underscore: of MS_REC and MS_PRIVATE it is "MS_". */
function commonPrefix(names: readonly string[]): string {
    const [first = ""] = names;
    let length = 0;
    for (let end = first.indexOf("_") + 1; end > 0; end = first.indexOf("_", end) + 1) {
        if (names.every((name) => name.startsWith(first.slice(0, end)))) {
            length = end;
        }
    }
    return first.slice(0, length);
}
