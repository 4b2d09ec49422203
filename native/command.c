/*
 * From a forked child of ours to the container's command: the same lines for pid 1's command and
 * for an entered one, so that the two cannot differ in what confines them.
 */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "privilege.h"
#include "seccomp.h"
#include "self.h"
#include "trace.h"
#include "util.h"

#define PATH_DEFAULT "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define TERM_DEFAULT "TERM=xterm-256color"
#define FIRST_FD     3 /* the first that is not the command's */

/* A fresh session, with the terminal on fd 0 as its controlling one (ioctl_tty(2)). */
static int session_start(const struct command *command, const struct identity *identity,
                         struct error *error)
{
    if (setsid() < 0)
        return error_set(error, STEP_TERMINAL, errno, "cannot start a session");
    self_join_keyring();
    trace_step(STEP_TERMINAL, "setsid");
    if (!command->tty)
        return 0;
    if (ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
        return error_set(error, STEP_TERMINAL, errno,
                         "cannot take the terminal as controlling one");
    /* So that the user can open /dev/tty and /dev/pts/N anew. */
    if (fchown(STDIN_FILENO, identity->uid, (gid_t)-1) < 0)
        return error_set(error, STEP_TERMINAL, errno, "cannot give the terminal to user %u",
                         identity->uid);
    trace_step(STEP_TERMINAL, "ioctl", trace_text("request", "TIOCSCTTY"),
               trace_number("owner", identity->uid));
    return 0;
}

/*
 * Enters the working directory with the command's own rights. A directory outside of the root (an
 * fd of the host that leaked, CVE-2024-21626) has no path here: the system call then answers
 * "(unreachable)…", which getcwd(3) of the C library would hide.
 */
static int workdir_enter(const char *workdir, struct error *error)
{
    char reached[PATH_MAX];

    if (workdir[0] != '/')
        return error_set(error, STEP_WORKDIR, EINVAL,
                         "the working directory '%.128s' is not absolute", workdir);
    if (chdir(workdir) < 0)
        return error_set(error, STEP_WORKDIR, errno, "cannot enter the working directory %.128s",
                         workdir);
    if (syscall(SYS_getcwd, reached, sizeof(reached)) < 0)
        return error_set(error, STEP_WORKDIR, errno, "cannot tell where %.128s is", workdir);
    if (reached[0] != '/')
        return error_set(error, STEP_WORKDIR, EXDEV,
                         "the working directory %.128s is outside of the container", workdir);
    trace_step(STEP_WORKDIR, "chdir", trace_text("path", workdir));
    return 0;
}

static const char *environment_get(char *const *environment, const char *key)
{
    size_t length = strlen(key);

    for (; *environment; environment++)
        if (strncmp(*environment, key, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    return NULL;
}

/* The variables that a command gets without anybody's asking. */
struct defaults {
    char home[sizeof("HOME=") + sizeof(((struct identity *)0)->home)];
    char hostname[sizeof("HOSTNAME=") + HOST_NAME_MAX];
};

/* A new array of the given variables and the missing defaults; the strings stay where they are. */
static char **environment_complete(const struct command *command, const struct identity *identity,
                                   struct defaults *defaults)
{
    static char path[] = PATH_DEFAULT;
    static char term[] = TERM_DEFAULT;
    char hostname[HOST_NAME_MAX + 1] = "";
    size_t count = 0;

    gethostname(hostname, sizeof(hostname) - 1);
    snprintf(defaults->home, sizeof(defaults->home), "HOME=%s", identity->home);
    snprintf(defaults->hostname, sizeof(defaults->hostname), "HOSTNAME=%s", hostname);
    const struct {
        const char *key;
        char *entry;
    } candidates[] = {
        {"PATH", path},
        {"HOME", defaults->home},
        {"HOSTNAME", defaults->hostname},
        {"TERM", command->tty ? term : NULL},
    };
    const size_t candidate_count = sizeof(candidates) / sizeof(candidates[0]);

    while (command->environment[count])
        count++;
    char **complete = calloc(count + candidate_count + 1, sizeof(*complete));
    if (!complete)
        return NULL;
    memcpy(complete, command->environment, count * sizeof(*complete));
    for (size_t i = 0; i < candidate_count; i++)
        if (candidates[i].entry && !environment_get(command->environment, candidates[i].key))
            complete[count++] = candidates[i].entry;
    return complete;
}

/* Closes everything but the command's fds and ours for reporting. */
static int fds_close(int error_fd, struct error *error)
{
    unsigned int kept = (unsigned int)error_fd;

    if (fcntl(error_fd, F_SETFD, FD_CLOEXEC) < 0 ||
        (kept > FIRST_FD && close_range(FIRST_FD, kept - 1, 0) < 0) ||
        close_range(kept + 1, ~0U, 0) < 0)
        return error_set(error, STEP_EXEC, errno, "cannot close the inherited file descriptors");
    trace_step(STEP_EXEC, "close_range", trace_number("first", FIRST_FD));
    return 0;
}

/* Says why `path` cannot be executed; ENOENT also means a script's or a program's missing
 * interpreter (execve(2)), which deserves other words. */
static int exec_failed(const char *path, int errnum, struct error *error)
{
    if (errnum == ENOENT && access(path, F_OK) == 0)
        return error_set(error, STEP_EXEC, errnum,
                         "'%.128s' needs an interpreter or loader that does not exist", path);
    if (errnum == EACCES) {
        struct stat status;
        if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
            return error_set(error, STEP_EXEC, errnum, "'%.128s' is a directory", path);
    }
    return error_set(error, STEP_EXEC, errnum, "cannot execute '%.128s': %s", path,
                     strerror(errnum));
}

/*
 * Looks `name` up in `search` as a POSIX shell does: the first that can be executed, an empty item
 * is the working directory. One that was there but could not be executed is remembered, so that
 * "permission denied" is not reported as "not found".
 */
static int exec_in_path(const char *name, const char *search, char *const *argv,
                        char *const *environment, struct error *error)
{
    bool refused = false;

    for (;;) {
        size_t length = strcspn(search, ":");
        char path[PATH_MAX];
        int printed = snprintf(path, sizeof(path), "%.*s%s%s", (int)length, search,
                               length > 0 ? "/" : "./", name);

        if (printed > 0 && (size_t)printed < sizeof(path)) {
            trace_exec(STEP_EXEC, "execve", trace_text("path", path),
                       trace_words("arguments", argv));
            execve(path, argv, environment);
            int errnum = errno;
            bool absent = errnum == ENOENT || errnum == ENOTDIR;
            if (errnum == EACCES || (absent && access(path, F_OK) == 0)) {
                if (!refused)
                    exec_failed(path, errnum, error);
                refused = true;
            } else if (!absent && errnum != ELOOP && errnum != ENAMETOOLONG) {
                return exec_failed(path, errnum, error);
            }
        }
        if (search[length] == '\0')
            break;
        search += length + 1;
    }
    if (refused)
        return -1;
    return error_set(error, STEP_EXEC, ENOENT, "'%.128s' was not found in PATH", name);
}

int command_exec(const struct command *command, int error_fd, struct error *error)
{
    struct identity identity;
    struct defaults defaults;
    const char *program = command->argv[0];

    if (identity_resolve(command->user ? command->user : "0:0", &identity, error) < 0)
        return -1;
    if (session_start(command, &identity, error) < 0)
        return -1;
    if (privilege_set_rlimits(error) < 0)
        return -1;
    _cleanup_free_ char **environment = environment_complete(command, &identity, &defaults);
    if (!environment)
        return error_set(error, STEP_EXEC, ENOMEM, "cannot build the environment");
    self_reset_signals();
    umask(022);

    /* From here on we have the rights of the command, and no more. */
    if (privilege_drop(&identity, error) < 0)
        return -1;
    if (workdir_enter(command->workdir ? command->workdir : "/", error) < 0)
        return -1;
    if (fds_close(error_fd, error) < 0)
        return -1;
    if (seccomp_install(error) < 0)
        return -1;
    if (strchr(program, '/')) {
        trace_exec(STEP_EXEC, "execve", trace_text("path", program),
                   trace_words("arguments", command->argv));
        execve(program, command->argv, environment);
        return exec_failed(program, errno, error);
    }
    return exec_in_path(program, environment_get(environment, "PATH"), command->argv, environment,
                        error);
}
