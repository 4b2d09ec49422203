/** Commands that start, end, rename and remove containers. */
import * as vscode from "vscode";
import {
    type ContainerSummary,
    KillRequest,
    PauseRequest,
    RemoveRequest,
    RenameRequest,
    RestartRequest,
    ResumeRequest,
    StartRequest,
    StopRequest,
} from "../../server/protocol";
import { isLive } from "../liveness";
import { withSlowProgress } from "../progress";
import { nameProblem } from "../run/validate";
import type { Services } from "../services";
import { SECTION, settings } from "../settings";
import { each } from "./each";

/** Milliseconds that a stop may take before a kill is offered. */
const STOP_PATIENCE = 1500;
/** Names listed when many containers are to be removed. */
const NAMED = 10;

export async function start(services: Services, container: ContainerSummary): Promise<void> {
    const { connection, model } = services;
    const title = vscode.l10n.t("Starting “{0}”", container.name);
    const params = { container: container.id };
    await model.during(container.id, "starting", async () => {
        model.update(
            await withSlowProgress(title, (token) =>
                connection.request(StartRequest, params, token),
            ),
        );
    });
}

export async function stop(services: Services, container: ContainerSummary): Promise<void> {
    const { connection, model } = services;
    const graceSeconds = settings().stopGrace;
    await model.during(container.id, "stopping", async () => {
        const params = { container: container.id, graceSeconds };
        await offeringKill(container, graceSeconds, connection.request(StopRequest, params));
    });
}

export async function restart(services: Services, container: ContainerSummary): Promise<void> {
    const { connection, model } = services;
    const graceSeconds = settings().stopGrace;
    await model.during(container.id, "restarting", async () => {
        const params = { container: container.id, graceSeconds };
        const request = connection.request(RestartRequest, params);
        model.update(await offeringKill(container, graceSeconds, request));
    });
}

/** Makes every process of it stand still. */
export async function pause(services: Services, { id }: ContainerSummary): Promise<void> {
    const { connection, model } = services;
    await model.during(id, "pausing", async () => {
        model.update(await connection.request(PauseRequest, { container: id }));
    });
}

/** Lets a paused one go on. */
export async function resume(services: Services, { id }: ContainerSummary): Promise<void> {
    const { connection, model } = services;
    await model.during(id, "resuming", async () => {
        model.update(await connection.request(ResumeRequest, { container: id }));
    });
}

/** Waits for a container to end; when that takes a while, says so and offers to kill it. */
async function offeringKill<T>(
    { id, name }: ContainerSummary,
    graceSeconds: number,
    ended: Promise<T>,
): Promise<T> {
    const timer = setTimeout(() => {
        const kill = `command:${SECTION}.killNow?${encodeURIComponent(JSON.stringify([id]))}`;
        const title = vscode.l10n.t(
            "“{0}” has {1} s to end by itself. [Kill Now]({2})",
            name,
            graceSeconds,
            kill,
        );
        const options = { location: vscode.ProgressLocation.Notification, title };
        // How it ends is for the caller to tell.
        void vscode.window.withProgress(options, () => ended.then(ignore, ignore));
    }, STOP_PATIENCE);
    try {
        return await ended;
    } finally {
        clearTimeout(timer);
    }
}

function ignore(): void {
    // Only that it is over matters.
}

/** Ends everything in the container at once. */
export async function killNow({ connection }: Services, { id }: ContainerSummary): Promise<void> {
    await connection.request(KillRequest, { container: id, signal: "SIGKILL" });
}

/** The signals that people send, and what for. */
function signals(): vscode.QuickPickItem[] {
    return [
        { label: "SIGTERM", description: vscode.l10n.t("end, please") },
        { label: "SIGINT", description: vscode.l10n.t("as Ctrl-C does") },
        { label: "SIGHUP", description: vscode.l10n.t("often: read the configuration again") },
        { label: "SIGQUIT", description: vscode.l10n.t("end with a core dump") },
        { label: "SIGUSR1", description: vscode.l10n.t("means what the program says") },
        { label: "SIGUSR2", description: vscode.l10n.t("means what the program says") },
        { label: "SIGSTOP", description: vscode.l10n.t("pause") },
        { label: "SIGCONT", description: vscode.l10n.t("go on after a pause") },
        {
            label: "SIGKILL",
            description: vscode.l10n.t("end at once, without a chance to clean up"),
        },
    ];
}

/** Sends a signal that is asked for to the container's command. */
export async function kill(services: Services, container: ContainerSummary): Promise<void> {
    const title = vscode.l10n.t("Send a signal to “{0}”", container.name);
    const chosen = await vscode.window.showQuickPick(signals(), {
        title,
        matchOnDescription: true,
    });
    if (chosen !== undefined) {
        const params = { container: container.id, signal: chosen.label };
        await services.model.during(container.id, "killing", () =>
            services.connection.request(KillRequest, params),
        );
    }
}

export async function rename(services: Services, container: ContainerSummary): Promise<void> {
    const { connection, model } = services;
    const taken = model.all.filter(({ id }) => id !== container.id).map(({ name }) => name);
    const name = await vscode.window.showInputBox({
        title: vscode.l10n.t("Rename “{0}”", container.name),
        value: container.name,
        validateInput: (value) =>
            value === "" ? vscode.l10n.t("A name is needed.") : nameProblem(value, taken),
    });
    if (name !== undefined && name !== container.name) {
        await model.during(container.id, "renaming", async () => {
            const params = { container: container.id, name };
            model.update(await connection.request(RenameRequest, params));
        });
    }
}

/** Asks once, naming what is lost. */
export async function askToRemove(containers: ContainerSummary[]): Promise<boolean> {
    const [only] = containers;
    const message =
        containers.length === 1 && only !== undefined
            ? vscode.l10n.t("Remove “{0}” and everything that was written in it?", only.name)
            : vscode.l10n.t(
                  "Remove {0} containers and everything that was written in them?",
                  containers.length,
              );
    const detail = [
        ...(containers.length > 1 ? [listed(containers)] : []),
        ...(containers.some(runs) ? [vscode.l10n.t("What is running is killed first.")] : []),
        vscode.l10n.t("This cannot be undone. Root file systems and mounted folders stay."),
    ].join("\n\n");
    const remove = vscode.l10n.t("Remove");
    const options = { modal: true, detail };
    return (await vscode.window.showWarningMessage(message, options, remove)) === remove;
}

function runs({ state }: ContainerSummary): boolean {
    return isLive(state);
}

/** Their names in a line, with what runs marked. */
function listed(containers: ContainerSummary[]): string {
    const names = containers
        .slice(0, NAMED)
        .map((each) => (runs(each) ? vscode.l10n.t("{0} (running)", each.name) : each.name))
        .join(", ");
    const rest = containers.length - NAMED;
    return rest > 0 ? vscode.l10n.t("{0} and {1} more", names, rest) : names;
}

/** Without asking: see {@link askToRemove}. */
export async function remove(services: Services, { id }: ContainerSummary): Promise<void> {
    await services.model.during(id, "removing", () =>
        services.connection.request(RemoveRequest, { container: id, force: true }),
    );
}

export async function removeStopped(services: Services): Promise<void> {
    const stopped = services.model.all.filter((each) => !runs(each));
    if (stopped.length === 0) {
        void vscode.window.showInformationMessage(vscode.l10n.t("No container is stopped."));
    } else if (await askToRemove(stopped)) {
        await each(remove)(services, stopped);
    }
}
