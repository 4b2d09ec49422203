/** A running VS Code server, with its data in a directory that the caller owns. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { cacheDirectory } from "../../scripts/lib/cache";
import { progress, run } from "../../scripts/lib/run";
import { codeServer } from "../../scripts/lib/vscode";
import { eventually } from "../support/eventually";

export interface VscodeOptions {
    /** Holds everything that this VS Code keeps: settings, extensions, logs. Made if absent. */
    directory: string;
    /** Extensions to install first, as files. */
    extensions?: string[];
    /** Added to its environment, which the extension host inherits. */
    env?: Record<string, string | undefined>;
    /** User settings beside {@link QUIET_SETTINGS}; written only where there are none yet. */
    settings?: Record<string, unknown>;
    /** Words before the command, to run it as another user. */
    wrapper?: string[];
    /** That user, who is to own the directory. */
    owner?: number;
    /** 0, the default: a free one. */
    port?: number;
    /** Lets a test payload in the URL run; see test/host/code.ts. */
    smokeTestDriver?: boolean;
}

/** VS Code without what asks, moves or talks to the network by itself. */
const QUIET_SETTINGS = {
    "chat.disableAIFeatures": true,
    "extensions.autoCheckUpdates": false,
    "extensions.autoUpdate": false,
    "git.enabled": false,
    "security.workspace.trust.enabled": false,
    "telemetry.telemetryLevel": "off",
    "terminal.integrated.enablePersistentSessions": false,
    "terminal.integrated.gpuAcceleration": "off",
    "window.confirmBeforeClose": "never",
    "workbench.reduceMotion": "on",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": false,
};

/** Built-in extensions that would start here for nothing. */
const SKIPPED_BUILTINS = [
    "GitHub.copilot-chat",
    "vscode.git",
    "vscode.github",
    "vscode.microsoft-authentication",
];

export class Vscode {
    private constructor(
        /** Where a browser finds it, ends with "/". */
        readonly url: string,
        readonly port: number,
        readonly version: string,
        /** Its log files are below; an output channel is one of them. */
        readonly logDirectory: string,
        private readonly server: ChildProcess,
    ) {}

    /** Starts one; resolves when it answers. */
    static async start(options: VscodeOptions): Promise<Vscode> {
        const { command, version } = await codeServer();
        const data = join(options.directory, "data");
        await writeSettings(data, options.settings);
        await mkdir(join(options.directory, "tmp"), { recursive: true });
        if (options.owner !== undefined) {
            await run("chown", ["-R", `${options.owner}:${options.owner}`, options.directory]);
        }
        const port =
            options.port === undefined || options.port === 0 ? await freePort() : options.port;
        const common = [
            ...command,
            ...["--config", "/dev/null"],
            ...["--user-data-dir", data],
            ...["--extensions-dir", join(options.directory, "extensions")],
        ];
        const env = { ...environment(options.directory), ...options.env };
        const [program = "", ...args] = [...(options.wrapper ?? []), ...common];
        for (const extension of options.extensions ?? []) {
            await run(program, [...args, "--install-extension", extension, "--force"], { env });
        }
        const server = spawn(program, [...args, ...serverFlags(port, options)], {
            detached: true, // a process group of its own, so that all of it can be ended
            stdio: ["ignore", "pipe", "pipe"],
            env: { ...process.env, ...env },
        });
        const log = createWriteStream(join(options.directory, "server.log"));
        server.stdout.pipe(log);
        server.stderr.pipe(log);
        const url = `http://127.0.0.1:${port}/`;
        const vscode = new Vscode(url, port, version, join(data, "logs"), server);
        await vscode.ready(join(options.directory, "server.log"));
        return vscode;
    }

    private async ready(log: string): Promise<void> {
        try {
            await eventually(async () => {
                if (this.server.exitCode !== null) {
                    return "ended";
                }
                return (await fetch(`${this.url}healthz`)).ok && "ready";
            }, "VS Code answers").then((how) => {
                if (how === "ended") {
                    throw new Error(`VS Code ended with exit code ${this.server.exitCode}`);
                }
            });
        } catch (error) {
            await this.stop();
            throw new Error(`VS Code did not start; its log is ${log}`, { cause: error });
        }
    }

    /** Ends the server with its extension host and terminals. */
    async stop(): Promise<void> {
        const ended = new Promise<void>((resolve) => {
            if (this.server.exitCode !== null || this.server.signalCode !== null) {
                resolve();
            }
            this.server.once("exit", () => resolve());
        });
        this.signal("SIGTERM");
        const patience = setTimeout(() => this.signal("SIGKILL"), 5000);
        await ended;
        clearTimeout(patience);
        // The children that outlived it.
        this.signal("SIGKILL");
    }

    /** Resolves when the server has ended by itself. */
    async ended(): Promise<void> {
        await new Promise((resolve) => this.server.once("exit", resolve));
    }

    private signal(signal: NodeJS.Signals): void {
        try {
            process.kill(-(this.server.pid ?? 0), signal);
        } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== "ESRCH") {
                progress(`VS Code's process group: ${String(error)}`);
            }
        }
    }
}

function serverFlags(port: number, options: VscodeOptions): string[] {
    return [
        ...["--auth", "none"],
        ...["--bind-addr", `127.0.0.1:${port}`],
        "--disable-getting-started-override",
        "--disable-telemetry",
        "--disable-update-check",
        "--disable-workspace-trust",
        ...(options.smokeTestDriver === true
            ? ["--vscode-option", "enable-smoke-test-driver"]
            : []),
    ];
}

/** Its environment: an own home, no gallery, nothing of a VS Code that we may run inside of. */
function environment(home: string): Record<string, string | undefined> {
    const outer = Object.keys(process.env).filter((name) => /^(VSCODE|ELECTRON|npm)_/.test(name));
    return {
        ...Object.fromEntries(outer.map((name) => [name, undefined])),
        HOME: home,
        // Tests in the extension host use what is in the cache already.
        XDG_CACHE_HOME: dirname(cacheDirectory()),
        // Sockets and such that it does not remove.
        TMPDIR: join(home, "tmp"),
        EXTENSIONS_GALLERY: JSON.stringify({ serviceUrl: "" }),
        VSCODE_SKIP_BUILTIN_EXTENSIONS: SKIPPED_BUILTINS.join(","),
    };
}

async function writeSettings(data: string, own: Record<string, unknown> = {}): Promise<void> {
    const directory = join(data, "User");
    await mkdir(directory, { recursive: true });
    const settings = JSON.stringify({ ...QUIET_SETTINGS, ...own }, undefined, 4);
    await writeFile(join(directory, "settings.json"), settings, { flag: "wx" }).catch(
        (error: unknown) => {
            if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
                throw error;
            }
        },
    );
}

/** A port that nobody listens on at this moment. */
async function freePort(): Promise<number> {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    return port;
}
