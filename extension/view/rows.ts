/** What the rows of the Containers view say. Knows nothing of VS Code. */
import * as l10n from "@vscode/l10n";
import type { ContainerState, ContainerSummary, Usage } from "../../server/protocol";
import type { Activity } from "../model";
import { type Grouping, rootfsName } from "./arrange";
import {
    formatBytes,
    formatCommand,
    formatCpu,
    formatLimit,
    formatMemory,
    padFigure,
    sparkline,
} from "./format";

/** A codicon, and the theme colour it is drawn in. */
export interface Icon {
    id: string;
    color?: string;
}

export interface Row {
    label: string;
    description: string;
    icon: Icon;
    /** Facets for the menus: "container;running;limited". */
    contextValue: string;
    /** The whole row in words, for a screen reader. */
    spoken: string;
}

/** What is known of a container apart from its summary. */
export interface Knowledge {
    usage?: Usage | undefined;
    activity?: Activity | undefined;
    failure?: string | undefined;
}

/** Digits that keep figures from jumping: "100.0%" and "1023 / 1023 MiB". */
const CPU_WIDTH = 6;
const MEMORY_WIDTH = 4;

export function activityText(activity: Activity): string {
    switch (activity) {
        case "starting":
            return l10n.t("starting…");
        case "stopping":
            return l10n.t("stopping…");
        case "restarting":
            return l10n.t("restarting…");
        case "killing":
            return l10n.t("sending a signal…");
        case "removing":
            return l10n.t("removing…");
        case "renaming":
            return l10n.t("renaming…");
    }
}

/** A state in a few words: "exited with code 3", "killed by SIGTERM", "out of memory". */
export function stateText(state: ContainerState): string {
    switch (state.kind) {
        case "created":
            return l10n.t("created");
        case "running":
            return l10n.t("running");
        case "exited":
            if (state.exit.oomKilled) {
                return l10n.t("killed, out of memory");
            }
            if (state.exit.signal !== null) {
                return l10n.t("ended by {0}", state.exit.signal);
            }
            return state.exit.exitCode === 0
                ? l10n.t("exited")
                : l10n.t("exited with code {0}", String(state.exit.exitCode ?? "?"));
        case "lost":
            return l10n.t("ended, nobody saw how");
        case "broken":
            return l10n.t("damaged");
    }
}

/** Title of a group of containers. */
export function groupTitle(key: string, grouping: Grouping): string {
    if (grouping !== "state") {
        return key;
    }
    const titles: Record<string, string> = {
        created: l10n.t("Created"),
        running: l10n.t("Running"),
        exited: l10n.t("Exited"),
        lost: l10n.t("Ended, nobody saw how"),
        broken: l10n.t("Damaged"),
    } satisfies Record<ContainerState["kind"], string>;
    return titles[key] ?? key;
}

/** Shapes differ as well as colours. */
export function stateIcon(state: ContainerState): Icon {
    switch (state.kind) {
        case "created":
            return { id: "circle-outline" };
        case "running":
            return { id: "play-circle", color: "testing.iconPassed" };
        case "exited":
            if (state.exit.oomKilled) {
                return { id: "flame", color: "list.warningForeground" };
            }
            return state.exit.exitCode === 0
                ? { id: "stop-circle", color: "descriptionForeground" }
                : { id: "error", color: "list.errorForeground" };
        case "lost":
            return { id: "question", color: "list.warningForeground" };
        case "broken":
            return { id: "warning", color: "list.errorForeground" };
    }
}

/** Memory in use, in a column of constant width. */
function memoryColumn(usage: Usage): string {
    if (usage.memory === undefined) {
        return "";
    }
    const text = formatMemory(usage.memory, usage.memoryLimit);
    const digits = text.indexOf(" ");
    return padFigure(text.slice(0, digits), MEMORY_WIDTH) + text.slice(digits);
}

/** " 12.3%   45.1 / 100 MiB", as wide whatever the figures are. */
export function figures(usage: Usage): string {
    const cpu = padFigure(usage.cpu === undefined ? "–" : formatCpu(usage.cpu), CPU_WIDTH);
    return `${cpu}  ${memoryColumn(usage)}`.trimEnd();
}

function describe({ state }: ContainerSummary, known: Knowledge): string {
    if (known.activity !== undefined) {
        return activityText(known.activity);
    }
    if (known.failure !== undefined) {
        return `${stateText(state)} — ${known.failure}`;
    }
    if (state.kind === "running" && known.usage !== undefined) {
        return figures(known.usage);
    }
    return stateText(state);
}

function speak(container: ContainerSummary, { usage, activity, failure }: Knowledge): string {
    const parts = [
        container.name,
        activity === undefined ? stateText(container.state) : activityText(activity),
    ];
    if (container.state.kind === "running" && usage !== undefined) {
        if (usage.cpu !== undefined) {
            parts.push(l10n.t("CPU {0} percent", (usage.cpu * 100).toFixed(0)));
        }
        if (usage.memory !== undefined) {
            parts.push(l10n.t("memory {0}", speakMemory(usage.memory, usage.memoryLimit)));
        }
    }
    if (failure !== undefined) {
        parts.push(failure);
    }
    return parts.join(", ");
}

