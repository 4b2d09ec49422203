/** A container of the store as the protocol shows it. */
import type { ContainerDetails, ContainerState, ContainerSummary, Rootfs } from "./protocol";
import { hostnameOf } from "./config";
import type { Container, HealthyContainer } from "./store";
import type { LiveState } from "./state";

function shownState(state: LiveState): ContainerState {
    if (state.kind !== "running") {
        return state;
    }
    const { pid, startedAt } = state.process;
    return { kind: state.paused ? "paused" : "running", pid, startedAt };
}

/** One row of a list. Of a broken container little is known, and nothing is made up. */
export function summaryOf(container: Container): ContainerSummary {
    const { id, name } = container;
    if (container.kind === "broken") {
        return {
            id,
            name,
            command: [],
            limits: {},
            createdAt: "",
            tty: false,
            interactive: false,
            state: { kind: "broken", reason: container.reason },
        };
    }
    return summaryOfHealthy(container);
}

function summaryOfHealthy(container: HealthyContainer): ContainerSummary & { rootfs: Rootfs } {
    const { id, name, config } = container;
    const { rootfs, command, limits, createdAt, tty, interactive } = config;
    const state = shownState(container.state);
    return { id, name, rootfs, command, limits, createdAt, tty, interactive, state };
}

/** Everything that is known of one; `cgroups` are the directories of its cgroup. */
export function detailsOf(
    container: HealthyContainer,
    cgroups: Record<string, string>,
): ContainerDetails {
    const { config, paths } = container;
    return {
        ...summaryOfHealthy(container),
        hostname: hostnameOf(config),
        env: config.env,
        workdir: config.workdir,
        user: config.user ?? "root",
        volumes: config.volumes,
        autoRemove: config.autoRemove,
        idBase: config.idBase,
        paths: { state: paths.state, upper: paths.upper, log: paths.log },
        cgroups,
        warnings: config.warnings,
    };
}

/** True for those with processes, which a paused one has as well. */
function isAlive({ state }: ContainerSummary): boolean {
    return state.kind === "running" || state.kind === "paused";
}

/** Running and paused ones first, then by name. */
export function bySummaryOrder(a: ContainerSummary, b: ContainerSummary): number {
    const rank = (container: ContainerSummary) => (isAlive(container) ? 0 : 1);
    return rank(a) - rank(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}
