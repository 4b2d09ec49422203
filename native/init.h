#ifndef MCM_INIT_H
#define MCM_INIT_H

#include "child.h"
#include "container.h"

/*
 * Pid 1 of a container: starts the command, hands signals on to it, reaps what is orphaned, and
 * exits with the command's exit code, or 128+n for signal n. Without a command it waits until it is
 * told to end, and exits with 0. Never returns.
 */
_Noreturn void init_run(const struct container *container, const struct child_ends *ends,
                        char **argv);

#endif
