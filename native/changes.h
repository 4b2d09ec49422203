#ifndef MCM_CHANGES_H
#define MCM_CHANGES_H

#include <sys/types.h>

#include "error.h"

/* An overlay as it lies on disk. */
struct layers {
    const char *upper;
    const char *lower;
    uid_t id_base; /* the upper layer's ids are so much above the lower one's */
};

/*
 * Sends an event "change" for each entry of the upper layer that adds, modifies or deletes one of
 * the lower layer, and at the end the event "changes". An entry that was copied up and looks as it
 * did (type, mode, owner, size, time of modification) is no change. Whiteouts and opaque directories
 * are those of the kernel's Documentation/filesystems/overlayfs.rst, in the form of `userxattr`.
 */
int changes_report(const struct layers *layers, int status_fd, struct error *error);

#endif
