#ifndef MCM_DISK_H
#define MCM_DISK_H

#include <stddef.h>

#include "error.h"

#define DISKS_MAX 16

/* A whole block device: what limits of block I/O are written for. */
struct disk {
    unsigned major, minor;
};

struct disks {
    struct disk list[DISKS_MAX];
    size_t count;
};

/* What file systems without a device number of a disk are to disks_add(). */
enum diskless {
    DISKLESS_REFUSED, /* there is nothing that a limit could be written for */
    DISKLESS_MEMORY   /* those in memory do no block I/O, so none is missed; others are refused */
};

/*
 * Adds the disk that the file system of `path` lies on, resolved through partitions, and every disk
 * under it, of device-mapper, RAID and loop devices: sysfs(5). A path that is not there adds none.
 * Fails at `step` with ENODEV and the file system's type.
 */
int disks_add(struct disks *disks, const char *path, enum diskless diskless, enum step step,
              struct error *error);

#endif
