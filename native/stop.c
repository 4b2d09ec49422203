#include "stop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>

#include "cgroup.h"
#include "util.h"

#define END_MS 10000 /* for what was killed to be gone, and for the monitor to write it down */

static int pidfd_signal(int pidfd, int signal, struct error *error)
{
    if (pidfd_send_signal(pidfd, signal, NULL, 0) < 0)
        return error_set(error, errno == ESRCH ? STEP_IDENTIFY : STEP_SIGNAL, errno,
                         "cannot send signal %d (%s)", signal, strsignal(signal));
    return 0;
}

/* A paused container takes a signal when it goes on, so that it is made to. */
static int container_thaw(const char *id, struct error *error)
{
    _cleanup_cgroup_ struct cgroup parent = CGROUP_NONE;
    _cleanup_cgroup_ struct cgroup cgroup = CGROUP_NONE;

    if (cgroup_open_parent(false, &parent, error) < 0 ||
        cgroup_open(&parent, id, false, &cgroup, error) < 0)
        return -1;
    if (cgroup_is_frozen(&cgroup))
        (void)cgroup_thaw(&cgroup); /* it may have ended by now */
    return 0;
}

int container_signal(const char *id, const struct target *init, int signal, struct error *error)
{
    _cleanup_close_ int pidfd = -1;

    if (target_open(init, &pidfd, error) < 0 || pidfd_signal(pidfd, signal, error) < 0)
        return -1;
    return signal == SIGKILL ? container_thaw(id, error) : 0;
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A pidfd can be read once its process has ended (pidfd_open(2)). */
static bool has_ended_within(int pidfd, uint64_t wait_ms)
{
    struct pollfd poller = {.fd = pidfd, .events = POLLIN};
    const uint64_t deadline = now_ms() + wait_ms;

    for (;;) {
        uint64_t now = now_ms();
        uint64_t left = deadline > now ? deadline - now : 0;
        int ready = poll(&poller, 1, left > INT_MAX ? INT_MAX : (int)left);
        if (ready > 0)
            return true;
        if (left == 0)
            return false;
    }
}

/* By its cgroup, which also reaches what joined after us; init too, where it is in no cgroup. */
static int container_kill(const char *id, int init, struct error *error)
{
    _cleanup_cgroup_ struct cgroup parent = CGROUP_NONE;
    _cleanup_cgroup_ struct cgroup cgroup = CGROUP_NONE;

    if (cgroup_open_parent(false, &parent, error) < 0 ||
        cgroup_open(&parent, id, false, &cgroup, error) < 0)
        return -1;
    if (pidfd_send_signal(init, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
        return error_set(error, STEP_SIGNAL, errno, "cannot kill the container's init");
    return cgroup_kill(&cgroup, error);
}

int container_stop(const char *id, const struct target *init, const struct target *monitor,
                   int signal, uint64_t grace_ms, bool *ret_forced, struct error *error)
{
    struct error absent;
    _cleanup_close_ int init_fd = -1;
    _cleanup_close_ int monitor_fd = -1;

    if (target_open(init, &init_fd, error) < 0)
        return -1;
    /* A container whose monitor was killed can still be stopped. */
    if (monitor->pid != 0 && target_open(monitor, &monitor_fd, &absent) < 0)
        monitor_fd = -1;

    if (pidfd_signal(init_fd, signal, error) < 0 || container_thaw(id, error) < 0)
        return -1;
    bool forced = !has_ended_within(init_fd, grace_ms);
    if (forced && container_kill(id, init_fd, error) < 0)
        return -1;
    if (!has_ended_within(init_fd, END_MS))
        return error_set(error, STEP_SIGNAL, EBUSY, "the container was killed but has not ended");
    if (monitor_fd >= 0 && !has_ended_within(monitor_fd, END_MS))
        return error_set(error, STEP_MONITOR, EBUSY, "the monitor has not ended");
    *ret_forced = forced;
    return 0;
}
