#include "dev.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filesystem.h"
#include "inroot.h"
#include "trace.h"
#include "util.h"

#define NO_EXEC (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static const struct {
    const char *name;
    const char *target;
} links[] = {
    {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"},
};

static const struct filesystem_option dev_options[] = {
    {"mode", "755"}, {"size", "1m"}, {NULL, NULL}};
/* 5 is the group tty wherever there is one. Each mount is an instance of its own (devpts(5)). */
static const struct filesystem_option pts_options[] = {
    {"newinstance", NULL}, {"ptmxmode", "0666"}, {"mode", "0620"}, {"gid", "5"}, {NULL, NULL}};
static const struct filesystem_option shm_options[] = {
    {"mode", "1777"}, {"size", "64m"}, {NULL, NULL}};

static const struct {
    const char *name;
    const char *type;
    const struct filesystem_option *options;
    uint64_t attributes;
} mounted[] = {
    {"pts", "devpts", pts_options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC},
    {"shm", "tmpfs", shm_options, NO_EXEC},
    {"mqueue", "mqueue", NULL, NO_EXEC},
};

/* The host's nodes, by mounts that the parent made and has checked. */
static int nodes_attach(int dev, const struct mounts *mounts, struct error *error)
{
    for (size_t i = 0; i < DEVICE_COUNT; i++) {
        _cleanup_close_ int at =
            openat(dev, device_names[i], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (at < 0 || filesystem_attach(mounts->devices[i], at) < 0)
            return error_set(error, STEP_MOUNT_DEV, errno, "cannot make /dev/%s", device_names[i]);
        trace_step(STEP_MOUNT_DEV, "move_mount", trace_text("what", device_names[i]),
                   trace_path("at", at, ""));
    }
    return 0;
}

static int mounts_attach(int dev, struct error *error)
{
    for (size_t i = 0; i < sizeof(mounted) / sizeof(mounted[0]); i++) {
        _cleanup_close_ int fd = -1;
        if (mkdirat(dev, mounted[i].name, 0755) < 0)
            return error_set(error, STEP_MOUNT_DEV, errno, "cannot make /dev/%s", mounted[i].name);
        if (filesystem_mount(mounted[i].type, mounted[i].options, mounted[i].attributes,
                             STEP_MOUNT_DEV, &fd, error) < 0)
            return -1;
        _cleanup_close_ int at = openat(dev, mounted[i].name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (at < 0 || filesystem_attach(fd, at) < 0)
            return error_set(error, STEP_MOUNT_DEV, errno, "cannot attach /dev/%s",
                             mounted[i].name);
        trace_step(STEP_MOUNT_DEV, "move_mount", trace_text("what", mounted[i].type),
                   trace_path("at", at, ""));
    }
    return 0;
}

int dev_mount(int root, const struct mounts *mounts, struct error *error)
{
    _cleanup_close_ int dev = -1;
    _cleanup_close_ int at = inroot_make_directory(root, "dev");

    if (at < 0)
        return error_set(error, STEP_MOUNT_DEV, errno, "cannot make /dev");
    if (filesystem_mount("tmpfs", dev_options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
                         STEP_MOUNT_DEV, &dev, error) < 0)
        return -1;
    if (filesystem_attach(dev, at) < 0)
        return error_set(error, STEP_MOUNT_DEV, errno, "cannot attach /dev");
    trace_step(STEP_MOUNT_DEV, "move_mount", trace_text("what", "tmpfs"), trace_path("at", at, ""));
    if (nodes_attach(dev, mounts, error) < 0 || mounts_attach(dev, error) < 0)
        return -1;
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
        if (symlinkat(links[i].target, dev, links[i].name) < 0)
            return error_set(error, STEP_MOUNT_DEV, errno, "cannot make /dev/%s", links[i].name);
    trace_step(STEP_MOUNT_DEV, "symlinkat",
               trace_number("links", sizeof(links) / sizeof(links[0])));
    return 0;
}
