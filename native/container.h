#ifndef MCM_CONTAINER_H
#define MCM_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "command.h"
#include "disk.h"

#define ID_COUNT    65536 /* ids that a container has */
#define VOLUMES_MAX 64

enum volume_mode { VOLUME_READ_ONLY, VOLUME_READ_WRITE, VOLUME_COPY_ON_WRITE };

struct volume {
    enum volume_mode mode;
    const char *source; /* absolute on the host */
    const char *target; /* absolute inside */
};

#define LIMIT_NONE  UINT64_MAX /* explicitly none: what an update clears */
#define CPUSET_NONE "max"

/* 0 and NULL: not given, so that none is set and none is changed. */
struct limits {
    uint64_t memory;    /* bytes */
    uint64_t cpu_quota; /* microseconds in each 100,000 */
    uint64_t pids;
    uint64_t io_read, io_write; /* bytes a second, of each disk */
    const char *cpuset;         /* list format of cpuset(7) */
    struct disks disks;         /* that the two of io are for */
};

/*
 * What a container is, whoever asked for it and in whatever form. Everything is checked before it
 * comes here: paths are absolute, id and hostname made of harmless characters.
 */
struct container {
    const char *id;
    const char *state_dir;
    const char *run_dir;
    const char *rootfs;
    const char *hostname;
    uid_t id_base; /* host id that is root inside */
    struct limits limits;
    struct volume volumes[VOLUMES_MAX];
    size_t volume_count;
    struct command command; /* argv NULL: init only waits */
    uint16_t rows, columns; /* of the terminal, when the command has one */
    bool interactive;
    bool auto_remove;
    uint64_t log_max; /* bytes */
};

#endif
