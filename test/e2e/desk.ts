/** Everything for using the extension as a person does: VS Code, a browser, state of its own. */
import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../support/fixtures";
import { temporaryRoots } from "../support/roots";
import { Undo } from "../support/undo";
import { Browser } from "./browser";
import { Vscode } from "./vscode";
import type { VscodeOptions } from "./vscode";
import { Workbench } from "./workbench";

export interface Desk {
    vscode: Vscode;
    browser: Browser;
    workbench: Workbench;
    /** Environment of the extension host, so that programs started outside find its containers. */
    env: Record<string, string | undefined>;
    /** An empty folder, open in VS Code. */
    folder: string;
    /** Writes out/pictures/NAME.png and returns its path. */
    picture: (name: string) => Promise<string>;
    /** Ends all and removes all; throws when something of a container was left. */
    dispose(): Promise<void>;
}

/** For another user than root, who then owns the directory and has this computer's own state. */
export type Elsewhere = Required<Pick<VscodeOptions, "directory" | "wrapper" | "owner">>;

/** Opens VS Code with the packaged extension in a browser, with nothing done in it yet. */
export async function openDesk(vsix: string, elsewhere?: Elsewhere): Promise<Desk> {
    const undo = new Undo();
    try {
        const place: VscodeOptions = elsewhere ?? (await ownPlace(undo));
        const folder = join(place.directory, "project");
        const extension = join(place.directory, "extension.vsix");
        await mkdir(folder, { recursive: true });
        await copyFile(vsix, extension);
        const vscode = await Vscode.start({ ...place, extensions: [extension] });
        undo.add(() => vscode.stop());
        const browser = await Browser.start();
        undo.add(() => browser.stop());
        const workbench = new Workbench(browser.page);
        await workbench.open(vscode.url, folder);
        const picture = async (name: string): Promise<string> => {
            const path = join(root, "out/pictures", `${name}.png`);
            await browser.screenshot(path);
            return path;
        };
        const dispose = (): Promise<void> => undo.all();
        return { vscode, browser, workbench, env: place.env ?? {}, folder, picture, dispose };
    } catch (error) {
        await undo.all();
        throw error;
    }
}

/** A home, and directories for the containers' state. */
async function ownPlace(undo: Undo): Promise<VscodeOptions> {
    const directory = await mkdtemp(join(tmpdir(), "mcm desk "));
    undo.add(() => rm(directory, { recursive: true }));
    const roots = await temporaryRoots();
    undo.add(() => roots.dispose());
    return { directory, env: roots.env };
}
