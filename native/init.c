/*
 * The container's pid 1. It keeps nothing of the host: no fd but the two it reports on, no path in
 * its command line. One signalfd, one loop.
 */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "idle.h"
#include "privilege.h"
#include "self.h"
#include "sync.h"
#include "trace.h"
#include "util.h"

#define TITLE "container-init"

/*
 * All signals come by the returned fd, also those that a pid 1 without handlers does not get. A fault
 * of init's own ends it all the same: the kernel forces its signal through a block.
 */
static int signals_open(void)
{
    sigset_t set;

    sigfillset(&set);
    if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC);
}

/* The forked command's side. */
_Noreturn static void command_start(const struct container *container,
                                    const struct child_ends *ends)
{
    struct error error;

    trace_become(TRACE_COMMAND, ends->sync);
    for (int fd = 0; fd < 3; fd++) {
        if (dup2(ends->stdio[fd], fd) < 0) {
            error_set(&error, STEP_EXEC, errno, "cannot hand over fd %d", fd);
            sync_send_error(ends->sync, &error);
            _exit(EXIT_OWN_FAILURE);
        }
    }
    trace_step(STEP_EXEC, "dup2", trace_text("fds", "0, 1, 2"));
    (void)command_exec(&container->command, ends->sync, &error);
    sync_send_error(ends->sync, &error);
    _exit(error_exit_code(&error));
}

/* Tells the monitor what an exit code cannot: whether it was a signal. */
_Noreturn static void end(int report, int status)
{
    /* A monitor that is gone will not miss it. */
    ssize_t ignored = write(report, &status, sizeof(status));
    (void)ignored;
    _exit(WIFSIGNALED(status) ? EXIT_SIGNAL_BASE + WTERMSIG(status) : WEXITSTATUS(status));
}

/* Everything that has ended by now; the end of the command is the end of all. */
static void reap(pid_t command, int report)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == command)
            end(report, status);
}

_Noreturn static void signals_handle(int signals, pid_t command, int report)
{
    struct pollfd poller = {.fd = signals, .events = POLLIN};
    struct signalfd_siginfo info;

    (void)idle_poll(&poller, 1, -1);
    for (;;) {
        if (read(signals, &info, sizeof(info)) != sizeof(info))
            continue; /* interrupted by a stop and its continuation */
        int number = (int)info.ssi_signo;
        if (number == SIGCHLD)
            reap(command, report);
        else if (command > 0)
            (void)kill(command, number);
        else if (number == SIGTERM || number == SIGINT || number == SIGQUIT || number == SIGHUP)
            _exit(0);
    }
}

/* Init needs no fds but its own. */
static void init_settle(const struct child_ends *ends, int signals, char **argv)
{
    const int keep[] = {signals, ends->report};
    struct error ignored;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = 0; null >= 0 && fd < 3; fd++)
        (void)dup2(null, fd);
    self_set_title(argv, TITLE);
    (void)prctl(PR_SET_NAME, TITLE);
    trace_end(); /* what it is told by is closed next */
    (void)self_close_fds(keep, 2, &ignored);
}

_Noreturn void init_run(const struct container *container, const struct child_ends *ends,
                        char **argv)
{
    struct error error;
    pid_t command = -1;
    int signals = signals_open();

    if (signals < 0) {
        error_set(&error, STEP_EXEC, errno, "cannot receive signals");
        sync_send_error(ends->sync, &error);
        _exit(EXIT_OWN_FAILURE);
    }
    /* Before anything of the container runs beside it: it needs no more rights than the command. */
    if (privilege_drop_init(&error) < 0) {
        sync_send_error(ends->sync, &error);
        _exit(EXIT_OWN_FAILURE);
    }
    if (container->command.argv != NULL) {
        command = fork();
        if (command == 0)
            command_start(container, ends);
        if (command < 0) {
            error_set(&error, STEP_EXEC, errno, "cannot make a process for the command");
            sync_send_error(ends->sync, &error);
            _exit(EXIT_OWN_FAILURE);
        }
    }
    if (command > 0)
        trace_step(STEP_EXEC, "fork", trace_number("pid", (uint64_t)command));
    /* From here on `container` is not to be looked at: the title is written over its strings. */
    init_settle(ends, signals, argv);
    signals_handle(signals, command, ends->report);
}
