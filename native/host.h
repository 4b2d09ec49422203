#ifndef MCM_HOST_H
#define MCM_HOST_H

#include "error.h"

/*
 * What a start, an entering and an ending need of the host, asked before anything is made.
 * Everything else is refused by its own step where it is used, and what was made until then undone.
 */

/* Root, with every capability that the programs make use of: step `privilege`, EPERM. */
int host_require_root(struct error *error);

/*
 * The calls whose absence would show only when it is too late: seccomp(2) for a command that is
 * entered later (step `seccomp`), openat2(2) for taking back what was made (step `self`).
 */
int host_require_calls(struct error *error);

#endif
