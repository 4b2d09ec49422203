#include "mounts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "namespace.h"
#include "trace_names.h"
#include "util.h"

const char *const device_names[DEVICE_COUNT] = {
    [DEVICE_NULL] = "null",     [DEVICE_ZERO] = "zero",       [DEVICE_FULL] = "full",
    [DEVICE_RANDOM] = "random", [DEVICE_URANDOM] = "urandom", [DEVICE_TTY] = "tty",
};
const char *const etc_names[ETC_COUNT] = {"hosts", "hostname", "resolv.conf"};

/* Numbers as in the kernel's Documentation/admin-guide/devices.txt. */
static const struct {
    unsigned major, minor;
} device_numbers[DEVICE_COUNT] = {
    [DEVICE_NULL] = {1, 3},   [DEVICE_ZERO] = {1, 5},    [DEVICE_FULL] = {1, 7},
    [DEVICE_RANDOM] = {1, 8}, [DEVICE_URANDOM] = {1, 9}, [DEVICE_TTY] = {5, 0},
};

void mounts_init(struct mounts *mounts)
{
    memset(mounts, 0xff, sizeof(*mounts)); /* -1 in every fd */
}

void mounts_close(struct mounts *mounts)
{
    cleanup_close(&mounts->rootfs);
    cleanup_close(&mounts->state);
    cleanup_close(&mounts->upper);
    cleanup_close(&mounts->work);
    for (size_t i = 0; i < DEVICE_COUNT; i++)
        cleanup_close(&mounts->devices[i]);
    for (size_t i = 0; i < ETC_COUNT; i++)
        cleanup_close(&mounts->etc[i]);
    for (size_t i = 0; i < VOLUMES_MAX; i++) {
        cleanup_close(&mounts->volumes[i].tree);
        cleanup_close(&mounts->volumes[i].upper);
        cleanup_close(&mounts->volumes[i].work);
    }
}

static int tree_clone(int dir_fd, const char *path)
{
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;

    return open_tree(dir_fd, path, *path == '\0' ? flags | AT_EMPTY_PATH : flags);
}

/* Private, so that nothing mounted on it later shows up on the host. */
static int mount_set(int fd, uint64_t attributes, int user_fd)
{
    struct mount_attr attr = {.attr_set = attributes, .propagation = MS_PRIVATE};

    if (user_fd >= 0) {
        attr.attr_set |= MOUNT_ATTR_IDMAP;
        attr.userns_fd = (uint64_t)user_fd;
    }
    return mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr));
}

static bool directory_is_empty(int tree)
{
    int fd = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    int count = 0;

    if (stream == NULL) {
        cleanup_close(&fd);
        return false;
    }
    while (count < 3 && readdir(stream) != NULL)
        count++;
    closedir(stream);
    return count < 3; /* "." and ".." */
}

