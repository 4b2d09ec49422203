#ifndef MCM_REMOVE_H
#define MCM_REMOVE_H

#include <stdbool.h>

#include "error.h"

/*
 * Removes a directory with everything in it, by fd: no link is followed, no mount is entered, and
 * any depth needs the same few fds. Done also when it is not there.
 */
int tree_remove(int parent, const char *name, struct error *error);

/* The same for an absolute path. */
int tree_remove_path(const char *path, struct error *error);

/*
 * Removes a container's cgroups and directories. The state directory is first renamed to
 * `.removing-ID` beside itself, so that half a container is never seen; what a crashed remove left
 * of one is finished. A running container is step `lock`, EBUSY; `locked` says that the caller, its
 * monitor, holds the lock.
 */
int container_remove(const char *id, const char *state_dir, const char *run_dir, bool locked,
                     struct error *error);

#endif
