/*
 * Times commands side by side: round by round each of them once, so that a noisy moment of the
 * machine meets all alike. A time ends when everything that the command started has ended, also
 * what it has put into the background: a monitor that records an exit and cleans up is part of the
 * run.
 *
 *   stopwatch ROUNDS NAMESPACE INPUT COMMAND... [";" NAMESPACE INPUT COMMAND...]...
 *
 * `{}` in a command stands for the number of the round, in 6 digits. NAMESPACE is the file of a
 * mount namespace to start the command in, as /proc/PID/ns/mnt; INPUT a file for its standard
 * input. Its output and fd 3 are the null device, fd 4 a socket whose other end stays open. Prints
 * a line for each time, the command's index and microseconds; not so for the first round.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONTENDERS_MAX 16
#define ARGUMENTS_MAX  64
#define ARGUMENT_SIZE  1024
#define NUMBER_SIZE    24
#define FIRST_FD       10 /* ours are above the commands' */

struct contender {
    int namespace;
    const char *input;
    char **argv;
    size_t argc;
};

_Noreturn static void fail(const char *what)
{
    perror(what);
    exit(125);
}

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static int namespace_open(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int high = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD);

    if (high < 0)
        fail(path);
    close(fd);
    return high;
}

static size_t contenders_read(char **arguments, struct contender contenders[CONTENDERS_MAX])
{
    size_t count = 0;

    while (arguments[0] != NULL && arguments[1] != NULL && count < CONTENDERS_MAX) {
        struct contender *contender = &contenders[count++];
        contender->namespace = namespace_open(arguments[0]);
        contender->input = arguments[1];
        contender->argv = arguments + 2;
        for (arguments += 2; *arguments != NULL && strcmp(*arguments, ";") != 0; arguments++)
            contender->argc++;
        if (contender->argc == 0 || contender->argc >= ARGUMENTS_MAX) {
            fprintf(stderr, "stopwatch: a command has 1 to %d arguments\n", ARGUMENTS_MAX - 1);
            exit(125);
        }
        arguments += *arguments != NULL;
    }
    return count;
}

/* Copies one argument, with the round's number in the place of `{}`. */
static void argument_fill(char filled[ARGUMENT_SIZE], const char *argument, const char *number)
{
    const char *place = strstr(argument, "{}");
    int before = place != NULL ? (int)(place - argument) : (int)strlen(argument);

    snprintf(filled, ARGUMENT_SIZE, "%.*s%s%s", before, argument, place != NULL ? number : "",
             place != NULL ? place + 2 : "");
}

/* Waits for it, and for what it left behind, whose parent we become (PR_SET_CHILD_SUBREAPER). */
static int all_await(pid_t command)
{
    int status, result = 0;
    pid_t ended;

    while ((ended = waitpid(-1, &status, 0)) > 0 || errno == EINTR)
        if (ended == command)
            result = status;
    return result;
}

/* What is done for one command alone. */
static void contender_prepare(const struct contender *contender)
{
    int input = open(contender->input, O_RDONLY);

    if (input < 0 || dup2(input, STDIN_FILENO) < 0 || setns(contender->namespace, CLONE_NEWNS) < 0)
        fail(contender->input);
    close(input);
}

static int64_t contender_time(const struct contender *contender, const char *number)
{
    static char arguments[ARGUMENTS_MAX][ARGUMENT_SIZE];
    char *argv[ARGUMENTS_MAX] = {NULL};
    char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    pid_t pid;

    for (size_t i = 0; i < contender->argc; i++) {
        argument_fill(arguments[i], contender->argv[i], number);
        argv[i] = arguments[i];
    }
    contender_prepare(contender);
    int64_t start = now_us();
    if ((errno = posix_spawn(&pid, argv[0], NULL, NULL, argv, environment)) != 0)
        fail(argv[0]);
    int status = all_await(pid);
    int64_t taken = now_us() - start;
    if (status != 0) {
        fprintf(stderr, "%s ended with status %d in round %s\n", argv[0], status, number);
        exit(125);
    }
    return taken;
}

/* Everything that a command inherits besides its arguments. */
static void fds_prepare(void)
{
    int null = open("/dev/null", O_RDWR), sockets[2];

    if (null < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0 ||
        fcntl(sockets[0], F_DUPFD_CLOEXEC, FIRST_FD) < 0)
        fail("fds");
    int control = fcntl(sockets[1], F_DUPFD_CLOEXEC, FIRST_FD);
    if (dup2(null, STDOUT_FILENO) < 0 || dup2(null, 3) < 0 || dup2(control, 4) < 0)
        fail("fds");
}

int main(int argc, char **argv)
{
    static struct contender contenders[CONTENDERS_MAX];
    char number[NUMBER_SIZE];

    if (argc < 5) {
        fprintf(stderr, "usage: stopwatch ROUNDS NAMESPACE INPUT COMMAND... [\";\" ...]\n");
        return 125;
    }
    /* The times go where our output went, the commands' output goes nowhere. */
    FILE *times = fdopen(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, FIRST_FD), "w");
    if (times == NULL || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        fail("stopwatch");
    size_t count = contenders_read(argv + 2, contenders);
    fds_prepare();
    for (long round = 0; round <= atol(argv[1]); round++) {
        snprintf(number, sizeof(number), "%06ld", round);
        for (size_t i = 0; i < count; i++) {
            int64_t taken = contender_time(&contenders[i], number);
            if (round > 0)
                fprintf(times, "%zu %ld\n", i, (long)taken);
        }
    }
    return 0;
}
