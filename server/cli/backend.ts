/** `mcm backend`: the process that serves one user's clients. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { BackendInfoRequest, BackendShutdownRequest, type BackendInfo } from "../protocol";
import { startCommand } from "../launch";
import { connectToSocket } from "./connect";
import type { Client } from "./client";
import { printJson, type Context } from "./context";
import { CliError, EXIT } from "./errors";
import { formatAgo } from "./format";
import type { JsonOption } from "./show";
import { formatFields } from "./table";
import { printable } from "./text";

/** Whose backend: this user's own unless root names another. */
export interface UidOption {
    uid?: number;
}

/** The lines of `mcm backend info`. */
export function backendFields(info: BackendInfo, now: number): string {
    const controllers = Object.entries(info.controllers).map(([name, where]) => `${name} ${where}`);
    return formatFields([
        ["Version", `${info.version}, protocol ${info.protocolVersion}`],
        ["PID", String(info.pid)],
        ["Serves uid", String(info.servesUid)],
        ["Started", formatAgo(info.startedAt, now)],
        ["Clients", String(info.clients)],
        ["Kernel", info.kernel],
        ["Cgroups", info.cgroups],
        ["Controllers", controllers.join(", ")],
        ["State", info.stateDirectory],
        ["Runtime", info.runDirectory],
        ["Log", info.log || undefined],
    ]);
}

/** `mcm backend info`. */
export function backendInfo(
    { json, uid }: JsonOption & UidOption,
    context: Context,
): Promise<number> {
    const show = async (client: Client): Promise<number> => {
        const info = await client.ask(BackendInfoRequest);
        if (json) {
            printJson(context, info);
        } else {
            context.io.stdout.write(backendFields(info, Date.now()));
        }
        return EXIT.ok;
    };
    return uid === undefined ? context.withClient(show) : withBackend(uid, show);
}

/** `mcm backend stop`: containers run on. */
export async function backendStop({ uid }: UidOption): Promise<number> {
    await withBackend(uid ?? ownUid(), (client) => client.ask(BackendShutdownRequest));
    return EXIT.ok;
}

/** Calls `action` with a connection to the backend of just this user. */
export async function withBackend<T>(
    uid: number,
    action: (client: Client) => Promise<T>,
): Promise<T> {
    const client = await connectToSocket(uid);
    try {
        return await action(client);
    } finally {
        client.close();
    }
}

/** `mcm backend start --uid N`: prints the socket once it can be used. */
export async function backendStart(
    { uid = ownUid() }: UidOption,
    context: Context,
): Promise<number> {
    if (ownUid() !== 0) {
        throw new CliError(
            `only root can start a backend; use: sudo mcm backend start --uid ${uid}`,
        );
    }
    const [program = "", ...args] = startCommand(
        process.execPath,
        join(__dirname, "server.js"),
        uid,
    );
    const answer = await outputOf(program, args);
    const [, socket] = /^ready (.+)$/m.exec(answer) ?? [];
    if (socket === undefined) {
        throw new CliError(printable(answer) || "the backend did not start, and did not say why");
    }
    context.io.stdout.write(`${socket}\n`);
    return EXIT.ok;
}

function ownUid(): number {
    return process.getuid?.() ?? 0;
}

/** What a program prints to stdout until it ends. */
function outputOf(program: string, args: string[]): Promise<string> {
    return new Promise((resolve, reject) => {
        const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
        let output = "";
        child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
        child.on("error", reject);
        child.on("close", () => resolve(output));
    });
}
