/** Working in a container through VS Code's terminal. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { debianRootfs, eventually } from "../support/fixtures";
import type { RunAnswers } from "./actions";
import { useDesk } from "./useDesk";

const used = useDesk();

suite("a container's shell", () => {
    /** Opens a shell in a fresh container and closes it again. */
    async function withShell(answers: RunAnswers, use: () => Promise<void>): Promise<void> {
        await used.withContainer(answers, async (row) => {
            await used.workbench.dismiss();
            await used.workbench.rowAction(row, "Open Shell");
            await used.workbench.terminalOpens(answers.name);
            await used.workbench.terminalPrompts();
            await use();
            await used.workbench.closeTerminals();
        });
    }

    test("is root inside, in colour, and of the terminal's size", async () => {
        const rootfs = await debianRootfs();
        await withShell({ name: "debian", rootfs, memory: "200M" }, async () => {
            await used.workbench.type("id -un; hostname; head -1 /etc/os-release\n");
            await used.workbench.terminalShows(/^root\ndebian\nPRETTY_NAME="Debian/m);
            await used.workbench.type("printf '\\033[31m%s\\033[m\\n' scar''let\n");
            await used.workbench.terminalShows(/^scarlet$/m);
            assert.equal(await used.workbench.terminalColour("scarlet"), 1);
            const { rows, columns } = await used.workbench.terminalSize();
            await used.workbench.type("stty size\n");
            await used.workbench.terminalShows(`\n${rows} ${columns}\n`);
        });
    });

    test("learns that the terminal has another size", async () => {
        await withShell({ name: "resized" }, async () => {
            const before = await used.workbench.terminalSize();
            await used.workbench.maximizePanel(true);
            await eventually(
                async () => (await used.workbench.terminalSize()).rows > before.rows,
                "the terminal is larger",
            );
            const { rows, columns } = await used.workbench.terminalSize();
            const size = `${rows} ${columns}`;
            await used.workbench.type(
                `until [ "$(stty size)" = "${size}" ]; do sleep 0.1; done; echo now $(stty size)\n`,
            );
            await used.workbench.terminalShows(`\nnow ${size}\n`);
            await used.workbench.maximizePanel(false);
        });
    });

    test("answers Ctrl-C in the middle of a flood", async () => {
        await withShell({ name: "flood" }, async () => {
            await used.workbench.type("yes this is a flood\n");
            await used.workbench.terminalShows(/(this is a flood\n){20}/);
            await used.workbench.press("Control+C");
            await used.workbench.terminalShows(/\^C[^]*[#$]$/);
            await used.workbench.type("echo still $((1 + 1))\n");
            await used.workbench.terminalShows(/^still 2$/m);
        });
    });

    test("is good for vi", async () => {
        await withShell({ name: "vi", rootfs: await debianRootfs() }, async () => {
            await used.workbench.type("vi /root/note\n");
            await used.workbench.terminalShows(/~[^]*"~\/note" \[New/);
            await used.workbench.type("iwritten in vi");
            await used.workbench.press("Escape");
            await used.workbench.type(":wq\n");
            await used.workbench.terminalPrompts();
            await used.workbench.type("cat /root/note | tr a-z A-Z\n");
            await used.workbench.terminalShows(/^WRITTEN IN VI$/m);
        });
    });

    test("is good for top, which sees the container's processes only", async () => {
        await withShell({ name: "top", rootfs: await debianRootfs(), memory: "200M" }, async () => {
            await used.workbench.type("top\n");
            const text = await used.workbench.terminalShows(/PID USER[^]*top/);
            assert.match(text, /Tasks: +[1-9] total/);
            await used.workbench.press("q");
            await used.workbench.terminalPrompts();
        });
    });

    test("says with which code it ended", async () => {
        await withShell({ name: "code" }, async () => {
            await used.workbench.type("exit 3\n");
            await used.workbench.terminalShows("exited with code 3");
            await used.workbench.press("Enter");
        });
    });

    test("ends when its container does, and says so", async () => {
        await withShell({ name: "ending" }, async () => {
            await used.mcm("stop", "--time", "1", "ending");
            await used.workbench.terminalShows("the container stopped");
        });
    });
});
