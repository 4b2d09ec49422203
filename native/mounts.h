#ifndef MCM_MOUNTS_H
#define MCM_MOUNTS_H

#include <stdbool.h>

#include "container.h"
#include "error.h"
#include "state.h"

/* Device nodes that a container has; mknod(2) is not possible in a user namespace. */
enum device { DEVICE_NULL, DEVICE_ZERO, DEVICE_FULL, DEVICE_RANDOM, DEVICE_URANDOM, DEVICE_TTY };
#define DEVICE_COUNT 6
extern const char *const device_names[DEVICE_COUNT];

/* Files of /etc that every container has of its own. */
#define ETC_COUNT 3
extern const char *const etc_names[ETC_COUNT];

struct volume_mount {
    int tree;        /* what the source shows; the lower layer of a copy-on-write one */
    int upper, work; /* of a copy-on-write one */
    bool directory;
};

/*
 * Mounts that are attached nowhere yet: made by the parent, which may see the host's files,
 * attached by the child, which may mount in its own namespaces only. They are passed to it when
 * they are made, as it has something else to do until then.
 */
struct mounts {
    int rootfs;      /* lower layer */
    int state;       /* the tree that upper and work are in: overlayfs wants them on one mount */
    int upper, work; /* directories on it */
    int devices[DEVICE_COUNT];
    int etc[ETC_COUNT];
    struct volume_mount volumes[VOLUMES_MAX];
};

/* Opens all of them. Step `rootfs` when it is no directory or has nothing in it. */
int mounts_open(const struct container *container, const struct state *state,
                struct mounts *ret_mounts, struct error *error);

/* Has them show ids as the container's user namespace `user_fd` does. Only once its maps are there.
 */
int mounts_map(const struct container *container, const struct mounts *mounts, int user_fd,
               struct error *error);

/* Passes copies over the socket between parent and child (sync.h), before the parent says ready. */
int mounts_send(int socket_fd, const struct mounts *mounts, struct error *error);

/* Waits for them. False when the parent is gone. */
bool mounts_receive(int socket_fd, struct mounts *ret_mounts);

#define _cleanup_mounts_ __attribute__((cleanup(mounts_close)))
void mounts_init(struct mounts *mounts);
void mounts_close(struct mounts *mounts);

#endif
