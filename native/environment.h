#ifndef MCM_ENVIRONMENT_H
#define MCM_ENVIRONMENT_H

#include "error.h"

/*
 * Reads `KEY=VALUE` entries, each ended by a NUL byte, from `fd` to its end, 1 MiB at most. `fd` -1
 * gives an empty environment. The result is one block, strings included.
 */
int environment_read(int fd, char ***ret_environment, struct error *error);

#endif
