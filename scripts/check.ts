/** `npm start -- --check`: the main job, done unattended in a real VS Code by a real browser. */
import { METERS, removeContainer, runContainer, startBackend } from "../test/e2e/actions";
import { openDesk } from "../test/e2e/desk";
import type { Desk } from "../test/e2e/desk";
import { eventually } from "../test/support/eventually";

/** Does it and prints what it sees. Rejects when anything is not as it should be. */
export async function check(vsix: string): Promise<void> {
    say("opening VS Code in a headless browser");
    const desk = await openDesk(vsix);
    try {
        await useContainer(desk);
    } catch (error) {
        say(`it looked like this: ${await desk.picture("check-failed")}`);
        await desk.dispose().catch((left: unknown) => say(String(left)));
        throw error;
    }
    await desk.dispose();
    say("nothing was left behind; all is well");
}

async function useContainer({ workbench, picture }: Desk): Promise<void> {
    await startBackend(workbench);
    say("the backend runs, there are no containers yet");

    const answers = { name: "check", command: "/bin/sh", memory: "100M", cpu: "0.5" };
    const row = await runContainer(workbench, answers);
    const meters = METERS.exec(await row.innerText())?.[0];
    say(`a container runs, its row shows ${meters ?? "nothing"}`);
    say(`the status bar shows ${oneLine(await workbench.statusItem("meters").innerText())}`);

    await workbench.rowAction(row, "Open Shell");
    await workbench.terminalPrompts();
    await workbench.type("echo it is $((6 * 7)), $(hostname), pid 1 is $(cat /proc/1/comm)\n");
    const said = /^it is 42.*$/m.exec(await workbench.terminalShows(/^it is 42, check.*$/m))?.[0];
    say(`its shell says: ${said ?? "nothing"}`);
    say(`a picture: ${await picture("check")}`);

    await workbench.rowAction(row, "Stop");
    await eventually(async () => /exited|ended/.test(await row.innerText()), "it is stopped");
    say(`stopped: ${(await row.getAttribute("aria-label")) ?? "a row without a label"}`);
    await removeContainer(workbench, answers.name);
    await workbench.welcome().getByText("There are no containers yet").waitFor();
    say("removed: there are no containers again");
}

function oneLine(text: string): string {
    return text.replace(/\s+/g, " ").trim();
}

function say(text: string): void {
    process.stdout.write(`check: ${text}\n`);
}
