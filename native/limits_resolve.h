#ifndef MCM_LIMITS_RESOLVE_H
#define MCM_LIMITS_RESOLVE_H

#include "cgroup.h"
#include "container.h"
#include "error.h"

/*
 * What can be known of a container's limits before anything is made: that the processors of its
 * cpuset are there, and which disks its files lie on, which is noted in its limits. Fails at the
 * limit's own step: EINVAL for a processor, ENODEV for a file system without a disk.
 */
int limits_resolve(struct container *container, struct error *error);

/* Tells, as warnings, where this host holds less than a limit promises. */
void limits_warn(int status_fd, const struct cgroup *parent, const struct limits *limits);

#endif
