#ifndef MCM_NS_ENTER_RELAY_H
#define MCM_NS_ENTER_RELAY_H

#include "error.h"
#include "ns_enter_join.h"

/* How a command ended: one of them is 0. */
struct command_end {
    int exit_code;
    int signal;
};

/* What the relay works between, beside the command itself. */
struct relay_ends {
    int init_pidfd; /* the container's; readable when it has died */
    int control_fd; /* lines of native/README.md; its end hangs the session up */
    int signal_fd;  /* signals to us that mean the same */
    int status_fd;
};

/*
 * Relays between our fds 0-2 and the command until it has ended and its output is through, or the
 * container has died. Takes the fds of `entered`.
 */
int relay_run(const struct entered *entered, const struct relay_ends *ends,
              struct command_end *ret_end, struct error *error);

#endif
