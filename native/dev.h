#ifndef MCM_DEV_H
#define MCM_DEV_H

#include "error.h"
#include "mounts.h"

/* Mounts /dev in the container's root: a tmpfs with exactly the standard nodes, links and mounts.
 */
int dev_mount(int root, const struct mounts *mounts, struct error *error);

#endif
