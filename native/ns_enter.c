/* ns_enter: runs one more command inside a running container. README.md is its contract. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "environment.h"
#include "error.h"
#include "host.h"
#include "ns_enter_join.h"
#include "ns_enter_options.h"
#include "ns_enter_relay.h"
#include "self.h"
#include "status.h"
#include "util.h"

/* Being asked to end is for us what a client that goes is: the session hangs up. */
static int signals_open(struct error *error)
{
    sigset_t ending;

    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGHUP);
    sigprocmask(SIG_BLOCK, &ending, NULL);
    int fd = signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return error_set(error, STEP_SIGNAL, errno, "cannot open a signalfd");
    return fd;
}

static void report_started(int status_fd, const struct entered *entered)
{
    struct json_line line;

    json_begin(&line);
    json_string(&line, "event", "started");
    json_number(&line, "pid", (uint64_t)entered->pid);
    json_end(&line);
    status_send(status_fd, &line);
}

static void report_exited(int status_fd, const struct command_end *end)
{
    struct json_line line;

    json_begin(&line);
    json_string(&line, "event", "exited");
    if (end->signal == 0) {
        json_number(&line, "exitCode", (uint64_t)end->exit_code);
        json_null(&line, "signal");
    } else {
        json_null(&line, "exitCode");
        json_number(&line, "signal", (uint64_t)end->signal);
    }
    json_end(&line);
    status_send(status_fd, &line);
}

static int run(const struct enter_options *options, struct command_end *ret_end,
               struct error *error)
{
    const int kept[] = {options->status_fd, options->control_fd, options->env_fd};
    struct entered entered;

    if (options->trace)
        trace_begin(options->status_fd);
    if (self_close_fds(kept, sizeof(kept) / sizeof(kept[0]), error) < 0 ||
        host_require_root(error) < 0 || host_require_calls(error) < 0)
        return -1;
    _cleanup_free_ char **environment = NULL;
    if (environment_read(options->env_fd, &environment, error) < 0)
        return -1;
    _cleanup_close_ int init_pidfd = -1;
    if (target_open(&options->target, &init_pidfd, error) < 0)
        return -1;
    _cleanup_close_ int signal_fd = signals_open(error);
    if (signal_fd < 0)
        return -1;
    if (enter(options, environment, init_pidfd, signal_fd, &entered, error) < 0)
        return -1;
    report_started(options->status_fd, &entered);

    const struct relay_ends ends = {
        .init_pidfd = init_pidfd,
        .control_fd = options->control_fd,
        .signal_fd = signal_fd,
        .status_fd = options->status_fd,
    };
    return relay_run(&entered, &ends, ret_end, error);
}

int main(int argc, char **argv)
{
    struct enter_options options;
    struct command_end end;
    struct error error;

    if (argc == 0)
        return EXIT_OWN_FAILURE;
    int status_fd = enter_options_find_status_fd(argv);
    if (self_protect(argv, &error) < 0 || enter_options_parse(argv, &options, &error) < 0 ||
        run(&options, &end, &error) < 0) {
        if (status_fd < 0)
            fprintf(stderr, "ns_enter: %s: %s\n", step_name(error.step), error.message);
        else
            status_failed(status_fd, &error);
        return error_exit_code(&error);
    }
    report_exited(options.status_fd, &end);
    return end.signal == 0 ? end.exit_code : EXIT_SIGNAL_BASE + end.signal;
}
