/** `npm start`: from a fresh clone to VS Code with the extension in it. */
import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { parseArgs } from "node:util";
import { check } from "./check";
import { makePackage, root } from "./lib/build";
import { cacheDirectory } from "./lib/cache";
import { progress, run } from "./lib/run";
import { Vscode } from "../test/e2e/vscode";

const HELP = `npm start [-- OPTION…]

Installs what is missing, builds and packages the extension, and opens VS Code with it: the desktop
one when this computer has it, otherwise one in the browser, whose address is printed. Ctrl-C ends
the latter; containers run on.

  --check       do it unattended: run a container, use it, remove it; exit 0 when all of it worked
  --browser     the one in the browser even if there is a desktop one
  --port PORT   for the one in the browser; a free one by default
  --help        this text
`;

/** The open folder: where a person would begin. */
const FOLDER = homedir();

async function main(): Promise<void> {
    const { values } = parseArgs({
        options: {
            check: { type: "boolean" },
            browser: { type: "boolean" },
            port: { type: "string", default: "0" },
            help: { type: "boolean" },
        },
    });
    if (values.help === true) {
        process.stdout.write(HELP);
        return;
    }
    progress("building and packaging the extension");
    const vsix = await makePackage();
    if (values.check === true) {
        await check(vsix);
        return;
    }
    const desktop = values.browser === true ? undefined : findProgram("code");
    if (desktop === undefined) {
        await openInBrowser(vsix, Number(values.port));
    } else {
        await openDesktop(desktop, vsix);
    }
}

/** Looks a program up in PATH. */
function findProgram(name: string): string | undefined {
    const paths = (process.env.PATH ?? "").split(delimiter).map((dir) => join(dir, name));
    return paths.find((path) => {
        try {
            accessSync(path, constants.X_OK);
            return true;
        } catch {
            return false;
        }
    });
}

async function openDesktop(code: string, vsix: string): Promise<void> {
    progress(`installing the extension into ${code}`);
    // VS Code refuses root unless it is told so and where to keep its data.
    const data = join(cacheDirectory(), "desktop");
    const asRoot = process.getuid?.() === 0 ? ["--no-sandbox", "--user-data-dir", data] : [];
    await run(code, [...asRoot, "--install-extension", vsix, "--force"], { inherit: true });
    const window = spawn(code, [...asRoot, root], { stdio: "ignore", detached: true });
    window.unref();
    await new Promise((resolve, reject) => {
        window.once("spawn", resolve);
        window.once("error", reject);
    });
    progress("VS Code opens; its activity bar has Containers");
}

async function openInBrowser(vsix: string, port: number): Promise<void> {
    progress("starting VS Code");
    // Kept between runs, so that settings and layout stay as they were left.
    const directory = join(cacheDirectory(), "browser");
    const vscode = await Vscode.start({
        directory,
        extensions: [vsix],
        env: { HOME: homedir() },
        port,
    });
    const stop = new Promise<string>((resolve) => {
        process.once("SIGINT", () => resolve("ended; containers run on"));
        process.once("SIGTERM", () => resolve("ended; containers run on"));
        void vscode.ended().then(() => resolve("VS Code has ended"));
    });
    process.stdout.write(`VS Code ${vscode.version} with Containers in its activity bar:\n`);
    process.stdout.write(`    ${vscode.url}?folder=${encodeURIComponent(FOLDER)}\n`);
    process.stdout.write("Ctrl-C ends it.\n");
    progress(await stop);
    await vscode.stop();
}

void main().catch((error: unknown) => {
    progress(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
});
