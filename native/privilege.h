#ifndef MCM_PRIVILEGE_H
#define MCM_PRIVILEGE_H

#include "command.h"
#include "error.h"

/*
 * Cuts the bounding set to the documented default, empties inheritable and ambient sets, sets
 * groups, gid and uid, then no_new_privs (capabilities(7), PR_SET_NO_NEW_PRIVS(2const)).
 */
int privilege_drop(const struct identity *identity, struct error *error);

/* Applies the container's resource limits; one that may not be raised here keeps what it was. */
int privilege_set_rlimits(struct error *error);

#endif
