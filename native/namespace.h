#ifndef MCM_NAMESPACE_H
#define MCM_NAMESPACE_H

#include <stdint.h>
#include <sys/types.h>

#include "error.h"

/*
 * Forks into new namespaces, the user namespace first, so that it owns the others, and into the
 * unified cgroup `cgroup_fd` (-1: stays), so that no process is ever outside of its limits. Returns
 * as fork(2) does; -1 with errno.
 */
pid_t namespace_clone(uint64_t flags, int cgroup_fd, int *ret_pidfd);

/* A range of ids: the first inside, the first on the host, and how many. */
struct id_range {
    uint32_t inside;
    uint32_t outside;
    uint32_t count;
};

/* Writes uid_map and gid_map of a child's new user namespace (user_namespaces(7)). */
int namespace_write_maps(pid_t pid, struct id_range uids, struct id_range gids,
                         struct error *error);

/* The user namespace of a child. */
int namespace_open_user(pid_t pid, int *ret_fd, struct error *error);

/* A user namespace without processes, as mount_setattr(2) takes it to map ids. */
int namespace_make_user(struct id_range uids, struct id_range gids, int *ret_fd,
                        struct error *error);

#endif
