/** The Containers view and the status bar, in a real VS Code with a real backend. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { eventually } from "../support/fixtures";
import { METERS, running, startBackend } from "./actions";
import { useDesk } from "./useDesk";

const used = useDesk();

suite("the Containers view", () => {
    test("offers to start the backend when it was stopped, and shows containers again", async () => {
        await used.workbench.command("Containers: Stop Backend");
        await used.workbench.welcome().getByText("The backend is not started").waitFor();
        await used.desk.picture("welcome");
        await startBackend(used.workbench);
    });

    test("says in words what is wrong with an answer while it is typed", async () => {
        await used.workbench.command("Containers: Run Container…");
        await used.workbench.pick("Run Container: Root File System", "This Computer's Programs");
        await used.workbench.answer("Run Container: Command", "sleep 1000");
        await used.workbench.answer("Run Container: Name", "limits");
        await used.workbench.pick("Run Container: Limits", "Memory");
        await used.workbench.question("Limit: Memory");
        await used.workbench.fill("100Q");
        await used.workbench.validation(/100Q/);
        await used.workbench.dismiss();
        assert.equal(await used.workbench.row("limits").count(), 0);
    });

    test("shows a running container's CPU and memory of its limit in its row", async () => {
        const answers = { name: "meters", command: "/bin/sh", memory: "100M", cpu: "0.5" };
        await used.withContainer(answers, async (row) => {
            assert.match(await row.innerText(), /[\d.]+%\s+[\d.]+ \/ 100 MiB/);
        });
    });

    test("tells everything else when the pointer rests on a row", async () => {
        const command = "sh -c 'while :; do :; done'";
        await used.withContainer(
            { name: "hover", command, memory: "100M", cpu: "0.2" },
            async (row) => {
                const text = await used.workbench.hoverText(row);
                assert.match(text, /hover/);
                assert.match(text, /running for/);
                assert.match(text, /CPU/);
                assert.match(text, /\/ 100 MiB/);
            },
        );
    });

    test("sums up in the status bar", async () => {
        await used.withContainer({ name: "summed", command: "sleep 1000" }, async () => {
            const item = used.workbench.statusItem("meters");
            await eventually(
                async () => /1\s+[\d.]+%\s+[\d.]+\s[KM]iB/.test(await item.innerText()),
                "meters",
            );
        });
    });

    test("shows at once what `mcm` did in another window", async () => {
        await used.mcm("run", "--name", "from-outside", "sleep", "1000");
        await running(used.workbench, "from-outside");
        await used.mcm("rm", "--force", "from-outside");
        await used.workbench.row("from-outside").waitFor({ state: "detached", timeout: 3000 });
    });

    test("finds its containers again after the backend was killed with -9", async () => {
        await used.withContainer({ name: "survivor", command: "sleep 1000" }, async (row) => {
            const killed = backendPid();
            process.kill(killed, "SIGKILL");
            // Root is asked for nothing, so that another one is started without a word.
            await eventually(() => backendPid() !== killed, "another backend");
            // That the window knows what happens proves that it is connected again.
            await used.mcm("stop", "--time", "0", "survivor");
            await eventually(async () => !METERS.test(await row.innerText()), "it is stopped");
            await used.workbench.rowAction(row, "Start");
            await running(used.workbench, "survivor");
        });
    });
});

/** The process that serves this desk. */
function backendPid(): number {
    const mark = `MCM_RUN_DIR=${String(used.desk.env.MCM_RUN_DIR)}\0`;
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    const found = pids.find((pid) => {
        try {
            const cmdline = readFileSync(`/proc/${pid}/cmdline`, "utf8");
            return (
                cmdline.includes("\0serve\0") &&
                `${readFileSync(`/proc/${pid}/environ`, "utf8")}\0`.includes(mark)
            );
        } catch {
            return false; // it has ended
        }
    });
    assert.ok(found !== undefined, "no backend runs");
    return Number(found);
}
