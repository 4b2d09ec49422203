#ifndef MCM_PRIVILEGE_H
#define MCM_PRIVILEGE_H

#include "command.h"
#include "error.h"

/*
 * Cuts the bounding set to the documented default, empties inheritable and ambient sets, sets
 * groups, gid and uid, then no_new_privs (capabilities(7), PR_SET_NO_NEW_PRIVS(2const)).
 */
int privilege_drop(const struct identity *identity, struct error *error);

/*
 * The same for the container's init, which stays root. Its saved group differs from its other ones,
 * so that no process inside passes prlimit(2)'s comparison with all three of them: init's resource
 * limits are those of every command that is entered later.
 */
int privilege_drop_init(struct error *error);

/* Applies the container's resource limits; one that may not be raised here keeps what it was. */
int privilege_set_rlimits(struct error *error);

#endif
