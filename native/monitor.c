#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "lock.h"
#include "log.h"
#include "relay.h"
#include "remove.h"
#include "sandbox.h"
#include "self.h"
#include "status.h"
#include "target.h"
#include "trace.h"
#include "util.h"

_Static_assert(ATTACH_END_MS + 1000 < LOCK_WAIT_MS, "a start waits for the monitor before it");

/* Everything that lives as long as the container. */
struct monitor {
    char id[13];
    char state_dir[PATH_MAX], run_dir[PATH_MAX]; /* empty unless they are to be removed */
    bool awaits_client; /* a command can be shorter than the way to it; see attach_close() */
    struct state state;
    struct cgroup parent, cgroup;
    struct sandbox sandbox;
    struct running running;
    struct log log;
    struct relay relay;
};

/* Of nobody's session and terminal; only KILL ends it, so that a shut down computer's containers
 * end first. */
static int monitor_detach(struct error *error)
{
    _cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0 || setsid() < 0 || chdir("/") < 0)
        return error_set(error, STEP_MONITOR, errno, "cannot leave the caller's session");
    for (int fd = 0; fd < 3; fd++)
        if (dup2(null, fd) < 0)
            return error_set(error, STEP_MONITOR, errno, "cannot leave the caller's terminal");
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    trace_step(STEP_MONITOR, "setsid", trace_number("pid", (uint64_t)getpid()));
    return 0;
}

static int running_fill(pid_t pid, struct running *running, struct error *error)
{
    running->pid = pid;
    running->monitor_pid = getpid();
    timestamp_now(running->started_at);
    if (process_start_time(pid, &running->start_time) < 0 ||
        process_start_time(running->monitor_pid, &running->monitor_start_time) < 0 ||
        boot_id(running->boot_id) < 0)
        return error_set(error, STEP_STATE, errno, "cannot identify process %d", pid);
    return 0;
}

/* What can be done for ourselves while the child sets itself up. */
static int monitor_prepare(struct monitor_start *start, struct monitor *monitor,
                           struct error *error)
{
    const struct container *container = start->container;
    struct state *state = &monitor->state;

    if (cgroup_join(&start->monitors, error) < 0)
        return -1;
    cgroup_close(&start->monitors);
    cleanup_close(&start->hold);
    if (log_open(state->dir, container->log_max, &monitor->log, error) < 0 ||
        attach_open(state->run, container->interactive, &monitor->relay.attach, error) < 0)
        return -1;
    return running_fill(monitor->sandbox.pid, &monitor->running, error);
}

static int container_create(struct monitor_start *start, struct monitor *monitor,
                            struct error *error)
{
    const struct container *container = start->container;

    if (monitor_detach(error) < 0 || cgroup_create(&start->parent, container->id,
                                                   &container->limits, &monitor->cgroup, error) < 0)
        return -1;
    if (sandbox_start(container, &monitor->state, &monitor->cgroup, start->argv, &monitor->sandbox,
                      error) == 0) {
        if (monitor_prepare(start, monitor, error) == 0 &&
            sandbox_await(&monitor->sandbox, error) == 0 &&
            state_write_running(&monitor->state, &monitor->running, error) == 0)
            return 0;
        sandbox_abort(&monitor->sandbox);
    }
    struct error ignored;
    (void)cgroup_remove(&start->parent, container->id, &ignored);
    return -1;
}

/*
 * The launcher's word is the point of no return: a monitor that is killed before it leaves nothing,
 * for the launcher takes all back; one that is killed after it has left a container that runs.
 */
static void launcher_release(const struct monitor_start *start, const struct launch_word *word)
{
    trace_end();
    close(start->status_fd);
    (void)write_all(start->launcher, word, sizeof(*word));
    close(start->launcher);
}

/* Writes down how it ended, and takes away what only a running container has. */
static void container_end(struct monitor *monitor)
{
    struct error ignored; /* nobody is left to be told; a record that is missing means "lost" */
    struct exited exited = {.started_at = monitor->running.started_at};

    exited.wait_status = sandbox_wait(&monitor->sandbox);
    attach_limit(&monitor->relay.attach);
    /* With init everything in its pid namespace is gone. What joined from outside is not. */
    if (cgroup_is_populated(&monitor->cgroup))
        (void)cgroup_kill(&monitor->cgroup, &ignored);
    relay_drain(&monitor->relay);
    exited.usage = cgroup_read_usage(&monitor->cgroup);
    (void)state_write_exit(&monitor->state, &exited, &ignored);
    state_remove_running(&monitor->state);
    (void)cgroup_remove(&monitor->parent, monitor->id, &ignored);
    attach_close(&monitor->relay.attach, monitor->state.run, monitor->awaits_client);
}

/* The strings of the command line are overwritten by the title; what is needed later is copied. */
static void names_keep(struct monitor *monitor, const struct container *container)
{
    memcpy(monitor->id, container->id, sizeof(monitor->id));
    if (!container->auto_remove)
        return;
    monitor->awaits_client = container->interactive;
    snprintf(monitor->state_dir, sizeof(monitor->state_dir), "%s", container->state_dir);
    snprintf(monitor->run_dir, sizeof(monitor->run_dir), "%s", container->run_dir);
}

static void title_set(char **argv, const char *id)
{
    char title[48];

    snprintf(title, sizeof(title), "container_executor: monitor of %s", id);
    self_set_title(argv, title);
}

_Noreturn void monitor_run(struct monitor_start *start)
{
    static struct monitor monitor; /* too large for a stack whose pages all count */
    struct error error;

    monitor.state = start->state;
    monitor.parent = start->parent;
    names_keep(&monitor, start->container);
    if (container_create(start, &monitor, &error) < 0) {
        state_undo(start->container, &monitor.state);
        status_failed(start->status_fd, &error);
        launcher_release(start, &(struct launch_word){.exit_code = error_exit_code(&error)});
        _exit(EXIT_OWN_FAILURE);
    }
    launcher_release(start, &(struct launch_word){.running = monitor.running});
    title_set(start->argv, monitor.id);

    relay_begin(&monitor.relay, &monitor.sandbox, &monitor.log);
    relay_run(&monitor.relay);
    container_end(&monitor);
    if (monitor.state_dir[0] != '\0')
        (void)container_remove(monitor.id, monitor.state_dir, monitor.run_dir, true, &error);
    _exit(0);
}