static int rootfs_open(const char *path, int *ret_fd, struct error *error)
{
    struct stat status;
    _cleanup_close_ int fd = tree_clone(AT_FDCWD, path);

    if (fd < 0 || fstat(fd, &status) < 0)
        return error_set(error, STEP_ROOTFS, errno, "cannot open the root file system %.160s",
                         path);
    if (!S_ISDIR(status.st_mode))
        return error_set(error, STEP_ROOTFS, ENOTDIR, "the root file system %.160s is no directory",
                         path);
    if (directory_is_empty(fd))
        return error_set(error, STEP_ROOTFS, 0, "the root file system %.160s is empty", path);
    trace_step(STEP_ROOTFS, "open_tree", trace_text("path", path));
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int layers_open(int tree, const char *directory, int *ret_upper, int *ret_work,
                       struct error *error)
{
    char path[48];

    snprintf(path, sizeof(path), "%supper", directory);
    *ret_upper = openat(tree, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    snprintf(path, sizeof(path), "%swork", directory);
    *ret_work = openat(tree, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*ret_upper < 0 || *ret_work < 0)
        return error_set(error, STEP_OVERLAY, errno, "cannot open the writable layer %s",
                         directory);
    return 0;
}

static int devices_open(int devices[DEVICE_COUNT], struct error *error)
{
    char path[32];
    struct stat status;

    for (size_t i = 0; i < DEVICE_COUNT; i++) {
        snprintf(path, sizeof(path), "/dev/%s", device_names[i]);
        devices[i] = tree_clone(AT_FDCWD, path);
        if (devices[i] < 0 || fstat(devices[i], &status) < 0)
            return error_set(error, STEP_MOUNT_DEV, errno, "cannot open %s", path);
        /* What hides files inside is this null device: it must be the real one (CVE-2025-31133). */
        if (!S_ISCHR(status.st_mode) ||
            status.st_rdev != makedev(device_numbers[i].major, device_numbers[i].minor))
            return error_set(error, STEP_MOUNT_DEV, ENODEV, "%s is not the device of that name",
                             path);
        if (mount_set(devices[i], MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, -1) < 0)
            return error_set(error, STEP_MOUNT_DEV, errno, "cannot prepare %s", path);
        trace_step(STEP_MOUNT_DEV, "open_tree", trace_text("path", path),
                   trace_number("major", device_numbers[i].major),
                   trace_number("minor", device_numbers[i].minor));
    }
    return 0;
}

static int etc_open(int run_dir, int etc[ETC_COUNT], struct error *error)
{
    const uint64_t attributes =
        MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

    for (size_t i = 0; i < ETC_COUNT; i++) {
        etc[i] = tree_clone(run_dir, etc_names[i]);
        if (etc[i] < 0 || mount_set(etc[i], attributes, -1) < 0)
            return error_set(error, STEP_MOUNT_ETC, errno, "cannot prepare /etc/%s", etc_names[i]);
        trace_step(STEP_MOUNT_ETC, "open_tree", trace_path("path", run_dir, etc_names[i]),
                   trace_flags("attributes", attributes, trace_mount_attributes));
    }
    return 0;
}

static int volumes_open(const struct container *container, struct mounts *mounts,
                        struct error *error)
{
    struct stat status;
    char directory[32];

    for (size_t i = 0; i < container->volume_count; i++) {
        const struct volume *volume = &container->volumes[i];
        struct volume_mount *mount = &mounts->volumes[i];
        mount->tree = tree_clone(AT_FDCWD, volume->source);
        if (mount->tree < 0 || fstat(mount->tree, &status) < 0)
            return error_set(error, STEP_MOUNT_VOLUME, errno, "cannot open the volume %.160s",
                             volume->source);
        trace_step(STEP_MOUNT_VOLUME, "open_tree", trace_text("path", volume->source));
        mount->directory = S_ISDIR(status.st_mode);
        if (!mount->directory && !S_ISREG(status.st_mode))
            return error_set(error, STEP_MOUNT_VOLUME, EINVAL,
                             "the volume %.160s is neither a directory nor a file", volume->source);
        if (volume->mode != VOLUME_COPY_ON_WRITE)
            continue;
        snprintf(directory, sizeof(directory), "mounts/%zu/", i);
        if (layers_open(mounts->state, directory, &mount->upper, &mount->work, error) < 0)
            return -1;
    }
    return 0;
}

int mounts_open(const struct container *container, const struct state *state,
                struct mounts *ret_mounts, struct error *error)
{
    struct mounts *mounts = ret_mounts;

    if (rootfs_open(container->rootfs, &mounts->rootfs, error) < 0)
        return -1;
    mounts->state = tree_clone(state->dir, "");
    if (mounts->state < 0 || mount_set(mounts->state, MOUNT_ATTR_NODEV, -1) < 0)
        return error_set(error, STEP_OVERLAY, errno, "cannot prepare the state directory");
    trace_step(STEP_OVERLAY, "open_tree", trace_text("path", container->state_dir),
               trace_flags("attributes", MOUNT_ATTR_NODEV, trace_mount_attributes));
    if (layers_open(mounts->state, "", &mounts->upper, &mounts->work, error) < 0 ||
        devices_open(mounts->devices, error) < 0 || etc_open(state->run, mounts->etc, error) < 0 ||
        volumes_open(container, mounts, error) < 0)
        return -1;
    return 0;
}

/* Why the kernel refuses to map ids on a mount is nearly always its file system. */
static int mount_map(int tree, uint64_t attributes, int user_fd, const char *path,
                     struct error *error)
{
    if (mount_set(tree, attributes, user_fd) < 0)
        return error_set(error, STEP_IDMAPPED_MOUNT, errno,
                         "cannot map ids on %.120s: its file system may not support it", path);
    trace_step(STEP_IDMAPPED_MOUNT, "mount_setattr", trace_text("path", path),
               trace_flags("attributes", attributes | MOUNT_ATTR_IDMAP, trace_mount_attributes));
    return 0;
}

/*
 * Read-write: who owns the source on the host is root inside and the other way round, everybody
 * else is nobody, so that no file of the host gets an id that nobody there has.
 */
static int volume_map_owner(const struct container *container, const struct volume *volume,
                            int tree, uint64_t attributes, struct error *error)
{
    struct stat status;
    _cleanup_close_ int user_fd = -1;

    if (fstat(tree, &status) < 0)
        return error_set(error, STEP_MOUNT_VOLUME, errno, "cannot open the volume %.160s",
                         volume->source);
    const struct id_range uids = {status.st_uid, container->id_base, 1};
    const struct id_range gids = {status.st_gid, container->id_base, 1};
    if (namespace_make_user(uids, gids, &user_fd, error) < 0)
        return -1;
    return mount_map(tree, attributes, user_fd, volume->source, error);
}

int mounts_map(const struct container *container, const struct mounts *mounts, int user_fd,
               struct error *error)
{
    if (mount_map(mounts->rootfs, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, user_fd, container->rootfs,
                  error) < 0)
        return -1;
    for (size_t i = 0; i < container->volume_count; i++) {
        const struct volume *volume = &container->volumes[i];
        int tree = mounts->volumes[i].tree;
        uint64_t attributes = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID;
        if (volume->mode == VOLUME_READ_WRITE) {
            if (volume_map_owner(container, volume, tree, attributes, error) < 0)
                return -1;
            continue;
        }
        if (volume->mode == VOLUME_READ_ONLY)
            attributes |= MOUNT_ATTR_RDONLY;
        else
            attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV; /* a layer below, as the rootfs */
        if (mount_map(tree, attributes, user_fd, volume->source, error) < 0)
            return -1;
    }
    return 0;
}
