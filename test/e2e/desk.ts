/** Everything for using the extension as a person does: VS Code, a browser, state of its own. */
import { mkdtemp, mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../support/fixtures";
import { temporaryRoots } from "../support/roots";
import type { TemporaryRoots } from "../support/roots";
import { Browser } from "./browser";
import { Vscode } from "./vscode";
import { Workbench } from "./workbench";

export interface Desk {
    vscode: Vscode;
    browser: Browser;
    workbench: Workbench;
    roots: TemporaryRoots;
    /** An empty folder, open in VS Code. */
    folder: string;
    /** Writes out/pictures/NAME.png and returns its path. */
    picture(name: string): Promise<string>;
    /** Ends all and removes all; throws when something of a container was left. */
    dispose(): Promise<void>;
}

/** Opens VS Code with the packaged extension in a browser, with nothing done in it yet. */
export async function openDesk(vsix: string): Promise<Desk> {
    const directory = await mkdtemp(join(tmpdir(), "mcm desk "));
    const folder = join(directory, "project");
    await mkdir(folder);
    const roots = await temporaryRoots();
    const undo: (() => Promise<void>)[] = [
        () => rm(directory, { recursive: true }),
        () => roots.dispose(),
    ];
    const dispose = async (): Promise<void> => {
        for (const step of undo.splice(0).reverse()) {
            await step();
        }
    };
    try {
        const home = join(directory, "home");
        const vscode = await Vscode.start({ directory: home, extensions: [vsix], env: roots.env });
        undo.push(() => vscode.stop());
        const browser = await Browser.start();
        undo.push(() => browser.stop());
        const workbench = new Workbench(browser.page);
        await workbench.open(vscode.url, folder);
        const picture = async (name: string): Promise<string> => {
            const path = join(root, "out/pictures", `${name}.png`);
            await browser.screenshot(path);
            return path;
        };
        return { vscode, browser, workbench, roots, folder, picture, dispose };
    } catch (error) {
        await dispose();
        throw error;
    }
}
