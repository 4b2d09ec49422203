/**
 * VS Code's window as a person uses it. All that the tests know of its DOM stands in this file.
 */
import { basename } from "node:path";
import type { Locator, Page } from "playwright-core";
import { eventually } from "../support/eventually";

/** Of the extension, as VS Code composes it for status bar items. */
const EXTENSION_ID = "my-container-manager.my-container-manager";

const SELECTORS = {
    activity: ".activitybar .action-label",
    button: ".monaco-button",
    contextMenu: ".monaco-menu .action-menu-item",
    dialog: ".monaco-dialog-box",
    dialogButton: ".dialog-buttons .monaco-button",
    hover: ".monaco-hover.workbench-hover",
    paneHeader: ".sidebar .pane-header",
    quickInput: ".quick-input-widget",
    quickInputMessage: ".quick-input-message",
    quickInputRow: ".quick-input-list .monaco-list-row",
    row: ".sidebar .monaco-list-row[role=treeitem]",
    rowAction: ".actions .action-label",
    statusItem: ".statusbar-item",
    terminal: ".part.panel .terminal-wrapper.active",
    terminalInput: "textarea.xterm-helper-textarea",
    terminalTab: ".part.panel .terminal-tabs-entry, .part.panel .single-terminal-tab",
    toast: ".notification-toast",
    welcome: ".sidebar .welcome-view",
    workbench: ".monaco-workbench .statusbar",
};

/** A menu takes no click in its first moments, so that a double click does not choose from it. */
const MENU_GUARD_MS = 250;

/** Time for what starts a process or the extension host on a busy computer. */
const SLOW_MS = 60_000;

export class Workbench {
    constructor(readonly page: Page) {
        page.setDefaultTimeout(30_000);
    }

    /** Opens the window at a folder and waits until it is drawn. */
    async open(url: string, folder: string): Promise<void> {
        await this.page.goto(`${url}?folder=${encodeURIComponent(folder)}`);
        await this.page.locator(SELECTORS.workbench).waitFor({ timeout: SLOW_MS });
    }

    // ------------------------------------------------------------------------------ commands

    /** Runs a command by its title, by typing it into the palette. */
    async command(title: string): Promise<void> {
        const row = this.page
            .locator(SELECTORS.quickInputRow)
            .filter({ has: this.page.getByText(title, { exact: true }) })
            .first();
        // Commands come with their extensions, and a palette that is open does not see them come.
        await eventually(
            async () => {
                await this.page.keyboard.press("Escape");
                await this.page.keyboard.press("F1");
                await this.page.locator(`${SELECTORS.quickInput} input`).fill(`>${title}`);
                await row.click({ timeout: 1000 });
                return true;
            },
            `the command "${title}" in the palette`,
            SLOW_MS,
        );
    }

    /** Shows our view container. */
    async showContainers(): Promise<void> {
        const icon = this.page.locator(`${SELECTORS.activity}[aria-label^="Containers"]`);
        await icon.waitFor({ timeout: SLOW_MS });
        if (
            (await this.page.locator(SELECTORS.paneHeader, { hasText: "Containers" }).count()) === 0
        ) {
            await icon.click();
        }
    }

    // ---------------------------------------------------------------------------------- tree

    /** The row whose label has this text. */
    row(text: string): Locator {
        return this.page.locator(SELECTORS.row).filter({ hasText: text });
    }

    /** Labels with descriptions of all rows that are drawn, from the top. */
    async rows(): Promise<string[]> {
        return this.page.locator(SELECTORS.row).allInnerTexts();
    }

    /** Clicks one of a row's inline icons by its tooltip. */
    async rowAction(row: Locator, label: string): Promise<void> {
        await row.hover();
        await row.locator(`${SELECTORS.rowAction}[aria-label^="${label}"]`).click();
    }

    /** Chooses from a row's context menu. */
    async rowMenu(row: Locator, item: string): Promise<void> {
        await row.click({ button: "right" });
        const entry = this.page
            .locator(SELECTORS.contextMenu)
            .filter({ hasText: new RegExp(`^${escape(item)}`) })
            .first();
        await entry.waitFor();
        await this.page.waitForTimeout(MENU_GUARD_MS);
        await entry.click();
    }

    /** Labels in a row's context menu, which is closed again. */
    async rowMenuItems(row: Locator): Promise<string[]> {
        await row.click({ button: "right" });
        const items = this.page.locator(SELECTORS.contextMenu);
        await items.first().waitFor();
        const texts = (await items.allInnerTexts()).map((text) => text.trim());
        await this.page.keyboard.press("Escape");
        return texts.filter((text) => text !== "");
    }

    /** Moves the pointer to where nothing answers to it. */
    async leave(): Promise<void> {
        await this.page.mouse.move(700, 300);
        await this.page.locator(SELECTORS.hover).waitFor({ state: "hidden" });
    }

