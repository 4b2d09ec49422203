/** The keys that leave a container's terminal without ending anything. */

const CTRL_P = 0x10;
const CTRL_Q = 0x11;

/** Watches what is typed for ctrl-p ctrl-q; a ctrl-p waits for the key after it. */
export class DetachKeys {
    private held = false;

    /** What of `typed` goes to the container, and whether the keys came. */
    filter(typed: Buffer): { input: Buffer; detached: boolean } {
        const bytes = this.held ? Buffer.concat([Buffer.of(CTRL_P), typed]) : typed;
        const keys = bytes.indexOf(Buffer.of(CTRL_P, CTRL_Q));
        if (keys >= 0) {
            return { input: bytes.subarray(0, keys), detached: true };
        }
        this.held = bytes.at(-1) === CTRL_P;
        return { input: this.held ? bytes.subarray(0, -1) : bytes, detached: false };
    }
}
