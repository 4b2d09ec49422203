#ifndef MCM_CHILD_H
#define MCM_CHILD_H

#include "cgroup.h"
#include "container.h"

/* The child's ends of what connects it with its parent; -1 where there is none. */
struct child_ends {
    int sync;     /* sync.h */
    int report;   /* the command's wait status, as an int, once it has ended */
    int stdio[3]; /* of a command without a terminal */
};

/*
 * The cloned child's side, from the new namespaces to pid 1. `argv` is where the process shows its
 * title. Never returns.
 */
_Noreturn void child_run(const struct container *container, const struct cgroup *cgroup,
                         const struct child_ends *given, char **argv);

#endif
