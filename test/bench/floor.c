/*
 * The floor of a container runtime: the bare system calls without which there is no container, and
 * nothing else. What a real runtime takes beyond this is its own.
 *
 *   floor run ROOTFS UPPER WORK COMMAND   six namespaces, overlay, proc, pivot_root, exec, wait
 *   floor exec PID COMMAND                setns by pidfd, clone, exec, wait
 */
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAMESPACES                                                                                 \
    (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP)

_Noreturn static void fail(const char *what)
{
    perror(what);
    _exit(125);
}

_Noreturn static void command_run(char *command)
{
    char *const argv[] = {command, NULL};
    char *const environment[] = {NULL};

    execve(command, argv, environment);
    fail(command);
}

static int child_await(pid_t child)
{
    int status;

    if (child < 0 || waitpid(child, &status, 0) < 0)
        fail("clone");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

_Noreturn static void container_enter(char **argv)
{
    char layers[3 * 4096];

    snprintf(layers, sizeof(layers), "lowerdir=%s,upperdir=%s,workdir=%s", argv[0], argv[1],
             argv[2]);
    /* The overlay covers the root file system, in this mount namespace only. */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("overlay", argv[0], "overlay", 0, layers) < 0 || chdir(argv[0]) < 0 ||
        mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        fail("mount");
    if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        fail("pivot_root");
    command_run(argv[3]);
}

static int run(char **argv)
{
    struct clone_args arguments = {.flags = NAMESPACES, .exit_signal = SIGCHLD};
    pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));

    if (child == 0)
        container_enter(argv);
    return child_await(child);
}

static int enter(char **argv)
{
    int target = pidfd_open((pid_t)atoi(argv[0]), 0);

    /* The pid namespace holds for children only: hence the clone. */
    if (target < 0 || setns(target, NAMESPACES) < 0)
        fail("setns");
    pid_t child = fork();
    if (child == 0)
        command_run(argv[1]);
    return child_await(child);
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "run") == 0)
        return run(argv + 2);
    if (argc == 4 && strcmp(argv[1], "exec") == 0)
        return enter(argv + 2);
    fprintf(stderr, "usage: floor run ROOTFS UPPER WORK COMMAND | floor exec PID COMMAND\n");
    return 125;
}
