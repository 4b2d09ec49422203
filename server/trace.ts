/** The step trace of a native program, as it comes in. */
import { TRACE_STEPS_MAX, type TraceStep } from "./protocol";

/** The steps of one run of a program, when somebody asked for them. */
export class Trace {
    readonly #steps: TraceStep[] = [];

    constructor(readonly wanted = false) {}

    add({ who, step, call, detail, at, us }: TraceStep): void {
        if (this.#steps.length < TRACE_STEPS_MAX) {
            this.#steps.push({ who, step, call, detail, at, us });
        }
    }

    /** In the order of their ends: what processes did at the same time comes one process at a time. */
    steps(): TraceStep[] | undefined {
        return this.wanted ? this.#steps.toSorted((a, b) => a.at - b.at) : undefined;
    }
}
