/** What the files of window tests share: a desk for all tests of a file, and containers for one. */
import { join } from "node:path";
import { after, before } from "node:test";
import { makePackage, root } from "../../scripts/lib/build";
import { run } from "../../scripts/lib/run";
import { runContainer, startBackend } from "./actions";
import type { RunAnswers } from "./actions";
import { openDesk } from "./desk";
import type { Desk } from "./desk";
import type { Workbench } from "./workbench";

export class UsedDesk {
    /** Undefined until the tests begin. */
    private opened: Desk | undefined;

    get desk(): Desk {
        if (this.opened === undefined) {
            throw new Error("the desk is open only while a test runs");
        }
        return this.opened;
    }

    get workbench(): Workbench {
        return this.desk.workbench;
    }

    async open(): Promise<void> {
        // `npm test` has made it already.
        this.opened = await openDesk(process.env.MCM_TEST_VSIX ?? (await makePackage()));
        await startBackend(this.workbench);
    }

    /** Closes it, if it could be opened. */
    async close(): Promise<void> {
        await this.opened?.dispose();
    }

    /** Uses `mcm` as somebody in another window would. */
    mcm(...args: string[]): Promise<string> {
        return run(process.execPath, [join(root, "out/cli.js"), ...args], { env: this.desk.env });
    }

    /** A container for one test, removed behind the window's back at the end. */
    async withContainer(
        answers: RunAnswers,
        use: (row: ReturnType<Workbench["row"]>) => Promise<void>,
    ): Promise<void> {
        const row = this.workbench.row(answers.name);
        try {
            await runContainer(this.workbench, answers);
            await use(row);
        } catch (error) {
            // A look at the window is worth more than a stack.
            await this.desk.picture(`failed-${answers.name}`);
            await this.clear(answers.name).catch(() => undefined);
            throw error;
        }
        await this.clear(answers.name);
        await row.waitFor({ state: "detached" });
    }

    /** Leaves the window as the next test wants it. */
    private async clear(name: string): Promise<void> {
        await this.workbench.dismiss();
        await this.workbench.closeTerminals();
        await this.mcm("rm", "--force", name);
    }
}

/** Opens a desk with a running backend before the tests of a file, and closes it after them. */
export function useDesk(): UsedDesk {
    const used = new UsedDesk();
    before(() => used.open());
    after(() => used.close());
    return used;
}
