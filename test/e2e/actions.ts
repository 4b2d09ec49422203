/** What a person does in several steps, for the tests and for `npm start -- --check`. */
import type { Locator } from "playwright-core";
import { eventually } from "../support/eventually";
import type { Workbench } from "./workbench";

/** Shows the view and starts the backend from its welcome text, as root. */
export async function startBackend(workbench: Workbench): Promise<void> {
    await workbench.showContainers();
    await workbench.welcomeButton("Start Backend");
    await workbench.welcome().getByText("There are no containers yet").waitFor();
}

export interface RunAnswers {
    name: string;
    /** A directory; this computer's own programs when absent. */
    rootfs?: string;
    /** Empty: the container waits. */
    command?: string;
    memory?: string;
    cpu?: string;
    pids?: string;
}

/** Goes through "Run Container…" and returns the container's row, once it runs. */
export async function runContainer(workbench: Workbench, answers: RunAnswers): Promise<Locator> {
    await workbench.command("Containers: Run Container…");
    await answerRun(workbench, answers);
    return running(workbench, answers.name);
}

/** Answers the questions of "Run Container…". */
export async function answerRun(workbench: Workbench, answers: RunAnswers): Promise<void> {
    const { name, rootfs, command = "" } = answers;
    const first = "Run Container: Root File System";
    if (rootfs === undefined) {
        await workbench.pick(first, "This Computer's Programs");
    } else {
        await workbench.pick(first, "Folder…");
        await workbench.chooseFile(rootfs);
    }
    await workbench.answer("Run Container: Command", command);
    await workbench.answer("Run Container: Name", name);
    const limits = { Memory: answers.memory, CPU: answers.cpu, Processes: answers.pids };
    for (const [limit, value] of Object.entries(limits)) {
        if (value !== undefined) {
            await workbench.pick("Run Container: Limits", limit);
            await workbench.answer(`Limit: ${limit}`, value);
        }
    }
    await workbench.pick("Run Container: Limits", "Run");
}

/** Waits until a container runs; its row. */
export async function running(workbench: Workbench, name: string): Promise<Locator> {
    const row = workbench.row(name);
    await row.waitFor();
    await eventually(async () => METERS.test(await row.innerText()), `${name} has meters`);
    return row;
}

/** CPU and memory, as a row of a running container shows them. */
export const METERS = /[\d.]+%\s+[\d.]+(?: \/ [\d.]+)? [KMG]iB/;

/** Removes a container through its row's menu and the question that follows. */
export async function removeContainer(workbench: Workbench, name: string): Promise<string> {
    await workbench.rowMenu(workbench.row(name), "Remove…");
    const question = await workbench.dialog();
    await workbench.dialogButton("Remove");
    await workbench.row(name).waitFor({ state: "detached" });
    return question;
}
