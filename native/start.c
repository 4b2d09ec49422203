/* The launching parent: prepares the directories, forks the monitor, and waits for its word. */
#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "environment.h"
#include "host.h"
#include "limits_resolve.h"
#include "monitor.h"
#include "namespace.h"
#include "status.h"
#include "trace.h"
#include "util.h"

/* The monitor is born in the monitors' own control group: stopping its caller's service, or logging
 * out, does not reach it. */
static int monitor_fork(struct monitor_start *start, struct error *error)
{
    _cleanup_close_ int pidfd = -1;
    int word[2];

    if (pipe2(word, O_CLOEXEC) < 0)
        return error_set(error, STEP_MONITOR, errno, "cannot make a pipe");
    start->launcher = word[1];
    pid_t pid = namespace_clone(0, start->monitors.fds[CGROUP_UNIFIED], &pidfd);
    if (pid == 0) {
        trace_become(TRACE_MONITOR, -1);
        close(word[0]);
        monitor_run(start);
    }
    int errnum = errno;
    close(word[1]);
    trace_step(STEP_MONITOR, "clone3", trace_number("pid", (uint64_t)pid),
               trace_path("cgroup", start->monitors.fds[CGROUP_UNIFIED], ""));
    if (pid > 0)
        return word[0];
    close(word[0]);
    return error_set(error, STEP_MONITOR, errnum, "cannot make the monitor");
}

static int cgroups_open(struct monitor_start *start, struct error *error)
{
    if (cgroup_open_parent(true, &start->parent, error) < 0)
        return -1;
    return cgroup_open(&start->parent, CGROUP_MONITORS, true, &start->monitors, error);
}

static int monitor_await(int pipe_fd, struct launch_word *ret_word, struct error *error)
{
    ssize_t got;

    do
        got = read(pipe_fd, ret_word, sizeof(*ret_word)); /* whole: pipe(7), PIPE_BUF */
    while (got < 0 && errno == EINTR);
    close(pipe_fd);
    if (got != (ssize_t)sizeof(*ret_word))
        return error_set(error, STEP_MONITOR, 0, "the monitor ended unexpectedly");
    return 0;
}

static void report_started(int status_fd, const struct running *running)
{
    struct json_line line;

    json_begin(&line);
    json_string(&line, "event", "started");
    state_describe(running, &line);
    json_end(&line);
    status_send(status_fd, &line);
}

/* What a monitor that was killed half-way has made nobody else knows of. */
static void start_undo(struct monitor_start *start)
{
    const char *id = start->container->id;
    _cleanup_cgroup_ struct cgroup cgroup = CGROUP_NONE;
    struct error ignored;

    if (cgroup_open(&start->parent, id, false, &cgroup, &ignored) == 0 &&
        cgroup_is_populated(&cgroup))
        (void)cgroup_kill(&cgroup, &ignored);
    (void)cgroup_remove(&start->parent, id, &ignored);
    state_undo(start->container, &start->state);
}

int container_start(struct options *options, char **argv, struct error *error)
{
    struct container *container = &options->container;
    struct monitor_start start = {
        .container = container,
        .parent = CGROUP_NONE,
        .monitors = CGROUP_NONE,
        .hold = -1,
        .status_fd = options->status_fd,
        .argv = argv,
    };
    struct launch_word word;
    char **environment;

    if (host_require_calls(error) < 0 || environment_read(options->env_fd, &environment, error) < 0)
        return -1;
    container->command.environment = environment;
    cleanup_close(&options->env_fd);
    start.hold = cgroup_hold();
    /* Nothing is made before it is clear that the container does not run. */
    if (limits_resolve(container, error) < 0 ||
        cgroup_open_parent(false, &start.parent, error) < 0 ||
        state_prepare(container, &start.parent, &start.state, error) < 0)
        return -1;
    int pipe_fd = cgroups_open(&start, error) < 0 ? -1 : monitor_fork(&start, error);
    if (pipe_fd < 0) {
        state_undo(container, &start.state);
        return -1;
    }
    if (monitor_await(pipe_fd, &word, error) < 0) {
        start_undo(&start);
        return -1;
    }
    if (word.exit_code == 0) {
        trace_step(STEP_SYNC, "read", trace_text("from", "monitor"));
        limits_warn(options->status_fd, &start.parent, &container->limits);
        report_started(options->status_fd, &word.running);
    }
    return word.exit_code;
}
