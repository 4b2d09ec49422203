#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>

#include "procfs.h"
#include "trace.h"
#include "util.h"

int process_start_time(pid_t pid, uint64_t *ret_ticks)
{
    char path[32], text[1024];
    struct process_stat stat;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    if (read_file_at(AT_FDCWD, path, text, sizeof(text)) < 0)
        return -1;
    if (!process_stat_parse(text, &stat)) {
        errno = EBADMSG;
        return -1;
    }
    *ret_ticks = stat.start_time;
    return 0;
}

int target_open(const struct target *target, int *ret_pidfd, struct error *error)
{
    char boot[37];
    uint64_t start_time;

    if (boot_id(boot) < 0)
        return error_set(error, STEP_IDENTIFY, errno, "cannot read the boot id");
    if (strcmp(boot, target->boot_id) != 0)
        return error_set(error, STEP_IDENTIFY, ESRCH, "process %d was of an earlier boot",
                         target->pid);
    _cleanup_close_ int pidfd = pidfd_open(target->pid, 0);
    if (pidfd < 0)
        return error_set(error, STEP_IDENTIFY, errno, "cannot open process %d", target->pid);
    if (process_start_time(target->pid, &start_time) < 0)
        return error_set(error, STEP_IDENTIFY, errno == ENOENT ? ESRCH : errno,
                         "cannot read the start time of process %d", target->pid);
    if (start_time != target->start_time)
        return error_set(error, STEP_IDENTIFY, ESRCH, "process %d is another one by now",
                         target->pid);
    trace_step(STEP_IDENTIFY, "pidfd_open", trace_number("pid", (uint64_t)target->pid),
               trace_number("startTime", start_time));
    *ret_pidfd = TAKE_FD(pidfd);
    return 0;
}
