#ifndef MCM_MASK_H
#define MCM_MASK_H

#include "error.h"

/*
 * Hides what /proc and /sys tell of the host or let change of it, below the mounts `proc` and
 * `sys`: a file behind the attached null device, a directory behind one shared empty one; the rest
 * becomes read-only. The empty directory is made in `staging`, an attached mount that nobody sees
 * inside.
 */
int mask_paths(int proc, int sys, int null_device, int staging, struct error *error);

#endif
