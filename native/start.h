#ifndef MCM_START_H
#define MCM_START_H

#include "error.h"
#include "options.h"

/*
 * Starts a container and returns the exit code of the launching parent: once the command runs, or
 * the failure was reported on the status fd. -1 with `error` when that is still to be done.
 */
int container_start(struct options *options, char **argv, struct error *error);

#endif
