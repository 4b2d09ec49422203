/** Headless Chromium with one page, for a VS Code on this computer. */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { chromium } from "playwright-core";
import type { Browser as PlaywrightBrowser, Page } from "playwright-core";
import { ensurePackages } from "../../scripts/lib/apt";

const FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-first-run",
    // Chromium refuses root its sandbox; the only page it ever loads is our own.
    "--no-sandbox",
];

export class Browser {
    private constructor(
        private readonly browser: PlaywrightBrowser,
        readonly page: Page,
        /** What the page wrote to its console, errors and warnings only. */
        readonly problems: string[],
    ) {}

    /** Starts Chromium, which Debian's package brings, with an empty page. */
    static async start(): Promise<Browser> {
        await ensurePackages(["chromium", "fonts-dejavu-core"]);
        const browser = await chromium.launch({
            executablePath: "/usr/bin/chromium",
            args: FLAGS,
            handleSIGINT: false,
            handleSIGTERM: false,
        });
        const context = await browser.newContext({
            viewport: { width: 1280, height: 800 },
            permissions: ["clipboard-read", "clipboard-write"],
        });
        const page = await context.newPage();
        const problems: string[] = [];
        page.on("pageerror", (error) => problems.push(String(error)));
        page.on("console", (message) => {
            if (message.type() === "error") {
                problems.push(message.text());
            }
        });
        return new Browser(browser, page, problems);
    }

    /** Writes a picture of the page as PNG. */
    async screenshot(path: string): Promise<void> {
        await mkdir(dirname(path), { recursive: true });
        await this.page.screenshot({ path });
    }

    async stop(): Promise<void> {
        await this.browser.close();
    }
}
