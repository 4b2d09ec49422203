/** Every verb of a container's life, from its row, its menu and the palette. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { busyboxRootfs, eventually } from "../support/fixtures";
import { METERS, removeContainer, runContainer, running } from "./actions";
import { useDesk } from "./useDesk";

const used = useDesk();

suite("a container's life", () => {
    test("its log follows what it writes", async () => {
        const command =
            "sh -c 'echo first; cat /pipe 2>/dev/null; i=0; while sleep 0.2; do i=$((i+1)); echo line $i; done'";
        await used.withContainer({ name: "writer", command }, async (row) => {
            await used.workbench.rowAction(row, "Show Logs");
            await eventually(
                async () => /first[^]*line 1/.test(await used.workbench.editorText()),
                "its first lines",
            );
            await eventually(
                async () => (await used.workbench.editorText()).includes("line 8"),
                "more lines",
            );
            await used.desk.picture("logs");
            await used.workbench.command("View: Close All Editors");
        });
    });

    test("is stopped, keeps what it has written, and is started again", async () => {
        const answers = { name: "again", command: "sleep 1000", rootfs: await busyboxRootfs() };
        await used.withContainer(answers, async (row) => {
            await used.mcm("exec", "again", "sh", "-c", "echo kept >/root/file");
            await used.workbench.rowAction(row, "Stop");
            await eventually(async () => /ended by|exited/.test(await row.innerText()), "stopped");
            await used.workbench.rowAction(row, "Start");
            await running(used.workbench, "again");
            assert.equal(await used.mcm("exec", "again", "cat", "/root/file"), "kept\n");
        });
    });

    test("is restarted and is another process then", async () => {
        await used.withContainer({ name: "restarted", command: "sleep 1000" }, async (row) => {
            const pid = async (): Promise<unknown> =>
                JSON.parse(await used.mcm("status", "--json", "restarted")) as unknown;
            const before = await pid();
            await used.workbench.rowMenu(row, "Restart");
            await eventually(
                async () => JSON.stringify(await pid()) !== JSON.stringify(before),
                "restarted",
            );
            await running(used.workbench, "restarted");
        });
    });

    test("is sent a signal that is chosen from a list", async () => {
        const command = "sh -c 'trap \"echo got HUP; exit 7\" HUP; while :; do sleep 0.1; done'";
        await used.withContainer({ name: "signalled", command }, async (row) => {
            await used.workbench.rowMenu(row, "Send Signal…");
            await used.workbench.pick("Send a signal to", "SIGHUP");
            await eventually(
                async () => (await row.innerText()).includes("exited with code 7"),
                "code 7",
            );
        });
    });

    test("is given another name", async () => {
        await used.withContainer({ name: "renamed", command: "sleep 1000" }, async (row) => {
            await used.workbench.rowMenu(row, "Rename…");
            await used.workbench.answer("Rename “renamed”", "renamed-twice");
            await used.workbench.row("renamed-twice").waitFor();
            await used.mcm("rename", "renamed-twice", "renamed");
            await row.waitFor();
        });
    });

    test("is removed after one question that names what is lost", async () => {
        await runContainer(used.workbench, { name: "removed", command: "sleep 1000" });
        const question = await removeContainer(used.workbench, "removed");
        assert.match(question, /removed/);
        assert.match(question, /killed first/);
        assert.equal(await used.mcm("list", "--json"), "[]\n");
    });

    test("several are stopped together", async () => {
        await used.withContainer({ name: "one-of-two", command: "sleep 1000" }, async (first) => {
            await used.withContainer(
                { name: "two-of-two", command: "sleep 1000" },
                async (second) => {
                    await first.click();
                    await second.click({ modifiers: ["Control"] });
                    await used.workbench.rowMenu(second, "Stop");
                    for (const row of [first, second]) {
                        await eventually(
                            async () => !METERS.test(await row.innerText()),
                            "stopped",
                        );
                    }
                },
            );
        });
    });

    test("a shell opens from the palette, which asks in which container", async () => {
        await used.withContainer({ name: "asked-for", command: "sleep 1000" }, async () => {
            await used.withContainer({ name: "the-other", command: "sleep 1000" }, async () => {
                await used.workbench.command("Containers: Open Shell");
                await used.workbench.pickSeveral("Open a shell in", "asked-for");
                await used.workbench.terminalOpens("asked-for");
                await used.workbench.closeTerminals();
            });
        });
    });
});
