/** `mcm diff`: what a container has changed relative to its root file system. */
import { ChangesRequest, type ContainerChanges, type FileChange } from "../protocol";
import { printJson, type Context } from "./context";
import { EXIT } from "./errors";
import type { JsonOption } from "./show";
import { printable } from "./text";

const LETTERS = { added: "A", modified: "M", deleted: "D" } as const;

/** One line a change: "A /etc/new". A directory ends with a slash. */
export function diffLines({ changes }: ContainerChanges): string {
    return changes.map((change) => `${LETTERS[change.change]} ${nameOf(change)}\n`).join("");
}

function nameOf({ path, type }: FileChange): string {
    return printable(type === "directory" ? `${path}/` : path);
}

/** `mcm diff ID`. */
export function diff(container: string, options: JsonOption, context: Context): Promise<number> {
    return context.withClient(async (client) => {
        const result = await client.request(ChangesRequest, { container });
        if (options.json) {
            printJson(context, result);
            return EXIT.ok;
        }
        context.io.stdout.write(diffLines(result));
        if (result.leftOut > 0) {
            context.io.stderr.write(`mcm: ${result.leftOut} more are not shown\n`);
        }
        return EXIT.ok;
    });
}
