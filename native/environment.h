#ifndef MCM_ENVIRONMENT_H
#define MCM_ENVIRONMENT_H

#include "error.h"

/*
 * Reads `KEY=VALUE` entries, each ended by a NUL byte, from `fd` to its end, 1 MiB at most. `fd` -1
 * gives an empty environment. The result and its strings live until the process ends.
 */
int environment_read(int fd, char ***ret_environment, struct error *error);

#endif
