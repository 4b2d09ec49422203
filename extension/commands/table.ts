/**
 * Every command of the extension as data: what it is called, which containers it fits, and what
 * it does. register.ts finds the containers it is for and answers when the backend is not running.
 */
import * as vscode from "vscode";
import type { ContainerSummary } from "../../server/protocol";
import { isLive } from "../liveness";
import { runFlow, runFrom } from "../run/flow";
import type { Services } from "../services";
import { chooseGrouping, chooseOrder, clearFilter, editFilter } from "./arrange";
import { copyDetail, copyIds, copyNames } from "./copy";
import { each } from "./each";
import {
    askToRemove,
    kill,
    killNow,
    pause,
    remove,
    removeStopped,
    rename,
    restart,
    resume,
    start,
    stop,
} from "./lifecycle";
import { changeLimits } from "./limits";
import { importRootfs, removeRootfs } from "./rootfs";
import { runCommand } from "./runCommand";

/** For no container in particular. */
export interface PlainCommand {
    kind: "plain";
    id: string;
    needsBackend: boolean;
    /** @param argument what the menu gave, for example the resource that was clicked. */
    run(services: Services, argument: unknown): void | Promise<void>;
}

/** For one container or several: those of the row that was clicked, selected, or picked. */
export interface ContainerCommand {
    kind: "container";
    id: string;
    fits(container: ContainerSummary): boolean;
    /** Title of the picker, when the command comes without a container. */
    title(): string;
    /** Said instead of an empty picker. */
    none(): string;
    /** Whether several at once make sense; else there is exactly one. */
    many: boolean;
    /** Offered when a container that was clicked does not fit. */
    instead?(container: ContainerSummary): { title: string; command: string } | undefined;
    /** Asked once for all of them; false stops here. */
    confirm?(containers: ContainerSummary[]): Promise<boolean>;
    run(services: Services, containers: ContainerSummary[]): void | Promise<void>;
}

export type Command = PlainCommand | ContainerCommand;

function isRunning(container: ContainerSummary): boolean {
    return container.state.kind === "running";
}

function canStart({ state }: ContainerSummary): boolean {
    return state.kind === "created" || state.kind === "exited" || state.kind === "lost";
}

function isWhole(container: ContainerSummary): boolean {
    return container.state.kind !== "broken";
}

const noneRunning = () => vscode.l10n.t("No container is running.");
const noneAtAll = () => vscode.l10n.t("There are no containers yet.");

function wakeInstead(container: ContainerSummary): { title: string; command: string } | undefined {
    if (container.state.kind === "paused") {
        return { title: vscode.l10n.t("Resume"), command: "resume" };
    }
    return canStart(container) ? { title: vscode.l10n.t("Start"), command: "start" } : undefined;
}

/** For running containers. */
const onRunning = {
    kind: "container",
    fits: isRunning,
    none: noneRunning,
    instead: wakeInstead,
    many: true,
} as const;

/** For running and paused containers. */
const onLive = { ...onRunning, fits: ({ state }: ContainerSummary) => isLive(state) } as const;

/** For any container that is not damaged. */
const onWhole = { kind: "container", fits: isWhole, none: noneAtAll, many: true } as const;

const making: Command[] = [
    { kind: "plain", id: "run", needsBackend: true, run: (s) => runFlow(s) },
    {
        kind: "plain",
        id: "runFromFolder",
        needsBackend: true,
        run: (s, resource) => runFrom(s, "folder", resource),
    },
    {
        kind: "plain",
        id: "runFromTarball",
        needsBackend: true,
        run: (s, resource) => runFrom(s, "tarball", resource),
    },
    { kind: "plain", id: "importRootfs", needsBackend: true, run: importRootfs },
    { kind: "plain", id: "removeRootfs", needsBackend: true, run: removeRootfs },
];