function speakMemory(bytes: number, limit: number | undefined): string {
    const [used = "", unit = ""] = formatBytes(bytes).split(" ");
    const spoken: Record<string, string> = {
        B: l10n.t("bytes"),
        KiB: l10n.t("kibibytes"),
        MiB: l10n.t("mebibytes"),
        GiB: l10n.t("gibibytes"),
        TiB: l10n.t("tebibytes"),
    };
    const words = `${Number(used).toFixed(0)} ${spoken[unit] ?? unit}`;
    return limit === undefined ? words : l10n.t("{0} of {1}", words, speakMemory(limit, undefined));
}

function facets(container: ContainerSummary, { activity }: Knowledge): string {
    const result = ["container", container.state.kind];
    if (container.command.length > 0) {
        result.push("command");
    }
    if (Object.keys(container.limits).length > 0) {
        result.push("limited");
    }
    if (activity !== undefined) {
        result.push("busy");
    }
    return result.join(";");
}

function icon({ state }: ContainerSummary, { activity, failure }: Knowledge): Icon {
    if (activity !== undefined) {
        return { id: "loading~spin" };
    }
    return failure === undefined
        ? stateIcon(state)
        : { id: "error", color: "list.errorForeground" };
}

export function containerRow(container: ContainerSummary, known: Knowledge): Row {
    return {
        label: container.name,
        description: describe(container, known),
        icon: icon(container, known),
        contextValue: facets(container, known),
        spoken: speak(container, known),
    };
}

/** One of the rows below a container. */
export interface Detail {
    /** Stable. */
    key: string;
    label: string;
    description: string;
    icon: Icon;
    /** What "Copy Value" copies. */
    value: string;
}

function detail(key: string, label: string, icon: string, value: string, graph = ""): Detail {
    return {
        key,
        label,
        description: graph ? `${value}  ${graph}` : value,
        icon: { id: icon },
        value: value.trim(),
    };
}

/** Samples drawn in a row: narrow side bars have room for no more. */
const GRAPH_LENGTH = 20;

/** What stands below a container: what it uses of its limits, and what it is. */
export function detailRows(container: ContainerSummary, history: readonly Usage[]): Detail[] {
    const running = container.state.kind === "running";
    return [
        ...(running ? usageRows(container, history) : limitRows(container)),
        detail(
            "command",
            l10n.t("Command"),
            "terminal",
            formatCommand(container.command) || l10n.t("none: it waits until it is stopped"),
        ),
        detail("rootfs", l10n.t("Root file system"), "file-directory", rootfsName(container)),
        ...(container.state.kind === "running"
            ? [detail("pid", l10n.t("Process"), "symbol-number", String(container.state.pid))]
            : []),
        detail("id", l10n.t("ID"), "key", container.id),
    ];
}

function usageRows(container: ContainerSummary, history: readonly Usage[]): Detail[] {
    const usage = history.at(-1);
    if (usage === undefined) {
        return limitRows(container);
    }
    const recent = history.slice(-GRAPH_LENGTH);
    const rows: Detail[] = [];
    if (usage.cpu !== undefined) {
        const values = recent.map((sample) => sample.cpu);
        const top = container.limits.cpu ?? Math.max(0.01, ...values.map((value) => value ?? 0));
        const limit = container.limits.cpu;
        const used = padFigure(formatCpu(usage.cpu), CPU_WIDTH);
        rows.push(
            detail(
                "cpu",
                l10n.t("CPU"),
                "pulse",
                limit === undefined ? used : l10n.t("{0} of {1}", used, formatCpu(limit)),
                sparkline(values, top),
            ),
        );
    }
    if (usage.memory !== undefined) {
        const values = recent.map((sample) => sample.memory);
        const top = usage.memoryLimit ?? Math.max(1, ...values.map((value) => value ?? 0));
        rows.push(
            detail("memory", l10n.t("Memory"), "chip", memoryColumn(usage), sparkline(values, top)),
        );
    }
    if (usage.pids !== undefined) {
        const limit = usage.pidsLimit;
        const value = limit === undefined ? String(usage.pids) : `${usage.pids} / ${limit}`;
        rows.push(detail("pids", l10n.t("Processes"), "server-process", value));
    }
    return rows;
}

function limitRows({ limits }: ContainerSummary): Detail[] {
    const rows: Detail[] = [];
    if (limits.cpu !== undefined) {
        rows.push(
            detail("cpu", l10n.t("CPU"), "pulse", l10n.t("at most {0}", formatCpu(limits.cpu))),
        );
    }
    if (limits.memory !== undefined) {
        const most = l10n.t("at most {0}", formatLimit(limits.memory));
        rows.push(detail("memory", l10n.t("Memory"), "chip", most));
    }
    if (limits.pids !== undefined) {
        const most = l10n.t("at most {0}", String(limits.pids));
        rows.push(detail("pids", l10n.t("Processes"), "server-process", most));
    }
    return rows;
}
