/*
 * Stopping a container where it stands. In the unified hierarchy a frozen process can still be
 * killed; v1's freezer, where there is nothing else, lets it not even die.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "util.h"

#define FREEZE_MS 10000
#define POLL_MS   2
#define EVENT_MS  50 /* then it is looked at without one: Linux 6.1 was seen to lose an event */

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Kernels before 5.2 have no cgroup.freeze. */
static bool is_unified(const struct cgroup *cgroup)
{
    int fd = cgroup->fds[CGROUP_UNIFIED];

    return fd >= 0 && faccessat(fd, "cgroup.freeze", F_OK, 0) == 0;
}

/* cgroup.events tells of a change by POLLPRI. */
static int unified_await_frozen(int cgroup_fd)
{
    _cleanup_close_ int events = openat(cgroup_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
    const int64_t deadline = now_ms() + FREEZE_MS;
    char text[64];

    for (;;) {
        struct pollfd poller = {.fd = events, .events = POLLPRI};
        ssize_t length = events < 0 ? -1 : pread(events, text, sizeof(text) - 1, 0);
        if (length < 0)
            return -1;
        text[length] = '\0';
        if (strstr(text, "frozen 1") != NULL)
            return 0;
        int64_t left = deadline - now_ms();
        if (left <= 0) {
            errno = EBUSY;
            return -1;
        }
        (void)poll(&poller, 1, left < EVENT_MS ? (int)left : EVENT_MS);
    }
}

/* Said again each time: a process that was just being made misses it. */
static int legacy_await_frozen(int cgroup_fd)
{
    const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    const int64_t deadline = now_ms() + FREEZE_MS;
    char text[16];

    for (;;) {
        if (write_file_at(cgroup_fd, "freezer.state", "FROZEN") < 0 ||
            read_file_at(cgroup_fd, "freezer.state", text, sizeof(text)) < 0)
            return -1;
        if (strcmp(text, "FROZEN\n") == 0)
            return 0;
        if (now_ms() >= deadline) {
            errno = EBUSY;
            return -1;
        }
        nanosleep(&pause, NULL);
    }
}

int cgroup_freeze(const struct cgroup *cgroup, struct error *error)
{
    int unified = cgroup->fds[CGROUP_UNIFIED], freezer = cgroup->fds[CGROUP_FREEZER];
    int result;

    if (is_unified(cgroup)) {
        result = write_file_at(unified, "cgroup.freeze", "1");
        if (result == 0)
            result = unified_await_frozen(unified);
    } else if (freezer >= 0) {
        result = legacy_await_frozen(freezer);
    } else {
        return error_set(error, STEP_FREEZE, ENOENT, "this host has no freezer for control groups");
    }
    if (result == 0)
        return 0;
    int errnum = errno;
    (void)cgroup_thaw(cgroup);
    return error_set(error, STEP_FREEZE, errnum,
                     errnum == EBUSY ? "a process does not stop: the container runs on"
                                     : "cannot freeze the container");
}

int cgroup_thaw(const struct cgroup *cgroup)
{
    int result = 0;

    if (is_unified(cgroup))
        result = write_file_at(cgroup->fds[CGROUP_UNIFIED], "cgroup.freeze", "0");
    if (cgroup->fds[CGROUP_FREEZER] >= 0 &&
        write_file_at(cgroup->fds[CGROUP_FREEZER], "freezer.state", "THAWED") < 0)
        result = -1;
    return result;
}

bool cgroup_is_frozen(const struct cgroup *cgroup)
{
    int freezer = cgroup->fds[CGROUP_FREEZER];
    char text[16];

    if (is_unified(cgroup) &&
        read_file_at(cgroup->fds[CGROUP_UNIFIED], "cgroup.freeze", text, sizeof(text)) > 0 &&
        text[0] == '1')
        return true;
    /* FREEZING is on its way to FROZEN. */
    return freezer >= 0 && read_file_at(freezer, "freezer.state", text, sizeof(text)) > 0 &&
           strncmp(text, "FR", 2) == 0;
}
