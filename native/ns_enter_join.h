#ifndef MCM_NS_ENTER_JOIN_H
#define MCM_NS_ENTER_JOIN_H

#include <sys/types.h>

#include "error.h"
#include "ns_enter_options.h"

/* The entered command as we see it from outside. Every fd is ours and close-on-exec. */
struct entered {
    pid_t pid; /* in our pid namespace */
    int pidfd;
    int master; /* of the terminal; -1 without one, and then: */
    int input;  /* the pipes' outer ends */
    int output;
    int errors;
};

/*
 * Starts the command of `options`, with `environment`, in the container whose init is `init_pidfd`,
 * and returns once its exec succeeded, or fails when the control fd hangs up or `signal_fd` has a
 * signal before. The caller is bound to the container's pid namespace for
 * whatever it forks later, and to nothing else of it.
 */
int enter(const struct enter_options *options, char *const *environment, int init_pidfd,
          int signal_fd, struct entered *ret_entered, struct error *error);

#endif
