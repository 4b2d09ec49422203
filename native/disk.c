/*
 * From a file to the disks under it. A limit written for a partition is refused by the kernel, and
 * one for the topmost device alone would count two volumes of one disk apart: so it is the whole
 * disk, and those below it.
 */
#include "disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "util.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define DEPTH_MAX 16 /* of devices on devices */

/* -1 with errno: E2BIG, ELOOP or what a system call said. */
static int device_add(struct disks *disks, unsigned major, unsigned minor, int depth);

static int diskless_refuse(const char *path, long type, enum step step, struct error *error)
{
    static const struct {
        long type;
        const char *name;
    } names[] = {
        {TMPFS_MAGIC, "tmpfs"},       {RAMFS_MAGIC, "ramfs"},   {OVERLAYFS_SUPER_MAGIC, "overlay"},
        {BTRFS_SUPER_MAGIC, "btrfs"}, {NFS_SUPER_MAGIC, "nfs"}, {FUSE_SUPER_MAGIC, "fuse"},
        {V9FS_MAGIC, "9p"},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].type == type)
            return error_set(error, step, ENODEV,
                             "%.160s is on %s, which has no disk to be limited", path,
                             names[i].name);
    return error_set(error, step, ENODEV,
                     "%.160s is on a file system of type 0x%lx, which has no disk to be limited",
                     path, (unsigned long)type);
}

/* The devices that a device is made of: of device-mapper and RAID. */
static int slaves_add(struct disks *disks, int sysfs, int depth)
{
    int fd = openat(sysfs, "slaves", DIRECTORY);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    char path[NAME_MAX + sizeof("/dev")], number[24];
    const struct dirent *entry;
    unsigned major, minor;
    int result = 0;

    if (stream == NULL) {
        cleanup_close(&fd);
        return errno == ENOENT ? 0 : -1;
    }
    while (result == 0 && (entry = readdir(stream)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/dev", entry->d_name);
        if (read_file_at(dirfd(stream), path, number, sizeof(number)) < 0 ||
            sscanf(number, "%u:%u", &major, &minor) != 2)
            result = -1;
        else
            result = device_add(disks, major, minor, depth + 1);
    }
    closedir(stream);
    return result;
}

/* The disk of a loop device's file, where that can be found from here. Its own limit holds anyway.
 */
static int backing_add(struct disks *disks, int sysfs, int depth)
{
    char path[PATH_MAX];
    struct stat file;

    if (read_file_at(sysfs, "loop/backing_file", path, sizeof(path)) < 0)
        return 0;
    path[strcspn(path, "\n")] = '\0';
    if (stat(path, &file) < 0 || major(file.st_dev) == 0)
        return 0;
    return device_add(disks, major(file.st_dev), minor(file.st_dev), depth + 1);
}

static int disk_add(struct disks *disks, int sysfs, int depth)
{
    struct disk disk;
    char number[24];

    if (read_file_at(sysfs, "dev", number, sizeof(number)) < 0)
        return -1;
    if (sscanf(number, "%u:%u", &disk.major, &disk.minor) != 2) {
        errno = EBADMSG;
        return -1;
    }
    for (size_t i = 0; i < disks->count; i++)
        if (disks->list[i].major == disk.major && disks->list[i].minor == disk.minor)
            return 0;
    if (disks->count == DISKS_MAX) {
        errno = E2BIG;
        return -1;
    }
    disks->list[disks->count++] = disk;
    return slaves_add(disks, sysfs, depth) < 0 || backing_add(disks, sysfs, depth) < 0 ? -1 : 0;
}

static int device_add(struct disks *disks, unsigned major, unsigned minor, int depth)
{
    char path[48];

    if (depth > DEPTH_MAX) {
        errno = ELOOP;
        return -1;
    }
    snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major, minor);
    _cleanup_close_ int sysfs = open(path, DIRECTORY);
    if (sysfs < 0)
        return -1;
    if (faccessat(sysfs, "partition", F_OK, 0) < 0)
        return disk_add(disks, sysfs, depth);
    /* A partition's directory lies in its disk's. */
    _cleanup_close_ int whole = openat(sysfs, "..", DIRECTORY);
    return whole < 0 ? -1 : disk_add(disks, whole, depth);
}

int disks_add(struct disks *disks, const char *path, enum diskless diskless, enum step step,
              struct error *error)
{
    struct statfs filesystem;
    struct stat file;

    if (stat(path, &file) < 0 || statfs(path, &filesystem) < 0) {
        if (errno == ENOENT)
            return 0; /* whoever needs it has better words for that */
        return error_set(error, step, errno, "cannot look at %.160s", path);
    }
    if (major(file.st_dev) == 0) {
        bool in_memory = filesystem.f_type == TMPFS_MAGIC || filesystem.f_type == RAMFS_MAGIC;
        if (in_memory && diskless == DISKLESS_MEMORY)
            return 0;
        return diskless_refuse(path, (long)filesystem.f_type, step, error);
    }
    if (device_add(disks, major(file.st_dev), minor(file.st_dev), 0) < 0)
        return error_set(error, step, errno, "cannot find the disk that %.120s lies on (%u:%u)",
                         path, major(file.st_dev), minor(file.st_dev));
    return 0;
}
