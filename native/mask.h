#ifndef MCM_MASK_H
#define MCM_MASK_H

#include "error.h"

/*
 * Hides what /proc and /sys tell of the host or let change of it, below the mounts `proc` and
 * `sys`: a file behind the attached null device, a directory behind one shared empty one; the rest
 * becomes read-only. `old_root` is where helping mounts are put that nobody sees.
 */
int mask_paths(int proc, int sys, int null_device, int old_root, struct error *error);

#endif
