/* The control group of one container, in every hierarchy at once: cgroups(7). */
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "device_filter.h"
#include "procfs.h"
#include "trace.h"
#include "util.h"

#define DIRECTORY    (O_PATH | O_DIRECTORY | O_CLOEXEC)
#define EMPTY_MS     10000 /* how long killed processes may take to be gone */
#define POLL_MS      2     /* where no event tells it */
#define EVENT_MS     50    /* where one does: Linux 6.1 was seen to lose it */
#define KILL_ROUNDS  100   /* without a freezer, processes may fork while they are killed */
#define PROCS_LENGTH 65536

int cgroup_open(const struct cgroup *parent, const char *name, bool create,
                struct cgroup *ret_cgroup, struct error *error)
{
    _cleanup_cgroup_ struct cgroup cgroup = CGROUP_NONE;

    for (size_t i = 0; i < CGROUP_HIERARCHIES; i++) {
        if (parent->fds[i] < 0)
            continue;
        bool made = create && cgroup_make_directory(parent->fds[i], name) == 0;
        if (create && !made && errno != EEXIST)
            return error_set(error, STEP_CGROUP, errno, "cannot make the control group %s", name);
        cgroup.fds[i] = openat(parent->fds[i], name, DIRECTORY);
        if (cgroup.fds[i] < 0 && (create || errno != ENOENT))
            return error_set(error, STEP_CGROUP, errno, "cannot open the control group %s", name);
        if (made)
            trace_step(STEP_CGROUP, "mkdir", trace_path("path", cgroup.fds[i], ""));
    }
    *ret_cgroup = cgroup;
    cgroup = CGROUP_NONE;
    return 0;
}

/* What an earlier run left, so that counters and limits begin anew. */
static int cgroup_clear(const struct cgroup *parent, const char *id, struct error *error)
{
    _cleanup_cgroup_ struct cgroup left = CGROUP_NONE;
    bool any = false;

    if (cgroup_open(parent, id, false, &left, error) < 0)
        return -1;
    for (size_t i = 0; i < CGROUP_HIERARCHIES; i++)
        any |= left.fds[i] >= 0;
    if (!any)
        return 0;
    if (cgroup_is_populated(&left))
        return error_set(error, STEP_LOCK, EBUSY, "container %s still runs, without its monitor",
                         id);
    return cgroup_remove(parent, id, error);
}

int cgroup_create(const struct cgroup *parent, const char *id, const struct limits *limits,
                  struct cgroup *ret_cgroup, struct error *error)
{
    _cleanup_cgroup_ struct cgroup cgroup = CGROUP_NONE;
    struct error ignored;

    if (cgroup_clear(parent, id, error) < 0)
        return -1;
    if (cgroup_open(parent, id, true, &cgroup, error) < 0 ||
        (cgroup.fds[CGROUP_DEVICES] >= 0 &&
         device_filter_write(cgroup.fds[CGROUP_DEVICES], error) < 0) ||
        cgroup_set_limits(parent, &cgroup, limits, false, error) < 0) {
        (void)cgroup_remove(parent, id, &ignored);
        return -1;
    }
    *ret_cgroup = cgroup;
    cgroup = CGROUP_NONE;
    return 0;
}

int cgroup_join(const struct cgroup *cgroup, struct error *error)
{
    for (size_t i = 0; i < CGROUP_HIERARCHIES; i++) {
        if (i == CGROUP_UNIFIED || cgroup->fds[i] < 0)
            continue;
        if (write_file_at(cgroup->fds[i], "tasks", "0") < 0)
            return error_set(error, STEP_CGROUP, errno, "cannot move into a control group");
        trace_step(STEP_CGROUP, "write", trace_path("path", cgroup->fds[i], "tasks"),
                   trace_text("value", "0"));
    }
    return 0;
}

/* The number after `key` in a file of lines "key number", false when there is none. */
static bool keyed_value(int fd, const char *file, const char *key, uint64_t *ret_value)
{
    char text[4096];

    return fd >= 0 && read_file_at(fd, file, text, sizeof(text)) >= 0 &&
           keyed_number(text, key, ret_value);
}

static bool single_value(int fd, const char *file, uint64_t *ret_value)
{
    char text[32];

    if (fd < 0 || read_file_at(fd, file, text, sizeof(text)) < 0)
        return false;
    text[strcspn(text, "\n")] = '\0';
    return parse_uint(text, UINT64_MAX, ret_value);
}

struct cgroup_usage cgroup_read_usage(const struct cgroup *cgroup)
{
    struct cgroup_usage usage = {0};
    const int *fds = cgroup->fds;
    uint64_t nanoseconds;

    usage.has_memory_peak =
        single_value(fds[CGROUP_MEMORY], "memory.max_usage_in_bytes", &usage.memory_peak) ||
        single_value(fds[CGROUP_UNIFIED], "memory.peak", &usage.memory_peak);
    if (single_value(fds[CGROUP_CPUACCT], "cpuacct.usage", &nanoseconds)) {
        usage.has_cpu_time = true;
        usage.cpu_time_usec = nanoseconds / 1000;
    } else {
        usage.has_cpu_time =
            keyed_value(fds[CGROUP_UNIFIED], "cpu.stat", "usage_usec", &usage.cpu_time_usec);
    }
    if (!keyed_value(fds[CGROUP_MEMORY], "memory.oom_control", "oom_kill", &usage.oom_kills))
        (void)keyed_value(fds[CGROUP_UNIFIED], "memory.events", "oom_kill", &usage.oom_kills);
    return usage;
}

