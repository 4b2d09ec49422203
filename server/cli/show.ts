/** `mcm list`, `mcm status`, `mcm inspect`: what there is and how it does. */
import {
    InspectRequest,
    ListRequest,
    StatusRequest,
    type ContainerStatus,
    type ContainerSummary,
    type Usage,
} from "../protocol";
import { printJson, type Context } from "./context";
import { EXIT } from "./errors";
import {
    formatAgo,
    formatBytes,
    formatCommand,
    formatCpu,
    formatCpuTime,
    formatLimits,
    formatRootfs,
    formatState,
} from "./format";
import { formatFields, formatTable, shorten, type Column } from "./table";

/** Options of those that can print JSON. */
export interface JsonOption {
    json?: boolean;
}

const LIST_COLUMNS: readonly Column[] = [
    { heading: "CONTAINER ID" },
    { heading: "NAME" },
    { heading: "STATUS" },
    { heading: "PID", align: "right" },
    { heading: "LIMITS" },
    { heading: "ROOTFS" },
    { heading: "CREATED" },
    { heading: "COMMAND" },
];

/** Characters of a command or a path that a table shows. */
const CELL_LIMIT = 40;

/** The table of `mcm list`. */
export function listTable(containers: readonly ContainerSummary[], now: number): string {
    const rows = containers.map(({ id, name, state, limits, rootfs, createdAt, command }) => [
        id,
        name,
        formatState(state),
        "pid" in state ? String(state.pid) : "",
        limitsCell(limits),
        shorten(formatRootfs(rootfs), CELL_LIMIT),
        formatAgo(createdAt, now),
        shorten(formatCommand(command), CELL_LIMIT),
    ]);
    return formatTable(LIST_COLUMNS, rows);
}

function limitsCell(limits: ContainerSummary["limits"]): string {
    const text = formatLimits(limits);
    return text === "none" ? "" : text;
}

/** The lines of `mcm status`. */
export function statusFields(container: ContainerStatus, now: number): string {
    const { state, usage, limits } = container;
    const exit = state.kind === "exited" ? state.exit : undefined;
    return formatFields([
        ["Container", container.id],
        ["Name", container.name],
        ["Status", formatState(state)],
        ["Reason", state.kind === "broken" ? state.reason : undefined],
        ["PID", "pid" in state ? String(state.pid) : undefined],
        ["Started", "pid" in state ? formatAgo(state.startedAt, now) : undefined],
        ["Finished", exit && formatAgo(exit.finishedAt, now)],
        ["Memory", usage ? memoryOf(usage) : limitOnly(limits.memory, formatBytes)],
        ["Memory peak", peakOf(usage?.memoryPeak ?? exit?.memoryPeak)],
        ["CPU", usage ? cpuOf(usage, limits.cpu) : limitOnly(limits.cpu, coresText)],
        ["CPU time", cpuTimeOf(usage?.cpuUsageUsec ?? exit?.cpuUsageUsec)],
        ["CPU throttled", usage && throttlingOf(usage)],
        ["CPUs", limits.cpuset],
        ["PIDs", usage ? pidsOf(usage) : limitOnly(limits.pids, String)],
        ["Disk I/O", usage && ioOf(usage)],
        ["Disk limits", ioLimitsOf(limits)],
        ["Pressure", usage && pressureOf(usage)],
        ["OOM kills", usage?.oomKills ? String(usage.oomKills) : undefined],
        ["Rootfs", formatRootfs(container.rootfs)],
        ["Command", formatCommand(container.command)],
        ["Created", formatAgo(container.createdAt, now)],
    ]);
}

function limitOnly(
    limit: number | undefined,
    format: (limit: number) => string,
): string | undefined {
    return limit === undefined ? undefined : `limit ${format(limit)}`;
}

function coresText(cores: number): string {
    return `${cores} core${cores === 1 ? "" : "s"}`;
}

