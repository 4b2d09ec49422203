/** What the status bar and its hover say. Knows nothing of VS Code. */
import * as l10n from "@vscode/l10n";
import type { StatsSample } from "../../server/protocol";
import { bar, formatBytes, formatCpu, formatLimit, formatMemory, padFigure } from "./format";
import type { Markdown } from "./hover";
import { fullness, type Totals } from "./totals";

/** Characters of "12.3%" and "1023 MiB", and a gap to the icon before them. */
const CPU_WIDTH = 6;
const MEMORY_WIDTH = 9;
/** Containers listed in the hover. */
const LISTED = 5;
const BAR_WIDTH = 10;

/** Always as wide, as long as as many containers run. */
export function metersText({ running, cpu, memory }: Totals): string {
    if (running === 0) {
        return "$(vm-outline) 0";
    }
    const cpuText = cpu === undefined ? "–" : formatCpu(cpu);
    const memoryText = memory === undefined ? "–" : formatBytes(memory);
    return (
        `$(vm-running) ${running} $(pulse)${padFigure(cpuText, CPU_WIDTH)} ` +
        `$(chip)${padFigure(memoryText, MEMORY_WIDTH)}`
    );
}

export function metersSpoken({ running, cpu, memory, nearLimit }: Totals): string {
    const parts = [
        running === 1 ? l10n.t("1 container runs") : l10n.t("{0} containers run", running),
    ];
    if (cpu !== undefined) {
        parts.push(l10n.t("CPU {0} percent", (cpu * 100).toFixed(0)));
    }
    if (memory !== undefined) {
        parts.push(l10n.t("memory {0}", formatBytes(memory)));
    }
    if (nearLimit.length > 0) {
        parts.push(l10n.t("{0} near a limit", nearLimit.map(({ name }) => name).join(", ")));
    }
    return parts.join(", ");
}

/** @param host how large this computer is, when it is known */
export function writeMetersHover(
    to: Markdown,
    sums: Totals,
    host: StatsSample["host"] | undefined,
): void {
    if (sums.running === 0) {
        to.appendText(l10n.t("No container is running."));
        return;
    }
    if (host !== undefined) {
        to.appendMarkdown("| | | |\n|:--|:--|:--|\n");
        const cpu = sums.cpu ?? 0;
        const memory = sums.memory ?? 0;
        const cores = l10n.t("{0} of {1} cores", cpu.toFixed(2), host.cpus);
        row(to, l10n.t("CPU"), bar(cpu / host.cpus, BAR_WIDTH), cores);
        row(
            to,
            l10n.t("Memory"),
            bar(memory / host.memory, BAR_WIDTH),
            l10n.t("{0} of {1}", formatBytes(memory), formatLimit(host.memory)),
        );
        to.appendMarkdown("\n---\n\n");
    }
    to.appendMarkdown(
        `| ${l10n.t("Container")} | ${l10n.t("CPU")} | \u2003${l10n.t("Memory")} | |\n`,
    );
    to.appendMarkdown("|:--|--:|--:|:--|\n");
    for (const { container, usage } of sums.busiest.slice(0, LISTED)) {
        to.appendMarkdown("| ");
        to.appendText(container.name);
        const cpu = usage.cpu === undefined ? "–" : formatCpu(usage.cpu);
        const memory =
            usage.memory === undefined ? "–" : formatMemory(usage.memory, usage.memoryLimit);
        const warning = sums.nearLimit.includes(container)
            ? l10n.t("$(warning) {0} of a limit", `${(fullness(usage) * 100).toFixed(0)}%`)
            : "";
        to.appendMarkdown(` | ${cpu} | ${memory} | ${warning} |\n`);
    }
    if (sums.running > LISTED) {
        to.appendMarkdown("\n");
        to.appendText(l10n.t("and {0} more", sums.running - LISTED));
    }
}

function row(to: Markdown, ...cells: string[]): void {
    const [name = "", graph = "", text = ""] = cells;
    to.appendMarkdown(`| ${name} | \`${graph}\` | ${text} |\n`);
}
