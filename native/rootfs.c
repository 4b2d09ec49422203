/*
 * The container's tree of files. Everything is mounted by fd, and every target is looked up as if
 * the container's root were "/" (inroot.h): the root file system may be hostile.
 */
#include "rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "dev.h"
#include "filesystem.h"
#include "inroot.h"
#include "mask.h"
#include "trace_names.h"
#include "util.h"

#define NO_EXEC (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/*
 * Overlayfs takes paths, and those of fds need no escaping and no right to search what is above
 * them. It is mounted in here so that it belongs to the container's user namespace: device nodes in
 * its layers are dead, and "user." attributes serve it (Documentation/filesystems/overlayfs.rst).
 */
static int overlay_mount(int lower, int upper, int work, int *ret_fd, struct error *error)
{
    char paths[3][32];
    const int fds[3] = {lower, upper, work};
    const struct filesystem_option options[] = {
        {"userxattr", NULL},   {"lowerdir", paths[0]}, {"upperdir", paths[1]},
        {"workdir", paths[2]}, {NULL, NULL},
    };

    for (size_t i = 0; i < 3; i++)
        snprintf(paths[i], sizeof(paths[i]), "/proc/self/fd/%d", fds[i]);
    return filesystem_mount("overlay", options, 0, STEP_OVERLAY, ret_fd, error);
}

/*
 * Kernels before 6.15 take no layer that is mounted nowhere, nor clones of one. So the layers get
 * places in a tmpfs of ours, over the old root's /dev, which goes with the old root.
 */
static int staging_mount(int *ret_staging, struct error *error)
{
    const struct filesystem_option options[] = {{"mode", "700"}, {NULL, NULL}};
    _cleanup_close_ int staging = -1;
    _cleanup_close_ int at = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (filesystem_mount("tmpfs", options, NO_EXEC, STEP_OVERLAY, &staging, error) < 0)
        return -1;
    if (at < 0 || filesystem_attach(staging, at) < 0)
        return error_set(error, STEP_OVERLAY, errno, "cannot attach the staging directory");
    trace_step(STEP_OVERLAY, "move_mount", trace_text("what", "tmpfs"), trace_path("at", at, ""));
    *ret_staging = TAKE_FD(staging);
    return 0;
}

static int stage(int staging, const char *name, int mount_fd, struct error *error)
{
    if (mkdirat(staging, name, 0755) < 0)
        return error_set(error, STEP_OVERLAY, errno, "cannot make a place for %s", name);
    _cleanup_close_ int at = openat(staging, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at < 0 || filesystem_attach(mount_fd, at) < 0)
        return error_set(error, STEP_OVERLAY, errno, "cannot attach %s", name);
    trace_step(STEP_OVERLAY, "move_mount", trace_text("what", name), trace_path("at", at, ""));
    return 0;
}

static int root_mount(const struct mounts *mounts, int staging, int *ret_root, struct error *error)
{
    _cleanup_close_ int root = -1;

    if (stage(staging, "state", mounts->state, error) < 0 ||
        stage(staging, "rootfs", mounts->rootfs, error) < 0 ||
        overlay_mount(mounts->rootfs, mounts->upper, mounts->work, &root, error) < 0 ||
        stage(staging, "root", root, error) < 0)
        return -1;
    *ret_root = TAKE_FD(root);
    return 0;
}

/* Mounts a file system of the kernel's at a directory that is made when the image has none. */
static int kernel_mount(int root, const char *target, const char *type, uint64_t attributes,
                        enum step step, int *ret_fd, struct error *error)
{
    _cleanup_close_ int fd = -1;
    _cleanup_close_ int at = inroot_make_directory(root, target);

    if (at < 0)
        return error_set(error, step, errno, "cannot make %s", target);
    if (filesystem_mount(type, NULL, attributes, step, &fd, error) < 0)
        return -1;
    if (filesystem_attach(fd, at) < 0)
        return error_set(error, step, errno, "cannot attach %s", target);
    trace_step(step, "move_mount", trace_text("what", type), trace_path("at", at, ""));
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int kernel_mounts(int root, int *ret_proc, int *ret_sys, struct error *error)
{
    _cleanup_close_ int proc = -1, sys = -1, cgroup = -1;

    if (kernel_mount(root, "proc", "proc", NO_EXEC, STEP_MOUNT_PROC, &proc, error) < 0 ||
        kernel_mount(root, "sys", "sysfs", NO_EXEC | MOUNT_ATTR_RDONLY, STEP_MOUNT_SYS, &sys,
                     error) < 0)
        return -1;
    /* In sysfs, wherever that is: nothing can be made there, so a kernel without cgroups has no
     * place for it either. */
    _cleanup_close_ int at = openat(sys, "fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at >= 0) {
        if (filesystem_mount("cgroup2", NULL, NO_EXEC | MOUNT_ATTR_RDONLY, STEP_MOUNT_CGROUP,
                             &cgroup, error) < 0)
            return -1;
        if (filesystem_attach(cgroup, at) < 0)
            return error_set(error, STEP_MOUNT_CGROUP, errno, "cannot attach /sys/fs/cgroup");
        trace_step(STEP_MOUNT_CGROUP, "move_mount", trace_text("what", "cgroup2"),
                   trace_path("at", at, ""));
    }
    *ret_proc = TAKE_FD(proc);
    *ret_sys = TAKE_FD(sys);
    return 0;
}

static int etc_bind(int root, const struct mounts *mounts, struct error *error)
{
    char path[32];
    struct stat status;

    for (size_t i = 0; i < ETC_COUNT; i++) {
        snprintf(path, sizeof(path), "etc/%s", etc_names[i]);
        _cleanup_close_ int at = inroot_make_file(root, path);
        if (at >= 0 && fstat(at, &status) == 0 && S_ISDIR(status.st_mode))
            return error_set(error, STEP_MOUNT_ETC, EISDIR, "/%s of the image is a directory",
                             path);
        if (at < 0 || filesystem_attach(mounts->etc[i], at) < 0)
            return error_set(error, STEP_MOUNT_ETC, errno, "cannot put /%s in place", path);
        trace_step(STEP_MOUNT_ETC, "move_mount", trace_text("what", etc_names[i]),
                   trace_path("at", at, ""));
    }
    return 0;
}

/* Where a volume goes: not the root itself, and nothing of the kernel's (CVE-2019-16884). */
static int volume_target(int root, const struct volume *volume, bool directory, int *ret_fd,
                         struct error *error)
{
    struct stat target, top;
    struct statfs filesystem;
    _cleanup_close_ int at = directory ? inroot_make_directory(root, volume->target)
                                       : inroot_make_file(root, volume->target);