    /** Text of what appears when the pointer rests on something. */
    async hoverText(target: Locator): Promise<string> {
        await this.leave();
        const hover = this.page.locator(SELECTORS.hover);
        return eventually(
            async () => {
                // A row that is drawn again before its hover shows, as a busy container's is every
                // second, forgets the pointer on it until that moves from part to part.
                await this.page.mouse.move(700, 300);
                await target.hover();
                await hover.waitFor({ timeout: 1500 });
                // Fails when another takes its place: with the figures, when those have come.
                await hover.evaluate(atRest);
                return plain(await hover.innerText());
            },
            "a hover",
            SLOW_MS,
        );
    }

    /** The welcome text of an empty view. */
    welcome(): Locator {
        return this.page.locator(SELECTORS.welcome);
    }

    /** Presses a button of the welcome text. */
    async welcomeButton(label: string | RegExp): Promise<void> {
        const button = this.welcome().locator(SELECTORS.button, { hasText: label });
        // The text is there before the extension host is.
        await button.click({ timeout: SLOW_MS });
    }

    // --------------------------------------------------------------------------- quick input

    /** Waits for a question and types an answer, without sending it. */
    async fill(text: string): Promise<void> {
        await this.page.locator(`${SELECTORS.quickInput} input`).fill(text);
    }

    /** Title and placeholder of the question that is asked now. */
    quickInput(): Locator {
        return this.page.locator(SELECTORS.quickInput);
    }

    /** Types an answer to the question with this title or prompt and sends it. */
    async answer(question: string | RegExp, text: string): Promise<void> {
        await this.question(question);
        await this.fill(text);
        await this.page.keyboard.press("Enter");
    }

    /** Chooses from the list of the question with this title or prompt. */
    async pick(question: string | RegExp, label: string): Promise<void> {
        await this.question(question);
        // A row under the resting pointer shows a hover, which would lie on the rows below it.
        await this.page.mouse.move(0, 0);
        const named = this.page.getByText(label, { exact: true });
        await this.page.locator(SELECTORS.quickInputRow).filter({ has: named }).first().click();
    }

    /** Chooses several from the list of the question with this title or prompt. */
    async pickSeveral(question: string | RegExp, ...labels: string[]): Promise<void> {
        for (const label of labels) {
            await this.pick(question, label);
        }
        await this.page.keyboard.press("Enter");
    }

    /** Answers VS Code's dialog for files and folders with a path. */
    async chooseFile(path: string): Promise<void> {
        const choose = this.quickInput().locator(SELECTORS.button, { hasText: "Choose" });
        await choose.waitFor();
        // Once it lists the folder that it begins with, it leaves the input alone.
        const listed = this.page.locator(SELECTORS.quickInputRow).filter({ hasText: ".." });
        await listed.first().waitFor();
        await this.fill(path);
        // It takes a path only when it has read the directory that it is in.
        const name = this.page.getByText(basename(path), { exact: true });
        await this.page.locator(SELECTORS.quickInputRow).filter({ has: name }).waitFor();
        await choose.click();
    }

    /** Waits until the question says something like this about the answer that stands there. */
    async validation(text: RegExp): Promise<void> {
        await this.page.locator(SELECTORS.quickInputMessage, { hasText: text }).waitFor();
    }

    /** Waits for the question with this title or prompt. */
    async question(question: string | RegExp): Promise<void> {
        const widget = this.page.locator(SELECTORS.quickInput);
        await widget.waitFor();
        await eventually(
            async () => {
                const placeholder = await widget.locator("input").getAttribute("placeholder");
                const text = `${await widget.innerText()}\n${placeholder ?? ""}`;
                return typeof question === "string" ? text.includes(question) : question.test(text);
            },
            `the question ${String(question)}`,
        );
    }

    /** Calls off questions and closes notifications, which would take an Escape for themselves. */
    async dismiss(): Promise<void> {
        await this.page.keyboard.press("Escape");
        await this.command("Notifications: Clear All Notifications");
        await this.toasts().waitFor({ state: "detached" });
    }

    // -------------------------------------------------------------- dialogs and notifications

    /** Text of the modal dialog, once there is one. */
    async dialog(): Promise<string> {
        const dialog = this.page.locator(SELECTORS.dialog);
        await dialog.waitFor();
        return dialog.innerText();
    }

    /** Presses a button of the modal dialog. */
    async dialogButton(label: string): Promise<void> {
        await this.page
            .locator(`${SELECTORS.dialog} ${SELECTORS.dialogButton}`, { hasText: label })
            .first()
            .click();
        await this.page.locator(SELECTORS.dialog).waitFor({ state: "hidden" });
    }

    /** Notifications that are shown now. */
    toasts(): Locator {
        return this.page.locator(SELECTORS.toast);
    }

    // ----------------------------------------------------------------------------- status bar

    /** An item of our extension. */
    statusItem(item: string): Locator {
        return this.page.locator(`${SELECTORS.statusItem}[id="${EXTENSION_ID}.${item}"]`);
    }

    // ------------------------------------------------------------------------------ terminal

    /** Titles of the open terminals. */
    async terminalTitles(): Promise<string[]> {
        return this.page.locator(SELECTORS.terminalTab).allInnerTexts();
    }

