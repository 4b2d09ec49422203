#ifndef MCM_LOCK_H
#define MCM_LOCK_H

#include "error.h"

#define LOCK_WAIT_MS 5000

/*
 * Takes the lock of a container by flock(2) on its state directory; who holds the fd, or a copy of
 * it, holds the lock. Fails at step `lock` with EBUSY when the container runs. When it does not,
 * the holder is a monitor about to end, or somebody who removes it: that is waited for,
 * LOCK_WAIT_MS at most.
 */
int container_lock(const char *id, int state_dir_fd, struct error *error);

/* 1: processes are in its cgroup, with or without a monitor; 0: none; -1: failed. */
int container_is_populated(const char *id, struct error *error);

#endif
