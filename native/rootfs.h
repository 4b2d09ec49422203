#ifndef MCM_ROOTFS_H
#define MCM_ROOTFS_H

#include "container.h"
#include "error.h"
#include "mounts.h"

/*
 * The child's side: builds everything that the container sees as its files from the detached
 * mounts, in the child's own mount namespace, and makes it the root. Host paths are gone
 * afterwards.
 */
int rootfs_enter(const struct container *container, const struct mounts *mounts,
                 struct error *error);

#endif
