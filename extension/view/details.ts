/** What the rows below a container say. Knows nothing of VS Code. */
import * as l10n from "@vscode/l10n";
import type { ContainerSummary, Usage } from "../../server/protocol";
import { isLive } from "../liveness";
import { rootfsName } from "./arrange";
import {
    cpuTop,
    formatCommand,
    formatCpu,
    formatLimit,
    memoryTop,
    padFigure,
    sparkline,
} from "./format";
import { CPU_WIDTH, type Icon, memoryColumn } from "./rows";

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
const GRAPH_LENGTH = 10;

/** What stands below a container: what it uses of its limits, and what it is. */
export function detailRows(container: ContainerSummary, history: readonly Usage[]): Detail[] {
    return [
        ...(isLive(container.state) ? usageRows(container, history) : limitRows(container)),
        detail(
            "command",
            l10n.t("Command"),
            "terminal",
            formatCommand(container.command) || l10n.t("none: it waits until it is stopped"),
        ),
        detail("rootfs", l10n.t("Root file system"), "file-directory", rootfsName(container)),
        ...(isLive(container.state)
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
        const limit = container.limits.cpu;
        const used = padFigure(formatCpu(usage.cpu), CPU_WIDTH);
        rows.push(
            detail(
                "cpu",
                l10n.t("CPU"),
                "pulse",
                limit === undefined ? used : l10n.t("{0} of {1}", used, formatCpu(limit)),
                sparkline(values, cpuTop(values, limit)),
            ),
        );
    }
    if (usage.memory !== undefined) {
        const values = recent.map((sample) => sample.memory);
        const top = memoryTop(values, usage.memoryLimit);
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