const working: Command[] = [
    {
        ...onRunning,
        id: "openShell",
        title: () => vscode.l10n.t("Open a shell in"),
        run: each((s, c) => s.terminals.openShell(c)),
    },
    {
        ...onRunning,
        id: "runCommand",
        title: () => vscode.l10n.t("Run a command in"),
        many: false,
        run: each(runCommand),
    },
    {
        ...onRunning,
        id: "attach",
        fits: (c) => isRunning(c) && c.command.length > 0,
        title: () => vscode.l10n.t("Attach to the main command of"),
        none: () => vscode.l10n.t("No running container has a command of its own."),
        many: false,
        run: each((s, c) => s.terminals.attach(c)),
    },
    {
        ...onWhole,
        id: "showLogs",
        title: () => vscode.l10n.t("Show the logs of"),
        run: each((s, c) => s.logs.showLogs(c)),
    },
    {
        ...onWhole,
        id: "followLogs",
        title: () => vscode.l10n.t("Follow the logs of"),
        run: each((s, c) => s.logs.followLogsInTerminal(c)),
    },
    {
        ...onWhole,
        id: "inspect",
        title: () => vscode.l10n.t("Inspect"),
        many: false,
        run: each((s, c) => s.inspector.show(c)),
    },
    {
        ...onWhole,
        id: "copyId",
        fits: () => true,
        title: () => vscode.l10n.t("Copy the id of"),
        run: copyIds,
    },
    {
        ...onWhole,
        id: "copyName",
        fits: () => true,
        title: () => vscode.l10n.t("Copy the name of"),
        run: copyNames,
    },
    { kind: "plain", id: "copyDetail", needsBackend: false, run: copyDetail },
];

const living: Command[] = [
    {
        kind: "container",
        id: "start",
        fits: canStart,
        none: () => vscode.l10n.t("No container is stopped."),
        title: () => vscode.l10n.t("Start"),
        many: true,
        run: each(start),
    },
    { ...onLive, id: "stop", title: () => vscode.l10n.t("Stop"), run: each(stop) },
    { ...onWhole, id: "restart", title: () => vscode.l10n.t("Restart"), run: each(restart) },
    { ...onRunning, id: "pause", title: () => vscode.l10n.t("Pause"), run: each(pause) },
    {
        kind: "container",
        id: "resume",
        fits: ({ state }) => state.kind === "paused",
        none: () => vscode.l10n.t("No container is paused."),
        title: () => vscode.l10n.t("Resume"),
        many: true,
        run: each(resume),
    },
    {
        ...onWhole,
        id: "changeLimits",
        title: () => vscode.l10n.t("Change the limits of"),
        many: false,
        run: each(changeLimits),
    },
    {
        ...onLive,
        id: "kill",
        title: () => vscode.l10n.t("Send a signal to"),
        many: false,
        run: each(kill),
    },
    { ...onLive, id: "killNow", title: () => vscode.l10n.t("Kill"), run: each(killNow) },
    {
        ...onWhole,
        id: "rename",
        title: () => vscode.l10n.t("Rename"),
        many: false,
        run: each(rename),
    },
    {
        ...onWhole,
        id: "remove",
        fits: () => true,
        title: () => vscode.l10n.t("Remove"),
        confirm: askToRemove,
        run: each(remove),
    },
    { kind: "plain", id: "removeStopped", needsBackend: true, run: removeStopped },
];

const arranging: Command[] = [
    { kind: "plain", id: "refresh", needsBackend: true, run: (s) => s.model.refresh() },
    { kind: "plain", id: "filter", needsBackend: false, run: editFilter },
    { kind: "plain", id: "clearFilter", needsBackend: false, run: clearFilter },
    { kind: "plain", id: "sortBy", needsBackend: false, run: chooseOrder },
    { kind: "plain", id: "groupBy", needsBackend: false, run: chooseGrouping },
];

const backend: Command[] = [
    {
        kind: "plain",
        id: "startBackend",
        needsBackend: false,
        run: async (s) => {
            await s.backend.start();
        },
    },
    { kind: "plain", id: "stopBackend", needsBackend: false, run: (s) => s.backend.stop() },
    { kind: "plain", id: "restartBackend", needsBackend: false, run: (s) => s.backend.restart() },
    { kind: "plain", id: "checkComputer", needsBackend: false, run: (s) => s.doctor.show() },
    { kind: "plain", id: "showOutput", needsBackend: false, run: (s) => s.output.show() },
];

export const commands: readonly Command[] = [
    ...making,
    ...working,
    ...living,
    ...arranging,
    ...backend,
];
