/**
 * A real VS Code from the npm registry, and the newer Node that it and its tools need.
 *
 * code-server is VS Code with its editor in a browser and its extension host here, where the
 * containers are. Desktop VS Code is no npm package.
 */
import { readFile, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { ensurePackages } from "./apt";
import { cached } from "./cache";
import { progress, run } from "./run";

const NODE_VERSION = "24.21.0";
const CODE_SERVER_VERSION = "4.139.1";

/** Modules of VS Code's server that are compiled here; the others work without. */
const NATIVE_MODULES = ["@vscode/spdlog", "@vscode/native-watchdog"];

/** Parts of VS Code's server that serve only Copilot: half of what would be kept. */
const UNUSED_MODULES = ["@github", "@microsoft/mxc-sdk"];

/** A Node 24 of its own; vsce and code-server do not run on Node 20. */
export interface NewerNode {
    /** The program. */
    node: string;
    /** Directory of the installation, with its headers. */
    directory: string;
    /** For programs that should find this Node first. */
    env: Record<string, string>;
}

/** Installs Node 24 into the cache, once. */
export async function newerNode(): Promise<NewerNode> {
    const name = `node-linux-${process.arch}`;
    const home = await cached(`node-${NODE_VERSION}`, async (directory) => {
        progress(`installing Node ${NODE_VERSION} (once)`);
        await npmInstall(directory, `${name}@${NODE_VERSION}`);
    });
    const directory = join(home, "node_modules", name);
    const bin = join(directory, "bin");
    const env = {
        PATH: `${bin}${delimiter}${process.env.PATH ?? ""}`,
        npm_config_nodedir: directory,
    };
    return { node: join(bin, "node"), directory, env };
}

/** An installed VS Code server. */
export interface CodeServer {
    /** Arguments of the program start with its main module; `node` runs it. */
    command: [node: string, main: string];
    version: string;
}

/** Installs code-server into the cache, once; that takes about a minute. */
export async function codeServer(): Promise<CodeServer> {
    const { node, env } = await newerNode();
    const home = await cached(`code-server-${CODE_SERVER_VERSION}`, async (directory) => {
        await ensurePackages(["g++", "make", "python3"]);
        progress("installing VS Code (once): downloading, 1 of 3");
        await npmInstall(directory, `code-server@${CODE_SERVER_VERSION}`);
        const vscode = join(directory, "node_modules/code-server/lib/vscode");
        progress("installing VS Code (once): its modules, 2 of 3");
        const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
        // Without their install scripts: kerberos would download a binary.
        const install = ["install", "--omit=dev", "--ignore-scripts", ...quiet];
        await run("npm", install, { cwd: vscode, env });
        progress("installing VS Code (once): compiling two modules, 3 of 3");
        const rebuild = ["rebuild", "--ignore-scripts=false", ...quiet, ...NATIVE_MODULES];
        await run("npm", rebuild, { cwd: vscode, env });
        for (const name of UNUSED_MODULES) {
            await rm(join(vscode, "node_modules", name), { recursive: true, force: true });
        }
    });
    const installed = join(home, "node_modules/code-server");
    const manifest = await readFile(join(installed, "lib/vscode/package.json"), "utf8");
    return {
        command: [node, join(installed, "out/node/entry.js")],
        version: (JSON.parse(manifest) as { version: string }).version,
    };
}

async function npmInstall(directory: string, ...packages: string[]): Promise<void> {
    await writeFile(join(directory, "package.json"), '{ "private": true }\n');
    const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    await run("npm", ["install", ...flags, ...packages], { cwd: directory });
}