/** "1.2 MiB of 100 MiB (1.2%)"; undefined when this host has no figure. */
export function memoryOf({ memory, memoryLimit }: Usage): string | undefined {
    if (memory === undefined) {
        return undefined;
    }
    if (memoryLimit === undefined) {
        return formatBytes(memory);
    }
    const share = ((memory / memoryLimit) * 100).toFixed(1);
    return `${formatBytes(memory)} of ${formatBytes(memoryLimit)} (${share}%)`;
}

function cpuOf({ cpu }: Usage, limit: number | undefined): string | undefined {
    const used = cpu === undefined ? undefined : `${formatCpu(cpu)} of one core`;
    const limited = limitOnly(limit, coresText);
    return [used, limited].filter((part) => part !== undefined).join(", ") || undefined;
}

function peakOf(bytes: number | undefined): string | undefined {
    return bytes === undefined ? undefined : formatBytes(bytes);
}

function cpuTimeOf(microseconds: number | undefined): string | undefined {
    return microseconds === undefined ? undefined : formatCpuTime(microseconds);
}

/** "3 of 256"; undefined when this host has no figure. */
export function pidsOf({ pids, pidsLimit }: Usage): string | undefined {
    if (pids === undefined) {
        return undefined;
    }
    return pidsLimit === undefined ? String(pids) : `${pids} of ${pidsLimit}`;
}

/** "1.5 MiB read, 20 KiB written"; undefined when this host has no figures. */
export function ioOf({ ioReadBytes, ioWriteBytes }: Usage): string | undefined {
    if (ioReadBytes === undefined || ioWriteBytes === undefined) {
        return undefined;
    }
    return `${formatBytes(ioReadBytes)} read, ${formatBytes(ioWriteBytes)} written`;
}

/** "2.50 s, in 25 of 30 periods"; undefined when it never was, and when this host has no figure. */
export function throttlingOf(usage: Usage): string | undefined {
    const { throttledUsec, throttledPeriods, cpuPeriods } = usage;
    if (!throttledUsec) {
        return undefined;
    }
    const time = formatCpuTime(throttledUsec);
    return throttledPeriods === undefined || cpuPeriods === undefined
        ? time
        : `${time}, in ${throttledPeriods} of ${cpuPeriods} periods`;
}

/** "read 10 MiB/s, write 5 MiB/s"; undefined when neither is limited. */
function ioLimitsOf({ ioRead, ioWrite }: ContainerSummary["limits"]): string | undefined {
    return ioRead === undefined && ioWrite === undefined
        ? undefined
        : formatLimits({ ioRead, ioWrite });
}

/** "cpu 12%, memory 0%, io 3%": of the last 10 s; undefined when this host has no figures. */
export function pressureOf({ pressure = {} }: Usage): string | undefined {
    const shares = (["cpu", "memory", "io"] as const).map((resource) => {
        const share = pressure[resource]?.some;
        return share === undefined ? [] : [`${resource} ${share.toFixed(0)}%`];
    });
    return shares.flat().join(", ") || undefined;
}

/** `mcm list`. */
export function list(options: JsonOption, context: Context): Promise<number> {
    return context.withClient(async (client) => {
        const containers = await client.ask(ListRequest);
        if (options.json) {
            printJson(context, containers);
        } else {
            context.io.stdout.write(listTable(containers, Date.now()));
        }
        return EXIT.ok;
    });
}

/** `mcm status ID`. */
export function status(container: string, options: JsonOption, context: Context): Promise<number> {
    return context.withClient(async (client) => {
        const result = await client.request(StatusRequest, { container });
        if (options.json) {
            printJson(context, result);
        } else {
            context.io.stdout.write(statusFields(result, Date.now()));
        }
        return EXIT.ok;
    });
}

/** `mcm inspect ID`. */
export function inspect(container: string, context: Context): Promise<number> {
    return context.withClient(async (client) => {
        printJson(context, await client.request(InspectRequest, { container }));
        return EXIT.ok;
    });
}
