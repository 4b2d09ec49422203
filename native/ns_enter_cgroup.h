#ifndef MCM_NS_ENTER_CGROUP_H
#define MCM_NS_ENTER_CGROUP_H

#include <stddef.h>
#include <sys/types.h>

#include "error.h"

#define HIERARCHIES_MAX 32

/* Where a container's processes are in each cgroup hierarchy, opened (cgroups(7)). */
struct memberships {
    int unified; /* directory of the cgroup v2 hierarchy, -1: it has none or ours is the same */
    int tasks[HIERARCHIES_MAX]; /* of the v1 hierarchies, for writing */
    size_t count;
};

/*
 * Opens the current cgroups of process `pid`, but for those that we are in ourselves. Step `cgroup`
 * when one cannot be reached, `identify` when none of them is of container `id`.
 */
int memberships_open(pid_t pid, const char *id, struct memberships *ret_memberships,
                     struct error *error);

/* Moves the calling process, which has one thread, into the v1 cgroups; into the unified one a
 * process is born. Without the wait that a writer to cgroup.procs has (cgroup_join() in cgroup.h).
 */
int memberships_join(const struct memberships *memberships, struct error *error);

void memberships_close(struct memberships *memberships);

#endif
