#include "filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "trace_names.h"
#include "util.h"

#define FD_PATH "/proc/self/fd/"

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

/* "mode=755,size=1m", as mount(8) has them; a path of an fd as that what it leads to. */
static void mount_trace(const char *type, const struct filesystem_option *options,
                        uint64_t attributes, enum step step)
{
    char text[256] = "", path[128];
    size_t length = 0;

    for (; options != NULL && options->key != NULL && length < sizeof(text); options++) {
        const char *value = options->value != NULL ? options->value : "";
        ssize_t size = strncmp(value, FD_PATH, strlen(FD_PATH)) == 0
                           ? readlink(value, path, sizeof(path) - 1)
                           : -1;
        path[size > 0 ? size : 0] = '\0';
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s%s%s",
                                   length > 0 ? "," : "", options->key, *value != '\0' ? "=" : "",
                                   size > 0 ? path : value);
    }
    trace_step(step, "fsmount", trace_text("type", type),
               trace_text("options", *text != '\0' ? text : NULL),
               trace_flags("attributes", attributes, trace_mount_attributes));
}

int filesystem_mount(const char *type, const struct filesystem_option *options, uint64_t attributes,
                     enum step step, int *ret_fd, struct error *error)
{
    const struct filesystem_option *const given = options;
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
    if (trace_on)
        mount_trace(type, given, attributes, step);
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
        (attributes != 0 &&
         mount_setattr(clone, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0))
        return -1;
    return TAKE_FD(clone);
}
