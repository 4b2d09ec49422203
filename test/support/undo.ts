/** What has to be taken back at the end, in the reverse order. */
export class Undo {
    private readonly steps: (() => Promise<unknown>)[] = [];

    add(step: () => Promise<unknown>): void {
        this.steps.push(step);
    }

    /**
     * Takes all of it back, also what comes after a step that failed.
     *
     * @throws the first failure
     */
    async all(): Promise<void> {
        const failures: unknown[] = [];
        for (const step of this.steps.splice(0).reverse()) {
            await step().catch((error: unknown) => failures.push(error));
        }
        if (failures.length > 0) {
            throw failures[0];
        }
    }
}
