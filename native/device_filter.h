#ifndef MCM_DEVICE_FILTER_H
#define MCM_DEVICE_FILTER_H

#include "error.h"

/*
 * Which devices the processes of a control group may open: null, zero, full, random, urandom, tty,
 * console, ptmx and pts, and no other. It is the second lock on a door that is shut: every file
 * system of a container is mounted in its user namespace or "nodev", so that the kernel opens no
 * other node inside. A host that can have neither of the two is therefore not refused.
 */

/*
 * For the unified hierarchy: makes sure that the program stands on this directory, where it holds
 * for everything below. -1 with errno where the kernel has no such programs or does not let us.
 */
int device_filter_attach(int cgroup_fd);

/* For the v1 controller: writes the list into a directory without processes. */
int device_filter_write(int cgroup_fd, struct error *error);

#endif
