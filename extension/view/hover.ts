/** The hover of a container, from what is known already: nothing is asked for it. */
import * as l10n from "@vscode/l10n";
import type { ContainerSummary, Usage } from "../../server/protocol";
import { isLive } from "../liveness";
import type { Activity } from "../model";
import { rootfsName } from "./arrange";
import {
    bar,
    cpuTop,
    formatBytes,
    formatCommand,
    formatCpu,
    formatDuration,
    formatMemory,
    sparkline,
} from "./format";
import { activityText, stateIcon, stateText } from "./rows";

/** The part of vscode.MarkdownString that is needed to write one. */
export interface Markdown {
    /** Text as it stands: whatever came from a container or a person goes through this. */
    appendText(value: string): unknown;
    appendMarkdown(value: string): unknown;
}

/** The only commands that a hover may run. */
export const HOVER_COMMANDS = [
    "myContainerManager.openShell",
    "myContainerManager.showLogs",
    "myContainerManager.start",
    "myContainerManager.resume",
    "myContainerManager.stop",
    "myContainerManager.inspect",
] as const;

/** What a hover tells. */
export interface Subject {
    container: ContainerSummary;
    /** Oldest first. */
    history: readonly Usage[];
    activity?: Activity | undefined;
    failure?: string | undefined;
    /** Milliseconds since the epoch. */
    now: number;
}

const BAR_WIDTH = 20;
/** Percent of the time from which on a wait is worth a line. */
const WAITING_SHOWN = 1;
/** Longer commands are cut: a hover is not the place to read them. */
const COMMAND_LENGTH = 120;

function since(time: string, now: number): string {
    return formatDuration(now - Date.parse(time));
}

function writeState(to: Markdown, { container, activity, now }: Subject): void {
    const { state } = container;
    to.appendMarkdown(`$(${stateIcon(state).id}) **`);
    to.appendText(container.name);
    to.appendMarkdown("** \u2002");
    if (activity !== undefined) {
        to.appendText(activityText(activity));
    } else if (state.kind === "running") {
        to.appendText(l10n.t("running for {0}", since(state.startedAt, now)));
    } else if (state.kind === "paused") {
        to.appendText(l10n.t("paused, started {0} ago", since(state.startedAt, now)));
    } else if (state.kind === "exited") {
        to.appendText(l10n.t("{0}, {1} ago", stateText(state), since(state.exit.finishedAt, now)));
    } else if (state.kind === "broken") {
        to.appendText(`${stateText(state)}: ${state.reason}`);
    } else {
        to.appendText(stateText(state));
    }
    to.appendMarkdown("\n\n");
}

