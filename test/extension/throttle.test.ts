/** Doing something at most so often. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, suite, test } from "node:test";
import { Throttle } from "../../extension/view/throttle";

suite("a throttle", () => {
    let now = 0;
    let done: number[] = [];
    let throttle: Throttle;

    beforeEach(() => {
        now = 0;
        done = [];
        mock.timers.enable({ apis: ["setTimeout"] });
        mock.method(performance, "now", () => now);
        throttle = new Throttle(1000, () => done.push(now));
    });
    afterEach(() => {
        mock.timers.reset();
        mock.restoreAll();
    });

    function pass(milliseconds: number): void {
        now += milliseconds;
        mock.timers.tick(milliseconds);
    }

    test("acts at once when it has not lately", () => {
        throttle.request();
        assert.deepEqual(done, [0]);
    });

    test("acts once for all that is asked meanwhile", () => {
        throttle.request();
        pass(250);
        throttle.request();
        pass(250);
        throttle.request();
        assert.deepEqual(done, [0]);
        pass(500);
        assert.deepEqual(done, [0, 1000]);
        pass(5000);
        assert.deepEqual(done, [0, 1000]);
    });

    test("does nothing any more when it is over", () => {
        throttle.request();
        throttle.request();
        throttle.dispose();
        pass(5000);
        assert.deepEqual(done, [0]);
    });
});
