#ifndef MCM_CPUS_H
#define MCM_CPUS_H

#include <stdbool.h>

#include "error.h"

/* Whether `list` is in the list format of cpuset(7), names at least one processor, and has no range
 * that ends before it begins. */
bool cpus_is_list(const char *list);

/* Refuses, at step `limit-cpuset` with EINVAL, a list that names a processor that this computer has
 * not, or has switched off. */
int cpus_check_online(const char *list, struct error *error);

#endif