    if (at < 0 || fstat(at, &target) < 0 || fstatfs(at, &filesystem) < 0 || fstat(root, &top) < 0)
        return error_set(error, STEP_MOUNT_VOLUME, errno, "cannot make the volume's target %.160s",
                         volume->target);
    if ((target.st_dev == top.st_dev && target.st_ino == top.st_ino) ||
        filesystem.f_type == PROC_SUPER_MAGIC || filesystem.f_type == SYSFS_MAGIC ||
        filesystem.f_type == CGROUP2_SUPER_MAGIC)
        return error_set(error, STEP_MOUNT_VOLUME, EINVAL,
                         "the volume's target %.160s is the root or a directory of the kernel's",
                         volume->target);
    if (S_ISDIR(target.st_mode) != directory)
        return error_set(error, STEP_MOUNT_VOLUME, directory ? ENOTDIR : EISDIR,
                         "the volume's target %.160s is not of its source's kind", volume->target);
    *ret_fd = TAKE_FD(at);
    return 0;
}

static int volumes_mount(int root, int staging, const struct container *container,
                         const struct mounts *mounts, struct error *error)
{
    for (size_t i = 0; i < container->volume_count; i++) {
        const struct volume *volume = &container->volumes[i];
        const struct volume_mount *mount = &mounts->volumes[i];
        _cleanup_close_ int overlay = -1;
        _cleanup_close_ int at = -1;
        char name[32];
        snprintf(name, sizeof(name), "volume-%zu", i);
        if (volume->mode == VOLUME_COPY_ON_WRITE &&
            (stage(staging, name, mount->tree, error) < 0 ||
             overlay_mount(mount->tree, mount->upper, mount->work, &overlay, error) < 0))
            return -1;
        if (volume_target(root, volume, mount->directory, &at, error) < 0)
            return -1;
        if (filesystem_attach(overlay >= 0 ? overlay : mount->tree, at) < 0)
            return error_set(error, STEP_MOUNT_VOLUME, errno, "cannot attach the volume at %.160s",
                             volume->target);
        trace_step(STEP_MOUNT_VOLUME, "move_mount", trace_text("what", volume->source),
                   trace_path("at", at, ""));
    }
    return 0;
}

/* Both arguments "." put the old root on top of the new one, where it is taken off (pivot_root(2)).
 */
static int root_pivot(int root, struct error *error)
{
    if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
        return error_set(error, STEP_PIVOT_ROOT, errno, "cannot make the new root the root");
    trace_step(STEP_PIVOT_ROOT, "pivot_root", trace_text("new", "."), trace_text("old", "."));
    if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return error_set(error, STEP_PIVOT_ROOT, errno, "cannot leave the old root");
    trace_step(STEP_PIVOT_ROOT, "umount2", trace_text("path", "."),
               trace_flags("flags", MNT_DETACH, trace_umount_flags));
    return 0;
}

int rootfs_enter(const struct container *container, const struct mounts *mounts,
                 struct error *error)
{
    _cleanup_close_ int staging = -1, root = -1, proc = -1, sys = -1;

    /* From here on nothing mounted or unmounted in here is seen outside, nor the other way round.
     */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return error_set(error, STEP_OVERLAY, errno, "cannot make the mounts private");
    trace_step(STEP_OVERLAY, "mount", trace_text("path", "/"),
               trace_flags("flags", MS_REC | MS_PRIVATE, trace_mount_flags));
    if (staging_mount(&staging, error) < 0 || root_mount(mounts, staging, &root, error) < 0 ||
        kernel_mounts(root, &proc, &sys, error) < 0 || dev_mount(root, mounts, error) < 0 ||
        etc_bind(root, mounts, error) < 0 ||
        mask_paths(proc, sys, mounts->devices[DEVICE_NULL], staging, error) < 0 ||
        volumes_mount(root, staging, container, mounts, error) < 0)
        return -1;
    return root_pivot(root, error);
}
