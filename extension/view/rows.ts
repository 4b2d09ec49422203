/** What the rows of the Containers view say. Knows nothing of VS Code. */
import * as l10n from "@vscode/l10n";
import type { ContainerState, ContainerSummary, Usage } from "../../server/protocol";
import { endedBadly } from "../endingText";
import type { Activity } from "../model";
import type { Grouping } from "./arrange";
import { formatBytes, formatCpu, formatMemory, padFigure } from "./format";

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
export const CPU_WIDTH = 6;
const MEMORY_WIDTH = 4;

export function activityText(activity: Activity): string {
    switch (activity) {
        case "starting":
            return l10n.t("starting…");
        case "stopping":
            return l10n.t("stopping…");
        case "restarting":
            return l10n.t("restarting…");
        case "pausing":
            return l10n.t("pausing…");
        case "resuming":
            return l10n.t("resuming…");
        case "limiting":
            return l10n.t("changing limits…");
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
        case "paused":
            return l10n.t("paused");
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
        paused: l10n.t("Paused"),
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
        case "paused":
            return { id: "debug-pause", color: "charts.yellow" };
        case "exited":
            if (state.exit.oomKilled) {
                return { id: "flame", color: "charts.orange" };
            }
            return endedBadly(state.exit)
                ? { id: "error", color: "list.errorForeground" }
                : { id: "stop-circle", color: "descriptionForeground" };
        case "lost":
            return { id: "question", color: "list.warningForeground" };
        case "broken":
            return { id: "warning", color: "list.errorForeground" };
    }
}

/** Memory in use, in a column of constant width. */
export function memoryColumn(usage: Usage): string {
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