/** A line of the table of figures; the graph stands in a code span to be of one width. */
function writeFigure(to: Markdown, name: string, graph: string, text: string): void {
    to.appendMarkdown(`| ${name} | ${graph ? `\`${graph}\`` : ""} | ${text} |\n`);
}

function writeUsage(to: Markdown, { container, history }: Subject): void {
    const usage = history.at(-1);
    if (usage === undefined || !isLive(container.state)) {
        return;
    }
    to.appendMarkdown("| | | |\n|:--|:--|:--|\n");
    if (usage.cpu !== undefined) {
        const values = history.map((sample) => sample.cpu);
        const limit = container.limits.cpu;
        const text = formatCpu(usage.cpu);
        writeFigure(
            to,
            l10n.t("CPU"),
            limit === undefined ? "" : bar(usage.cpu / limit, BAR_WIDTH),
            limit === undefined ? text : l10n.t("{0} of {1}", text, formatCpu(limit)),
        );
        writeFigure(
            to,
            "",
            sparkline(lastMinute(values), cpuTop(values, limit)),
            l10n.t("last minute"),
        );
    }
    if (usage.memory !== undefined) {
        writeFigure(
            to,
            l10n.t("Memory"),
            usage.memoryLimit ? bar(usage.memory / usage.memoryLimit, BAR_WIDTH) : "",
            formatMemory(usage.memory, usage.memoryLimit) + peak(usage),
        );
    }
    writeCounts(to, usage);
    to.appendMarkdown("\n");
}

/** The values thinned to the width of a bar, each the highest of those it stands for. */
function lastMinute(values: readonly (number | undefined)[]): (number | undefined)[] {
    const share = Math.max(1, Math.ceil(values.length / BAR_WIDTH));
    const result: (number | undefined)[] = [];
    for (let end = values.length; end > 0; end -= share) {
        const part = values
            .slice(Math.max(0, end - share), end)
            .filter((value) => value !== undefined);
        result.unshift(part.length > 0 ? Math.max(...part) : undefined);
    }
    return result;
}

function peak({ memoryPeak }: Usage): string {
    return memoryPeak === undefined ? "" : l10n.t(", peak {0}", formatBytes(memoryPeak));
}

function writeCounts(to: Markdown, usage: Usage): void {
    if (usage.pids !== undefined) {
        const limit = usage.pidsLimit;
        writeFigure(
            to,
            l10n.t("Processes"),
            limit === undefined ? "" : bar(usage.pids / limit, BAR_WIDTH),
            limit === undefined ? String(usage.pids) : `${usage.pids} / ${limit}`,
        );
    }
    if (usage.ioReadBytes !== undefined || usage.ioWriteBytes !== undefined) {
        const read = formatBytes(usage.ioReadBytes ?? 0);
        const written = formatBytes(usage.ioWriteBytes ?? 0);
        writeFigure(to, l10n.t("Disk"), "", l10n.t("{0} read, {1} written", read, written));
    }
    writeWaiting(to, usage);
    if (usage.oomKills) {
        const count = String(usage.oomKills);
        writeFigure(to, l10n.t("Killed"), "", l10n.t("{0} for want of memory", count));
    }
}

/** What keeps it from running: its own limit of cpu, and what others or the disk let it wait for. */
function writeWaiting(to: Markdown, { throttledUsec, pressure = {} }: Usage): void {
    if (throttledUsec) {
        const time = formatDuration(throttledUsec / 1000);
        writeFigure(to, l10n.t("Throttled"), "", l10n.t("{0} by its limit of CPU", time));
    }
    const shares = [
        [l10n.t("CPU"), pressure.cpu],
        [l10n.t("Memory"), pressure.memory],
        [l10n.t("Disk"), pressure.io],
    ] as const;
    const waiting = shares
        .filter(([, each]) => each !== undefined && each.some >= WAITING_SHOWN)
        .map(([name, each]) => `${name} ${each?.some.toFixed(0) ?? ""} %`);
    if (waiting.length > 0) {
        writeFigure(to, l10n.t("Waiting for"), "", waiting.join(", "));
    }
}

function writeFact(to: Markdown, icon: string, text: string): void {
    to.appendMarkdown(`$(${icon}) `);
    to.appendText(text.length > COMMAND_LENGTH ? `${text.slice(0, COMMAND_LENGTH)}…` : text);
    to.appendMarkdown("  \n");
}

function writeLinks(to: Markdown, { container }: Subject): void {
    const offered: [(typeof HOVER_COMMANDS)[number], string][] = [];
    if (container.state.kind === "running") {
        offered.push(["myContainerManager.openShell", `$(terminal) ${l10n.t("Shell")}`]);
    }
    if (container.state.kind === "paused") {
        offered.push(["myContainerManager.resume", `$(debug-continue) ${l10n.t("Resume")}`]);
    }
    if (container.state.kind !== "broken") {
        offered.push(["myContainerManager.showLogs", `$(output) ${l10n.t("Logs")}`]);
        offered.push(
            isLive(container.state)
                ? ["myContainerManager.stop", `$(debug-stop) ${l10n.t("Stop")}`]
                : ["myContainerManager.start", `$(debug-start) ${l10n.t("Start")}`],
        );
        offered.push(["myContainerManager.inspect", `$(json) ${l10n.t("Inspect")}`]);
    }
    const argument = encodeURIComponent(JSON.stringify([container.id]));
    const links = offered.map(([command, title]) => `[${title}](command:${command}?${argument})`);
    if (links.length > 0) {
        to.appendMarkdown(`\n---\n\n${links.join("\u2002 ")}`);
    }
}

/** Writes the hover of a container. */
export function writeHover(to: Markdown, subject: Subject): void {
    const { container, failure } = subject;
    writeState(to, subject);
    if (failure !== undefined) {
        writeFact(to, "error", failure);
        to.appendMarkdown("\n");
    }
    writeUsage(to, subject);
    if (container.command.length > 0) {
        writeFact(to, "terminal", formatCommand(container.command));
    }
    if (container.rootfs !== undefined) {
        writeFact(to, "file-directory", rootfsName(container));
    }
    writeFact(to, "key", container.id);
    writeLinks(to, subject);
}
