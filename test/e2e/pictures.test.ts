/** The scenes of the README's pictures. `npm run pictures` copies them to where it shows them. */
import { suite, test } from "node:test";
import { debianRootfs, eventually } from "../support/fixtures";
import { METERS } from "./actions";
import { useDesk } from "./useDesk";

const used = useDesk();

/** A service that keeps a core half busy and writes a line now and then. */
const WORK = [
    "while sleep 0.3",
    'do i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; echo "handled request $((n=n+1))"',
    "done",
].join("; ");

/** One that holds 40 MB. */
const HOLD = "x=$(head -c 40000000 /dev/zero | tr '\\0' x); sleep 1000";

suite("several containers at once", () => {
    test("have their own figures, a hover, a log, a shell with top", async () => {
        const { workbench, desk } = used;
        const debian = await debianRootfs();
        const run = (name: string, ...rest: string[]): Promise<string> =>
            used.mcm("run", "--name", name, ...rest);
        await run("database", "--memory", "256M", "--rootfs", debian, "--", "sh", "-c", HOLD);
        await run("web", "--memory", "100M", "--cpu", "0.5", "--", "sh", "-c", WORK);
        await run("backup", "--", "sh", "-c", "echo saved");
        try {
            const web = workbench.row("web");
            await eventually(async () => METERS.test(await web.innerText()), "its figures");
            await eventually(
                async () => /\d\d\.\d \/ 256/.test(await workbench.row("database").innerText()),
                "the memory is held",
            );
            await workbench.row("backup").getByText("exited").waitFor();

            await workbench.rowAction(web, "Show Logs");
            await eventually(
                async () => (await workbench.editorText()).includes("handled request 5"),
                "its log",
            );
            await workbench.rowAction(workbench.row("database"), "Open Shell");
            await workbench.terminalPrompts();
            await workbench.type("top\n");
            await workbench.terminalShows(/PID USER/);
            await workbench.leave();
            await desk.picture("overview");
            await workbench.hoverText(web);
            await desk.picture("hover");
        } finally {
            await workbench.closeTerminals();
            await used.mcm("rm", "--force", "database", "web", "backup");
        }
    });

    test("are run by answering four questions", async () => {
        const { workbench, desk } = used;
        await workbench.command("Containers: Run Container…");
        await workbench.pick("Run Container: Root File System", "This Computer's Programs");
        await workbench.answer("Run Container: Command", "python3 -m http.server");
        await workbench.answer("Run Container: Name", "web");
        await workbench.pick("Run Container: Limits", "Memory");
        await workbench.answer("Limit: Memory", "100M");
        await workbench.question("Run Container: Limits");
        await desk.picture("run");
        await workbench.dismiss();
    });
});
