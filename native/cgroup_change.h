#ifndef MCM_CGROUP_CHANGE_H
#define MCM_CGROUP_CHANGE_H

#include <stdbool.h>

#include "cgroup.h"
#include "disk.h"
#include "error.h"

/* Three files for memory, one each for cpu, cpuset and pids, two for each disk. */
#define CHANGES_MAX (6 + 2 * DISKS_MAX)

/* One file of one limit, and what is to be written there. */
struct change {
    enum step step; /* names the limit */
    enum cgroup_hierarchy hierarchy;
    const char *file;
    bool optional;           /* a kernel that cannot do what it limits has no such file */
    const char *value;       /* of any length; NULL: `text` */
    char text[64];           /* a number in the words of this file */
    const struct disk *disk; /* the one whose line in the file it is, NULL when it is all of it */
    const char *key;         /* in that line; NULL when the line has nothing else */
    char *before;            /* what puts back what stood there; NULL: not kept */
};

/* In the order in which they are written. */
struct changes {
    struct change list[CHANGES_MAX];
    size_t count;
};

/*
 * Writes all of them or, when `keep`, none: what was written before one failed is put back, last
 * first. Fails at the step of the change that did: ENOENT when its controller is nowhere.
 */
int changes_apply(const struct cgroup *parent, const struct cgroup *cgroup, struct changes *changes,
                  bool keep, struct error *error);

#endif