bool cgroup_is_populated(const struct cgroup *cgroup)
{
    uint64_t populated;
    char first;

    if (keyed_value(cgroup->fds[CGROUP_UNIFIED], "cgroup.events", "populated", &populated))
        return populated != 0;
    for (size_t i = 0; i < CGROUP_HIERARCHIES; i++) {
        if (cgroup->fds[i] < 0)
            continue;
        _cleanup_close_ int fd = openat(cgroup->fds[i], "cgroup.procs", O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && read(fd, &first, 1) == 1)
            return true;
    }
    return false;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* cgroup.events tells of a change by POLLPRI; v1 has nothing like it. */
static int cgroup_wait_empty(const struct cgroup *cgroup, struct error *error)
{
    int unified = cgroup->fds[CGROUP_UNIFIED];
    _cleanup_close_ int events =
        unified < 0 ? -1 : openat(unified, "cgroup.events", O_RDONLY | O_CLOEXEC);
    const int64_t deadline = now_ms() + EMPTY_MS;
    char text[64];

    for (;;) {
        struct pollfd poller = {.fd = events, .events = POLLPRI};
        /* Takes note of the state that poll() then waits for a change of. */
        if (events >= 0 && pread(events, text, sizeof(text), 0) < 0) {
            if (errno == ENODEV)
                return 0; /* the monitor was as fast, and has removed it */
            return error_set(error, STEP_CGROUP, errno, "cannot read cgroup.events");
        }
        if (!cgroup_is_populated(cgroup))
            return 0;
        int64_t left = deadline - now_ms();
        if (left <= 0)
            return error_set(error, STEP_CGROUP, EBUSY,
                             "killed processes of the container have not ended yet");
        /* Somebody may be pausing it at this very moment: so it is said again. */
        if (cgroup->fds[CGROUP_FREEZER] >= 0)
            (void)write_file_at(cgroup->fds[CGROUP_FREEZER], "freezer.state", "THAWED");
        (void)poll(&poller, 1, events >= 0 ? (left < EVENT_MS ? (int)left : EVENT_MS) : POLL_MS);
    }
}

/* Kills what is listed at this moment; -1 when nothing is, or it cannot be read. */
static int procs_kill(int cgroup_fd)
{
    _cleanup_free_ char *text = malloc(PROCS_LENGTH);
    _cleanup_close_ int fd = openat(cgroup_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    uint64_t pid;

    if (text == NULL || fd < 0)
        return -1;
    ssize_t length = read(fd, text, PROCS_LENGTH - 1);
    if (length <= 0)
        return -1;
    text[length] = '\0';
    char *rest = text;
    char *end = strrchr(text, '\n');
    if (end == NULL)
        return -1;
    *end = '\0'; /* behind it may stand the beginning of a number */
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n"))
        if (parse_uint(line, INT_MAX, &pid) && pid > 0) /* 0: of another pid namespace */
            (void)kill((pid_t)pid, SIGKILL);
    return 0;
}

/* Without cgroup.kill (v1 only): what is frozen cannot fork, and its pids stay its own. */
static void cgroup_kill_listed(const struct cgroup *cgroup)
{
    int freezer = cgroup->fds[CGROUP_FREEZER];

    for (size_t i = 0; i < CGROUP_HIERARCHIES; i++) {
        if (cgroup->fds[i] < 0)
            continue;
        for (int round = 0; round < KILL_ROUNDS; round++) {
            if (freezer >= 0)
                (void)write_file_at(freezer, "freezer.state", "FROZEN");
            int killed = procs_kill(cgroup->fds[i]);
            if (freezer >= 0)
                (void)write_file_at(freezer, "freezer.state", "THAWED");
            if (killed < 0)
                break;
        }
        return; /* every hierarchy lists the same processes */
    }
}

int cgroup_kill(const struct cgroup *cgroup, struct error *error)
{
    const int *fds = cgroup->fds;

    /* Frozen by v1 a process does not even die of KILL. */
    if (fds[CGROUP_FREEZER] >= 0)
        (void)write_file_at(fds[CGROUP_FREEZER], "freezer.state", "THAWED");
    if (fds[CGROUP_UNIFIED] < 0 || write_file_at(fds[CGROUP_UNIFIED], "cgroup.kill", "1") < 0)
        cgroup_kill_listed(cgroup);
    return cgroup_wait_empty(cgroup, error);
}

int cgroup_remove(const struct cgroup *parent, const char *id, struct error *error)
{
    const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    const int64_t deadline = now_ms() + EMPTY_MS / 10;

    for (size_t i = 0; i < CGROUP_HIERARCHIES; i++) {
        /* Busy for a moment longer while its last process is on its way out. */
        while (parent->fds[i] >= 0 && unlinkat(parent->fds[i], id, AT_REMOVEDIR) < 0 &&
               errno != ENOENT) {
            if (errno != EBUSY || now_ms() > deadline)
                return error_set(error, STEP_CGROUP, errno, "cannot remove the control group %s",
                                 id);
            nanosleep(&pause, NULL);
        }
    }
    return 0;
}
