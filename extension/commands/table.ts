/**
 * Every command of the extension as data: what it is called, which containers it fits, and what
 * it does. register.ts finds the containers it is for and answers when the backend is not running.
 */
import * as vscode from "vscode";
import type { ContainerSummary } from "../../server/protocol";
import { runFlow, runFromResource } from "../run/flow";
import type { Services } from "../services";
import { copyId, copyName, inspect } from "./inspect";
import { askToRemove, kill, remove, removeStopped, rename, restart, start, stop } from "./lifecycle";
import { importRootfs, removeRootfs } from "./rootfs";
import { runCommand } from "./terminal";
import { chooseGrouping, chooseOrder, clearFilter, editFilter } from "./view";

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
    /** Whether several at once make sense. */
    many: boolean;
    /** Asked once for all of them; false stops here. */
    confirm?(services: Services, containers: ContainerSummary[]): Promise<boolean>;
    run(services: Services, container: ContainerSummary): void | Promise<void>;
}

export type Command = PlainCommand | ContainerCommand;

const { t } = vscode.l10n;

function isRunning(container: ContainerSummary): boolean {
    return container.state.kind === "running";
}

function canStart({ state }: ContainerSummary): boolean {
    return state.kind === "created" || state.kind === "exited" || state.kind === "lost";
}

function isWhole(container: ContainerSummary): boolean {
    return container.state.kind !== "broken";
}

const noneRunning = () => t("No container is running.");
const noneStopped = () => t("No container is stopped.");
const noneAtAll = () => t("There are no containers yet.");

/** Commands for running containers. */
const onRunning = { kind: "container", fits: isRunning, none: noneRunning } as const;
/** Commands for any container that is not damaged. */
const onWhole = { kind: "container", fits: isWhole, none: noneAtAll } as const;

export const commands: readonly Command[] = [
    // Make
    { kind: "plain", id: "run", needsBackend: true, run: (s) => runFlow(s) },
    { kind: "plain", id: "runFromResource", needsBackend: true, run: runFromResource },

    // Work in
    {
        ...onRunning,
        id: "openShell",
        title: () => t("Open a shell in"),
        many: true,
        run: (s, c) => s.terminals.openShell(c),
    },
    {
        ...onRunning,
        id: "runCommand",
        title: () => t("Run a command in"),
        many: false,
        run: runCommand,
    },
    {
        ...onRunning,
        id: "attach",
        fits: (c) => isRunning(c) && c.command.length > 0,
        title: () => t("Attach to"),
        many: false,
        run: (s, c) => s.terminals.attach(c),
    },
    {
        ...onWhole,
        id: "showLogs",
        title: () => t("Show the logs of"),
        many: true,
        run: (s, c) => s.logs.showLogs(c),
    },
    {
        ...onWhole,
        id: "followLogs",
        title: () => t("Follow the logs of"),
        many: true,
        run: (s, c) => s.logs.followLogsInTerminal(c),
    },

    // Life
    {
        kind: "container",
        id: "start",
        fits: canStart,
        none: noneStopped,
        title: () => t("Start"),
        many: true,
        run: start,
    },
    { ...onRunning, id: "stop", title: () => t("Stop"), many: true, run: stop },
    { ...onWhole, id: "restart", title: () => t("Restart"), many: true, run: restart },
    { ...onRunning, id: "kill", title: () => t("Send a signal to"), many: false, run: kill },
    { ...onWhole, id: "rename", title: () => t("Rename"), many: false, run: rename },
    {
        kind: "container",
        id: "remove",
        fits: () => true,
        none: noneAtAll,
        title: () => t("Remove"),
        many: true,
        confirm: askToRemove,
        run: remove,
    },
    { kind: "plain", id: "removeStopped", needsBackend: true, run: removeStopped },

    // Look at
    { ...onWhole, id: "inspect", title: () => t("Inspect"), many: false, run: inspect },
    { ...onWhole, id: "copyId", title: () => t("Copy the id of"), many: true, run: copyId },
    { ...onWhole, id: "copyName", title: () => t("Copy the name of"), many: true, run: copyName },

    // Root file systems
    { kind: "plain", id: "importRootfs", needsBackend: true, run: importRootfs },
    { kind: "plain", id: "removeRootfs", needsBackend: true, run: removeRootfs },

    // The view
    { kind: "plain", id: "refresh", needsBackend: true, run: (s) => s.model.refresh() },
    { kind: "plain", id: "filter", needsBackend: false, run: editFilter },
    { kind: "plain", id: "clearFilter", needsBackend: false, run: clearFilter },
    { kind: "plain", id: "sortBy", needsBackend: false, run: chooseOrder },
    { kind: "plain", id: "groupBy", needsBackend: false, run: chooseGrouping },

    // The backend
    {
        kind: "plain",
        id: "startBackend",
        needsBackend: false,
        run: async (s) => void (await s.backend.start()),
    },
    { kind: "plain", id: "stopBackend", needsBackend: true, run: (s) => s.backend.stop() },
    { kind: "plain", id: "restartBackend", needsBackend: false, run: (s) => s.backend.restart() },
    { kind: "plain", id: "showOutput", needsBackend: false, run: (s) => s.output.show() },
];
