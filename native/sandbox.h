#ifndef MCM_SANDBOX_H
#define MCM_SANDBOX_H

#include <sys/types.h>

#include "cgroup.h"
#include "container.h"
#include "error.h"
#include "state.h"

/* The parent's ends of a container; -1 where there is none. All close-on-exec. */
struct sandbox {
    pid_t pid; /* of its init, as the host numbers it */
    int pidfd;
    int sync;   /* until the command runs */
    int report; /* the command's wait status comes here */
    int input;  /* of a command without a terminal; this and the outputs never block */
    int output, errors;
    int terminal; /* the pty's master */
};

/* Makes the namespaces and all that the child needs from outside, and sends it on its way. */
int sandbox_start(const struct container *container, const struct state *state,
                  const struct cgroup *cgroup, char **argv, struct sandbox *ret_sandbox,
                  struct error *error);

/* Waits until the command runs, or init waits when there is none. Fills in the terminal. */
int sandbox_await(struct sandbox *sandbox, struct error *error);

/* Waits for init's end and returns its wait status, or the command's, which is more exact. */
int sandbox_wait(struct sandbox *sandbox);

/* Kills init and with it everything inside, and waits until it is gone. */
void sandbox_abort(struct sandbox *sandbox);

#endif
