#ifndef MCM_FILESYSTEM_H
#define MCM_FILESYSTEM_H

#include <stdint.h>

#include "error.h"

/* One mount option; value NULL: a flag. */
struct filesystem_option {
    const char *key;
    const char *value;
};

/*
 * A new file system, mounted but attached nowhere (fsopen(2), fsconfig(2), fsmount(2)). `options`
 * ends with a NULL key, or is NULL. A failure's message has the kernel's own words where it says
 * any. The fd is O_PATH.
 */
int filesystem_mount(const char *type, const struct filesystem_option *options, uint64_t attributes,
                     enum step step, int *ret_fd, struct error *error);

/* Attaches a detached mount at the directory or file `target_fd`. -1 with errno. */
int filesystem_attach(int mount_fd, int target_fd);

/* A second mount of what `fd` shows, attached nowhere, with more attributes. -1 with errno. */
int filesystem_clone(int fd, uint64_t attributes);

#endif
