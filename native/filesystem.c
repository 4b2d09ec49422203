#include "filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "util.h"

/* The kernel explains itself by messages that are read from the context: "e overlay: …". */
static int mount_failed(const char *type, int context, enum step step, struct error *error)
{
    int errnum = errno;
    char text[160];
    ssize_t length = context < 0 ? 0 : read(context, text, sizeof(text) - 1);

    if (length <= 2)
        return error_set(error, step, errnum, "cannot mount %s", type);
    text[length] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return error_set(error, step, errnum, "cannot mount %s: %s", type, text + 2);
}

int filesystem_mount(const char *type, const struct filesystem_option *options, uint64_t attributes,
                     enum step step, int *ret_fd, struct error *error)
{
    _cleanup_close_ int context = fsopen(type, FSOPEN_CLOEXEC);

    if (context < 0)
        return mount_failed(type, context, step, error);
    /* What mount(8) shows in its first column. */
    if (fsconfig(context, FSCONFIG_SET_STRING, "source", type, 0) < 0)
        return mount_failed(type, context, step, error);
    for (; options != NULL && options->key != NULL; options++) {
        unsigned command = options->value != NULL ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;
        if (fsconfig(context, command, options->key, options->value, 0) < 0)
            return mount_failed(type, context, step, error);
    }
    if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return mount_failed(type, context, step, error);
    int fd = fsmount(context, FSMOUNT_CLOEXEC, (unsigned)attributes);
    if (fd < 0)
        return mount_failed(type, context, step, error);
    *ret_fd = fd;
    return 0;
}

int filesystem_attach(int mount_fd, int target_fd)
{
    return move_mount(mount_fd, "", target_fd, "",
                      MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

int filesystem_clone(int fd, uint64_t attributes)
{
    struct mount_attr attr = {.attr_set = attributes};
    _cleanup_close_ int clone =
        open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);

    if (clone < 0 ||
        mount_setattr(clone, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
        return -1;
    return TAKE_FD(clone);
}