    /** Types into the active terminal; a newline is Enter. */
    async type(text: string): Promise<void> {
        // A palette that is just closing takes the focus along.
        await this.quickInput().waitFor({ state: "hidden" });
        const input = this.page.locator(`${SELECTORS.terminal} ${SELECTORS.terminalInput}:focus`);
        await eventually(async () => {
            await this.page.locator(`${SELECTORS.terminal} ${SELECTORS.terminalInput}`).focus();
            return (await input.count()) > 0;
        }, "the terminal has the focus");
        for (const [index, line] of text.split("\n").entries()) {
            if (index > 0) {
                await this.page.keyboard.press("Enter");
            }
            await this.page.keyboard.type(line);
        }
    }

    /** Presses a key, for example "Control+C", in the active terminal. */
    async press(key: string): Promise<void> {
        await this.page.locator(`${SELECTORS.terminal} ${SELECTORS.terminalInput}`).press(key);
    }

    /** What the active terminal shows and has scrolled away, wrapped lines joined, blank end cut. */
    async terminalText(): Promise<string> {
        return this.page.locator(SELECTORS.terminal).evaluate(readTerminal);
    }

    /** Number in the palette of the colour in which the active terminal shows a text; -1: default. */
    async terminalColour(text: string): Promise<number | undefined> {
        return this.page.locator(SELECTORS.terminal).evaluate(colourOf, text);
    }

    /** Waits until a terminal with this in its title is the active one. */
    async terminalOpens(title: string): Promise<void> {
        await this.page.locator(SELECTORS.terminal).waitFor();
        await eventually(
            async () => (await this.terminalTitles()).some((text) => text.includes(title)),
            `a terminal titled ${title}`,
        );
    }

    /** Closes every terminal, if there is one. */
    async closeTerminals(): Promise<void> {
        if ((await this.page.locator(SELECTORS.terminal).count()) === 0) {
            return;
        }
        await this.command("Terminal: Kill All Terminals");
        await this.page.locator(SELECTORS.terminal).waitFor({ state: "detached" });
    }

    /** Makes the panel as high as the window, or as it was. */
    async maximizePanel(maximize: boolean): Promise<void> {
        const label = maximize ? "Maximize Panel" : "Restore Panel";
        await this.page.locator(`.part.panel [aria-label^="${label}"]`).click();
    }

    /** Rows and columns of the active terminal. */
    async terminalSize(): Promise<{ rows: number; columns: number }> {
        return this.page
            .locator(SELECTORS.terminal)
            .evaluate(({ xterm }: TerminalElement) => ({ rows: xterm.rows, columns: xterm.cols }));
    }

    /** Waits until a shell in the active terminal waits for a command. */
    async terminalPrompts(): Promise<void> {
        await this.terminalShows(/[#$]$/);
    }

    /** Waits until the active terminal has this text, and returns all of its text. */
    async terminalShows(text: string | RegExp): Promise<string> {
        return eventually(
            async () => {
                const all = await this.terminalText();
                return (typeof text === "string" ? all.includes(text) : text.test(all)) && all;
            },
            `the terminal shows ${String(text)}`,
        );
    }

    // -------------------------------------------------------------------------------- editor

    /** Text of the lines that the active editor draws. */
    async editorText(): Promise<string> {
        const lines = this.page.locator(".editor-group-container.active .view-lines .view-line");
        return plain((await lines.allInnerTexts()).join("\n"));
    }
}

/** The part of xterm.js' buffer that is read. */
interface TerminalElement {
    xterm: {
        rows: number;
        cols: number;
        buffer: {
            active: {
                length: number;
                getLine(index: number): BufferLine;
            };
        };
    };
}

interface BufferLine {
    isWrapped: boolean;
    translateToString(trim: boolean): string;
    getCell(column: number): { getFgColor(): number };
}

/** Runs in the page. The colour of a line's first text like this. */
function colourOf(element: TerminalElement, text: string): number | undefined {
    const { active } = element.xterm.buffer;
    for (let index = active.length - 1; index >= 0; index -= 1) {
        const line = active.getLine(index);
        const column = line.translateToString(true).indexOf(text);
        if (column >= 0) {
            return line.getCell(column).getFgColor();
        }
    }
    return undefined;
}

/** Runs in the page. */
function readTerminal(element: TerminalElement): string {
    const { active } = element.xterm.buffer;
    let text = "";
    for (let index = 0; index < active.length; index += 1) {
        const line = active.getLine(index);
        text += (line.isWrapped || index === 0 ? "" : "\n") + line.translateToString(true);
    }
    return text.trimEnd();
}

/** Runs in the page. Waits until an element has faded in. */
async function atRest(element: {
    getAnimations(): { finished: Promise<unknown> }[];
}): Promise<void> {
    await Promise.all(element.getAnimations().map((animation) => animation.finished));
}

/** With blanks that a pattern can be written for. */
function plain(text: string): string {
    return text.replace(/\u00a0/g, " ");
}

function escape(text: string): string {
    return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
