#ifndef MCM_MONITOR_H
#define MCM_MONITOR_H

#include "cgroup.h"
#include "container.h"
#include "state.h"

/* What the monitor tells the launching parent, once, in one write. */
struct launch_word {
    int exit_code;          /* the launcher's; unless 0 the failure has been reported */
    struct running running; /* with 0: what it is to report as started */
};

/* What the launching parent hands to the monitor that it forks. */
struct monitor_start {
    const struct container *container;
    struct state state;
    struct cgroup parent;   /* of our control groups */
    struct cgroup monitors; /* the monitors' own */
    int hold;               /* cgroup_hold(); closed once we are in it everywhere */
    int status_fd;
    int launcher; /* takes the launch_word */
    char **argv;  /* where the process shows its title */
};

/*
 * The monitor: creates the container, reports, and stays as its parent until it has ended and that
 * is written down. Never returns.
 */
_Noreturn void monitor_run(struct monitor_start *start);

#endif
