#ifndef MCM_SELF_H
#define MCM_SELF_H

#include <stddef.h>

#include "error.h"

/*
 * What a privileged program does before anything else: default signals, fds 0-2 open, umask 077, no
 * environment, a session keyring of its own, and a start over from a copy of its own file that
 * nobody can write to. A container's command may be `#!/proc/self/exe`, which makes the kernel run
 * this very file inside (CVE-2019-5736); /proc/PID/exe then leads to the copy. The process is made
 * non-dumpable.
 */
int self_protect(char *const *argv, struct error *error);

/* Closes every fd from 3 up but the `count` (at most 8) ones in `keep`, which become close-on-exec;
 * a negative one in it is passed over. */
int self_close_fds(const int *keep, size_t count, struct error *error);

/* What ps(1) shows from now on in place of `argv`, whose strings are overwritten: what runs inside
 * a container must not show the host's paths. */
void self_set_title(char **argv, const char *title);

/* Default disposition of every signal and an empty mask: how a command is started. */
void self_reset_signals(void);

/*
 * An empty session keyring in place of our caller's (session-keyring(7)). Where keyrings are not
 * built in or not allowed nothing is lost: the container's command may use none (seccomp_policy.c).
 */
void self_join_keyring(void);

#endif
