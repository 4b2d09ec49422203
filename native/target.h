#ifndef MCM_TARGET_H
#define MCM_TARGET_H

#include <stdint.h>
#include <sys/types.h>

#include "error.h"

/* A process as it was written down: a pid means nothing without its start time and boot. */
struct target {
    pid_t pid;
    uint64_t start_time; /* field 22 of /proc/PID/stat */
    const char *boot_id;
};

/*
 * Opens a pidfd and then compares start time and boot id, so that what is compared is what will be
 * signalled or joined. Step `identify` with ESRCH when the process is not there any more.
 */
int target_open(const struct target *target, int *ret_pidfd, struct error *error);

/* Field 22 of /proc/PID/stat: start time in clock ticks since boot (proc(5)). -1 with errno. */
int process_start_time(pid_t pid, uint64_t *ret_ticks);

#endif
