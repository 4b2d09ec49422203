/* container_executor: creates a container and stays as its monitor; changes, pauses, stops, signals
 * and removes one.
 * README.md is its contract. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "changes.h"
#include "doctor.h"
#include "host.h"
#include "options.h"
#include "pause.h"
#include "remove.h"
#include "self.h"
#include "start.h"
#include "status.h"
#include "stop.h"
#include "update.h"

/* A result that is nothing but its event. */
static void report(int status_fd, const char *event)
{
    struct json_line line;

    json_begin(&line);
    json_string(&line, "event", event);
    json_end(&line);
    status_send(status_fd, &line);
}

static int run_stop(const struct options *options, struct error *error)
{
    struct json_line line;
    bool forced;

    if (container_stop(options->container.id, &options->target, &options->monitor, options->signal,
                       options->grace_ms, &forced, error) < 0)
        return -1;
    json_begin(&line);
    json_string(&line, "event", "stopped");
    json_bool(&line, "forced", forced);
    json_end(&line);
    status_send(options->status_fd, &line);
    return 0;
}

static int run_kill(const struct options *options, struct error *error)
{
    if (container_signal(options->container.id, &options->target, options->signal, error) < 0)
        return -1;
    report(options->status_fd, "signalled");
    return 0;
}

static int run_remove(const struct options *options, struct error *error)
{
    const struct container *container = &options->container;

    if (container_remove(container->id, container->state_dir, container->run_dir, false, error) < 0)
        return -1;
    report(options->status_fd, "removed");
    return 0;
}

static int run_remove_tree(const struct options *options, struct error *error)
{
    if (tree_remove_path(options->path, error) < 0)
        return -1;
    report(options->status_fd, "removed");
    return 0;
}

static int run_pause(const struct options *options, struct error *error)
{
    if (container_pause(options->container.id, &options->target, error) < 0)
        return -1;
    report(options->status_fd, "paused");
    return 0;
}

static int run_resume(const struct options *options, struct error *error)
{
    if (container_resume(options->container.id, &options->target, error) < 0)
        return -1;
    report(options->status_fd, "resumed");
    return 0;
}

static int run_update(struct options *options, struct error *error)
{
    struct json_line line;
    bool running;

    if (container_update(&options->container, options->status_fd, &running, error) < 0)
        return -1;
    json_begin(&line);
    json_string(&line, "event", "updated");
    json_bool(&line, "running", running);
    json_end(&line);
    status_send(options->status_fd, &line);
    return 0;
}

static int run_changes(const struct options *options, struct error *error)
{
    const struct layers layers = {
        .upper = options->upper,
        .lower = options->lower,
        .id_base = options->container.id_base,
    };

    return changes_report(&layers, options->status_fd, error);
}

static int run_doctor(const struct options *options, struct error *error)
{
    const struct doctor doctor = {
        .state_dir = options->container.state_dir,
        .rootfs = options->container.rootfs,
    };

    return doctor_run(&doctor, options->status_fd, error);
}

/* Returns the exit code, or -1 with an error that nobody knows of yet. */
static int run(struct options *options, char **argv, struct error *error)
{
    /* Above the standard ones, which a monitor has replaced by the null device. */
    if (options->status_fd < 3)
        options->status_fd = fcntl(options->status_fd, F_DUPFD_CLOEXEC, 3);
    /* One of its own: closing it frees no standard number for a file of ours, nor the other fd. */
    if (options->env_fd >= 0)
        options->env_fd = fcntl(options->env_fd, F_DUPFD_CLOEXEC, 3);
    const int kept[] = {options->status_fd, options->env_fd};
    if (options->trace)
        trace_begin(options->status_fd);

    /* Before anything is asked of the host: it tells what is missing. */
    if (options->verb == VERB_DOCTOR)
        return run_doctor(options, error);
    if (self_close_fds(kept, 2, error) < 0 || host_require_root(error) < 0)
        return -1;
    switch (options->verb) {
    case VERB_START:
        return container_start(options, argv, error);
    case VERB_STOP:
        return run_stop(options, error);
    case VERB_KILL:
        return run_kill(options, error);
    case VERB_PAUSE:
        return run_pause(options, error);
    case VERB_RESUME:
        return run_resume(options, error);
    case VERB_UPDATE:
        return run_update(options, error);
    case VERB_REMOVE:
        return run_remove(options, error);
    case VERB_REMOVE_TREE:
        return run_remove_tree(options, error);
    case VERB_CHANGES:
        return run_changes(options, error);
    case VERB_DOCTOR:
        break; /* done above */
    }
    return -1;
}

int main(int argc, char **argv)
{
    /* Refused options leave it as it is; run() gives it a number of its own. */
    struct options options = {.status_fd = options_find_status_fd(argv)};
    struct error error;
    (void)argc;

    if (self_protect(argv, &error) == 0 && options_parse(argv, &options, &error) == 0) {
        int exit_code = run(&options, argv, &error);
        if (exit_code >= 0)
            return exit_code;
    }
    if (options.status_fd >= 0)
        status_failed(options.status_fd, &error);
    else
        fprintf(stderr, "container_executor: %s: %s\n", step_name(error.step), error.message);
    return error_exit_code(&error);
}
