/** Init reaps what is orphaned, however much comes at once, of its command and of entered ones. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../support/fixtures";
import { outputOf, startContainer } from "./entered";
import { testContainer } from "./executor";

/** Fewer where each process takes long to make. */
const ORPHANS = Number(process.env.MCM_STORM_ORPHANS ?? 1000);

/**
 * Forks twice for each orphan: the shell in the middle ends at once. They wait at a FIFO until all
 * are there, and are let go, and end, at the same moment. Prints how many were init's children while
 * they waited, and what is left besides this shell and `idle` once it has looked at them go.
 */
const ALL_AT_ONCE = `
    mkfifo /tmp/gate
    i=0; while [ $i -lt ${ORPHANS} ]; do ( (read line < /tmp/gate) & ); i=$((i + 1)); done
    orphans() { grep -l '^PPid:.1$' /proc/[0-9]*/status 2> /dev/null | grep -vc "/$$/"; }
    orphans
    exec 3> /tmp/gate; exec 3>&-`;

/** Forks twice for each, which end in their own time, as in any careless program. */
const ONE_AFTER_ANOTHER = `
    i=0; while [ $i -lt ${ORPHANS} ]; do (true &); i=$((i + 1)); done`;

/** Waits for the orphans' end; prints zombies and other children of init that are left. */
const NOBODY_LEFT = `
    children() { grep -l '^PPid:.1$' /proc/[0-9]*/status 2> /dev/null | grep -v "/$$/"; }
    zombies() { grep -l '^State:.Z' /proc/[0-9]*/status 2> /dev/null; }
    i=0; while [ $i -lt 600 ] && [ -n "$(children)$(zombies)" ]; do sleep 0.05; i=$((i + 1)); done
    echo "left:$(children)$(zombies)"`;

test(`init reaps ${ORPHANS} orphans of its command that end at the same moment`, async (t) => {
    const container = await testContainer(t);
    const output = await container.outputOf(ALL_AT_ONCE + NOBODY_LEFT);
    assert.equal(output, `${ORPHANS}\nleft:\n`);
});

test(`init reaps ${ORPHANS} orphans of its command that end one after another`, async (t) => {
    const container = await testContainer(t);
    assert.equal(await container.outputOf(ONE_AFTER_ANOTHER + NOBODY_LEFT), "left:\n");
});

test(`init reaps ${ORPHANS} orphans of an entered command, also after that has ended`, async () => {
    const container = await startContainer();
    try {
        const output = await outputOf(container, ALL_AT_ONCE + NOBODY_LEFT);
        assert.equal(output, `${ORPHANS}\nleft:\n`);
        await outputOf(container, ONE_AFTER_ANOTHER);
        await eventually(() => childrenOf(container.process.pid) === "", "all are reaped", 30_000);
    } finally {
        await container.dispose();
    }
});

/** Pids, also those of zombies, that the kernel lists as children (proc(5)). */
function childrenOf(pid: number): string {
    return readFileSync(join("/proc", String(pid), "task", String(pid), "children"), "utf8");
}
