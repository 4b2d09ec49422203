#include "mask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "filesystem.h"
#include "trace_names.h"
#include "util.h"

static const char *const proc_masked[] = {
    "acpi",          "asound",      "interrupts", "kcore",      "keys",
    "latency_stats", "sched_debug", "scsi",       "timer_list", "timer_stats",
};
static const char *const proc_read_only[] = {"bus", "fs", "irq", "sys", "sysrq-trigger"};
static const char *const sys_masked[] = {"firmware", "devices/virtual/powercap"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Opens `name`; -1 and no error when this kernel has no such file. */
static int target_open(int tree, const char *name, int *ret_fd, struct error *error)
{
    int fd = openat(tree, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 && errno != ENOENT)
        return error_set(error, STEP_MASK, errno, "cannot open %s", name);
    *ret_fd = fd;
    return 0;
}

static int hide(int tree, const char *name, int null_device, int empty, struct error *error)
{
    struct stat status;
    _cleanup_close_ int target = -1;

    if (target_open(tree, name, &target, error) < 0)
        return -1;
    if (target < 0)
        return 0;
    if (fstat(target, &status) < 0)
        return error_set(error, STEP_MASK, errno, "cannot look at %s", name);
    _cleanup_close_ int cover = S_ISDIR(status.st_mode) ? filesystem_clone(empty, MOUNT_ATTR_RDONLY)
                                                        : filesystem_clone(null_device, 0);
    if (cover < 0 || filesystem_attach(cover, target) < 0)
        return error_set(error, STEP_MASK, errno, "cannot hide %s", name);
    trace_step(STEP_MASK, "move_mount",
               trace_text("what", S_ISDIR(status.st_mode) ? "empty" : "null"),
               trace_path("at", target, ""));
    return 0;
}

static int make_read_only(int tree, const char *name, struct error *error)
{
    _cleanup_close_ int target = -1;

    if (target_open(tree, name, &target, error) < 0)
        return -1;
    if (target < 0)
        return 0;
    _cleanup_close_ int clone = filesystem_clone(target, MOUNT_ATTR_RDONLY);
    if (clone < 0 || filesystem_attach(clone, target) < 0)
        return error_set(error, STEP_MASK, errno, "cannot make %s read-only", name);
    trace_step(STEP_MASK, "mount_setattr", trace_path("path", target, ""),
               trace_flags("attributes", MOUNT_ATTR_RDONLY, trace_mount_attributes));
    return 0;
}

int mask_paths(int proc, int sys, int null_device, int staging, struct error *error)
{
    if (mkdirat(staging, "empty", 0555) < 0)
        return error_set(error, STEP_MASK, errno, "cannot make an empty directory");
    _cleanup_close_ int empty = openat(staging, "empty", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (empty < 0)
        return error_set(error, STEP_MASK, errno, "cannot open the empty directory");
    for (size_t i = 0; i < COUNT(proc_masked); i++)
        if (hide(proc, proc_masked[i], null_device, empty, error) < 0)
            return -1;
    for (size_t i = 0; i < COUNT(sys_masked); i++)
        if (hide(sys, sys_masked[i], null_device, empty, error) < 0)
            return -1;
    for (size_t i = 0; i < COUNT(proc_read_only); i++)
        if (make_read_only(proc, proc_read_only[i], error) < 0)
            return -1;
    return 0;
}
