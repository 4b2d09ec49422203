/**
 * What @vscode/test-electron starts in place of desktop VS Code, which cannot be had everywhere: a
 * VS Code server and a headless browser, in whose extension host the tests run. Takes the arguments
 * of `code`, prints what the tests log, and exits with their exit code.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { progress } from "../../scripts/lib/run";
import { Browser } from "../e2e/browser";
import { Vscode } from "../e2e/vscode";
import { Undo } from "../support/undo";

/** For the whole run, in milliseconds. Then something hangs. */
const LIMIT_MS = 240_000;

/** Exit code of a run that was longer than that; timeout(1) has the same. */
const TIMED_OUT = 124;

/** Value of `--NAME=VALUE`. */
function argument(name: string): string | undefined {
    const prefix = `--${name}=`;
    return process.argv.find((text) => text.startsWith(prefix))?.slice(prefix.length);
}

/** The address of a window that runs the tests. */
function address(vscode: Vscode, folder: string): string {
    const remote = (path: string): string =>
        `vscode-remote://127.0.0.1:${vscode.port}${encodeURI(path)}`;
    const payload = ["extensionDevelopmentPath", "extensionTestsPath"].map((name) => {
        const path = argument(name);
        if (path === undefined) {
            throw new Error(
                `--${name} is missing; this program runs extension tests and nothing else`,
            );
        }
        return [name, remote(path)];
    });
    const query = new URLSearchParams({ folder, payload: JSON.stringify(payload) });
    return `${vscode.url}?${query.toString().replace(/\+/g, "%20")}`;
}

/** Loads the window and resolves to the tests' exit code. */
async function runTests(browser: Browser, url: string): Promise<number> {
    const limit = new Promise<number>((resolve) => {
        setTimeout(() => {
            progress(`the tests have not ended after ${LIMIT_MS / 1000} s`);
            resolve(TIMED_OUT);
        }, LIMIT_MS).unref();
    });
    const exit = new Promise<number>((resolve, reject) => {
        const { page } = browser;
        Promise.all([
            page.exposeFunction("codeAutomationLog", log),
            page.exposeFunction("codeAutomationExit", resolve),
        ])
            .then(() => page.goto(url))
            .catch(reject);
    });
    return Promise.race([exit, limit]);
}

function log(_level: string, parts: unknown[]): void {
    process.stdout.write(`${parts.map(String).join(" ")}\n`);
}

async function main(): Promise<number> {
    const directory = await mkdtemp(join(tmpdir(), "mcm host "));
    const undo = new Undo();
    undo.add(() => rm(directory, { recursive: true }));
    try {
        const vscode = await Vscode.start({
            directory: join(directory, "home"),
            smokeTestDriver: true,
        });
        undo.add(() => vscode.stop());
        const browser = await Browser.start();
        undo.add(() => browser.stop());
        return await runTests(browser, address(vscode, directory));
    } finally {
        await undo.all();
    }
}

void main().then(
    (exitCode) => (process.exitCode = exitCode),
    (error: unknown) => {
        progress(String(error));
        process.exitCode = 1;
    },
);
