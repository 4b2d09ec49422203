/** Containers whose command waits for signals, and for what it says of them. */
import { eventually } from "../support/fixtures";
import type { Container, Running } from "./executor";

/** Waits until the container's log has a line that ends with `text`. */
export async function logged(container: Container, text: string): Promise<void> {
    await eventually(
        () => container.logLines().some((line) => line.endsWith(` ${text}`)),
        `logged: ${text}`,
    );
}

/** Starts a shell that sets `traps` and waits; it is ready to be signalled. */
export async function startWaiting(container: Container, traps: string): Promise<Running> {
    const script = `${traps}; echo ready; while :; do sleep 0.05; done`;
    const running = await container.start(["/bin/sh", "-c", script]);
    await logged(container, "ready");
    return running;
}
