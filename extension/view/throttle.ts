/** Does something at most so often, however often it is asked for. Knows nothing of VS Code. */
export class Throttle {
    private timer: NodeJS.Timeout | undefined;
    private last = -Infinity;

    /**
     * @param interval milliseconds from one time to the next
     * @param action done at once when the last time is long enough ago, else as soon as it is
     */
    constructor(
        private readonly interval: number,
        private readonly action: () => void,
    ) {}

    request(): void {
        if (this.timer !== undefined) {
            return;
        }
        const wait = this.last + this.interval - performance.now();
        if (wait <= 0) {
            this.act();
        } else {
            this.timer = setTimeout(() => this.act(), wait);
        }
    }

    dispose(): void {
        clearTimeout(this.timer);
        this.timer = undefined;
    }

    private act(): void {
        this.timer = undefined;
        this.last = performance.now();
        this.action();
    }
}
