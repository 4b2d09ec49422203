/** What this host has of control groups, and a container's files in them. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Container, Executed } from "./executor";

export const MIB = 1024 * 1024;

/** Names of controllers in v2 that v1 calls otherwise. */
const LEGACY_NAMES: Record<string, string> = { io: "blkio" };

/** Whether the host has a v1 hierarchy of this controller, named as in v2. */
export function isLegacy(controller: string): boolean {
    const name = LEGACY_NAMES[controller] ?? controller;
    return existsSync(join("/sys/fs/cgroup", name, "cgroup.procs"));
}

/** Whether the host has this controller at all. */
export function hasController(controller: string): boolean {
    const unified = "/sys/fs/cgroup/cgroup.controllers";
    return (
        isLegacy(controller) ||
        (existsSync(unified) &&
            readFileSync(unified, "utf8").trim().split(" ").includes(controller))
    );
}

/** Content of a file of the container's control group, by its name in either version. */
export function read(
    container: Container,
    controller: string,
    legacy: string,
    unified: string,
): string {
    const hierarchy = LEGACY_NAMES[controller] ?? controller;
    const path = isLegacy(controller)
        ? join("/sys/fs/cgroup", hierarchy, "my-container-manager", container.id, legacy)
        : join("/sys/fs/cgroup/my-container-manager", container.id, unified);
    return readFileSync(path, "utf8").trim();
}

/** The memory limit in bytes; undefined when there is none. */
export function memoryLimit(container: Container): number | undefined {
    const limit = Number(read(container, "memory", "memory.limit_in_bytes", "memory.max"));
    return limit < 2 ** 62 ? limit : undefined;
}

/** Microseconds of processor time that the container has used. */
export function cpuTime(container: Container): number {
    return isLegacy("cpuacct")
        ? Number(read(container, "cpuacct", "cpuacct.usage", "")) / 1000
        : Number(/^usage_usec (\d+)$/m.exec(read(container, "cpuacct", "", "cpu.stat"))?.[1]);
}

/** Processes that the kernel has killed for want of memory. */
export function oomKills(container: Container): number {
    const text = read(container, "memory", "memory.oom_control", "memory.events");
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1]);
}

/** Asserts what an execution ended with. */
export function assertEvent(
    { event }: Executed,
    expected: { event: string; step?: string; code?: string; forced?: boolean; running?: boolean },
    message = /^/,
): void {
    const { event: name, step, code, forced, running } = event;
    const found = { event: name, step, code, forced, running };
    const given = Object.entries(found).filter(([, value]) => value !== undefined);
    assert.deepEqual(Object.fromEntries(given), expected, event.message);
    assert.match(event.message ?? "", message);
}
