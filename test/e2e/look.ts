/**
 * Opens the extension in the real VS Code and does what lines on stdin or arguments say, to look at
 * it while working on it: `node --import tsx test/e2e/look.ts containers 'picture view'`.
 */
import { createInterface } from "node:readline";
import { makePackage } from "../../scripts/lib/build";
import { progress } from "../../scripts/lib/run";
import { openDesk } from "./desk";
import type { Desk } from "./desk";

/** A step's name, what it does with the rest of its line, and how to write it. */
const STEPS: Record<string, [usage: string, action: (desk: Desk, text: string) => unknown]> = {
    containers: ["containers", ({ workbench }) => workbench.showContainers()],
    command: ["command TITLE", ({ workbench }, title) => workbench.command(title)],
    rows: ["rows", ({ workbench }) => workbench.rows()],
    hover: ["hover ROW", ({ workbench }, row) => workbench.hoverText(workbench.row(row))],
    menu: [
        "menu ROW > ITEM (without ITEM: lists them)",
        ({ workbench }, text) => {
            const [row = "", item] = text.split(" > ");
            return item === undefined
                ? workbench.rowMenuItems(workbench.row(row))
                : workbench.rowMenu(workbench.row(row), item);
        },
    ],
    action: [
        "action ROW > LABEL",
        ({ workbench }, text) => {
            const [row = "", label = ""] = text.split(" > ");
            return workbench.rowAction(workbench.row(row), label);
        },
    ],
    pick: [
        "pick TEXT (from the list that is open)",
        ({ workbench }, row) => workbench.pick("", row),
    ],
    answer: ["answer TEXT (to the question)", ({ workbench }, text) => workbench.answer("", text)],
    button: [
        "button LABEL (of the dialog)",
        ({ workbench }, label) => workbench.dialogButton(label),
    ],
    key: ["key NAME", ({ browser }, name) => browser.page.keyboard.press(name)],
    type: ["type TEXT (into the terminal, then Enter)", typeLine],
    terminal: ["terminal", ({ workbench }) => workbench.terminalText()],
    editor: ["editor", ({ workbench }) => workbench.editorText()],
    click: ["click SELECTOR", ({ browser }, selector) => browser.page.locator(selector).click()],
    text: ["text SELECTOR", ({ browser }, selector) => browser.page.innerText(selector)],
    wait: [
        "wait SECONDS",
        (_, seconds) => new Promise((go) => setTimeout(go, Number(seconds) * 1000)),
    ],
    picture: ["picture NAME", ({ picture }, name) => picture(name)],
    problems: ["problems (of the page's console)", ({ browser }) => browser.problems],
    directory: ["directory (of VS Code's logs)", ({ vscode }) => vscode.logDirectory],
};

function typeLine({ workbench }: Desk, text: string): Promise<void> {
    return workbench.type(`${text}\n`);
}

async function perform(desk: Desk, line: string): Promise<void> {
    const [name = "", ...rest] = line.trim().split(" ");
    const step = STEPS[name];
    if (step === undefined) {
        throw new Error(`no step ${name}; there are:\n  ${usages().join("\n  ")}`);
    }
    const result = await step[1](desk, rest.join(" "));
    progress(`${line}${result === undefined ? "" : `\n${show(result)}`}`);
}

function usages(): string[] {
    return Object.values(STEPS).map(([usage]) => usage);
}

function show(result: unknown): string {
    return typeof result === "string" ? result : JSON.stringify(result, undefined, 4);
}

/** Lines of stdin; one that fails is told and the next awaited. */
async function interactive(desk: Desk): Promise<void> {
    progress(`ready; one step a line:\n  ${usages().join("\n  ")}`);
    for await (const line of createInterface({ input: process.stdin })) {
        if (line.trim() !== "") {
            await perform(desk, line).catch((error: unknown) => progress(String(error)));
        }
    }
}

async function main(): Promise<void> {
    const steps = process.argv.slice(2);
    const desk = await openDesk(await makePackage());
    try {
        if (steps.length === 0) {
            await interactive(desk);
        }
        for (const step of steps) {
            await perform(desk, step);
        }
    } catch (error) {
        progress(`this is how it looked: ${await desk.picture("failed")}`);
        throw error;
    } finally {
        await desk.dispose();
    }
}

void main().catch((error: unknown) => {
    progress(String(error));
    process.exitCode = 1;
});
