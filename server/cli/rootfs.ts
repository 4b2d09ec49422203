/** `mcm rootfs`: root file systems to make containers from. */
import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { CancellationTokenSource } from "vscode-jsonrpc";
import {
    ImportProgress,
    RootfsImportRequest,
    RootfsListRequest,
    RootfsRemoveRequest,
    type RootfsInfo,
} from "../protocol";
import { printJson, remark, type Context } from "./context";
import { describeError, EXIT } from "./errors";
import { formatAgo, formatBytes } from "./format";
import { untilInterrupted } from "./interrupt";
import type { JsonOption } from "./show";
import { formatTable, shorten } from "./table";
import { printable } from "./text";

/** Characters of a source that the table shows. */
const SOURCE_LIMIT = 60;

/** The table of `mcm rootfs list`. */
export function rootfsTable(infos: readonly RootfsInfo[], now: number): string {
    return formatTable(
        [
            { heading: "NAME" },
            { heading: "SIZE", align: "right" },
            { heading: "IMPORTED" },
            { heading: "USED BY" },
            { heading: "SOURCE" },
        ],
        infos.map(({ name, size, importedAt, usedBy, source }) => [
            name,
            formatBytes(size),
            formatAgo(importedAt, now),
            usedBy.join(", "),
            shorten(source, SOURCE_LIMIT),
        ]),
    );
}

/** `mcm rootfs list`. */
export function listRootfs({ json }: JsonOption, context: Context): Promise<number> {
    return context.withClient(async (client) => {
        const infos = await client.ask(RootfsListRequest);
        if (json) {
            printJson(context, infos);
        } else {
            context.io.stdout.write(rootfsTable(infos, Date.now()));
        }
        return EXIT.ok;
    });
}

/** `mcm rootfs import NAME SOURCE`: shows its progress on a terminal, Ctrl-C takes it back. */
export function importRootfs(name: string, source: string, context: Context): Promise<number> {
    const { stderr, stdout } = context.io;
    return context.withClient(async (client) => {
        const token = randomUUID();
        if (stderr.isTTY) {
            client.onProgress(ImportProgress, token, ({ entries, bytes }) => {
                stderr.write(
                    `\r${entries} ${entries === 1 ? "file" : "files"}, ${formatBytes(bytes)}\x1b[K`,
                );
            });
        }
        const cancellation = new CancellationTokenSource();
        const request = client.request(
            RootfsImportRequest,
            { name, source: resolve(source), token },
            cancellation.token,
        );
        try {
            const { interrupted } = await untilInterrupted(request, () => cancellation.cancel());
            if (interrupted) {
                await request.catch(() => undefined); // until everything is taken back
                remark(context, `the import of ${printable(name)} was interrupted and taken back`);
                return 130;
            }
        } finally {
            if (stderr.isTTY) {
                stderr.write("\r\x1b[K");
            }
        }
        stdout.write(`${printable(name)}\n`);
        return EXIT.ok;
    });
}

/** `mcm rootfs rm NAME…`. */
export function removeRootfs(names: string[], context: Context): Promise<number> {
    return context.withClient(async (client) => {
        let exitCode: number = EXIT.ok;
        for (const name of names) {
            try {
                await client.request(RootfsRemoveRequest, { name });
                context.io.stdout.write(`${printable(name)}\n`);
            } catch (error) {
                remark(context, describeError(error));
                exitCode = EXIT.failed;
            }
        }
        return exitCode;
    });
}
