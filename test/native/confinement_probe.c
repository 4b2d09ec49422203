/*
 * confinement_probe: asks the kernel for what a container may not have, and prints `NAME ERRNO` for
 * each. The arguments are senseless where they can be, so that nothing happens where it is allowed
 * and the kernel's own answer differs from the filter's. With `euid` it prints its effective user id.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BAD        ((void *)1) /* no address */
#define ALL_BITS   (~0UL)
#define IOCTL_HIGH (1UL << 32)
#define X32        0x40000000L

#ifdef __x86_64__
/* By the gate of 32-bit programs; returns the negative errno as the kernel does. */
static long call_i386(long number, long first, long second)
{
    long result;

    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(first), "c"(second) : "memory");
    return (int)result;
}
#endif

static void show(const char *name, long result)
{
    printf("%s %s\n", name, result >= 0 ? "OK" : strerrorname_np(errno));
}

#define TRY(name, ...) show(#name, syscall(SYS_##name, ##__VA_ARGS__))

static void try_mounts(void)
{
    TRY(mount, BAD, BAD, BAD, 0, BAD);
    TRY(umount2, BAD, ALL_BITS);
    TRY(pivot_root, BAD, BAD);
    TRY(fsopen, BAD, ALL_BITS);
    TRY(fsconfig, -1, ALL_BITS, BAD, BAD, 0);
    TRY(fsmount, -1, ALL_BITS, ALL_BITS);
    TRY(fspick, -1, BAD, ALL_BITS);
    TRY(move_mount, -1, BAD, -1, BAD, ALL_BITS);
    TRY(open_tree, -1, BAD, ALL_BITS);
    TRY(mount_setattr, -1, BAD, ALL_BITS, BAD, 0);
}

static void try_namespaces(void)
{
    TRY(setns, -1, 0);
    TRY(unshare, CLONE_NEWUSER | 1);
    TRY(clone, CLONE_NEWUSER | CLONE_FS | SIGCHLD, NULL, NULL, NULL, NULL);
    TRY(clone3, BAD, 0);
    TRY(open_by_handle_at, -1, BAD, 0);
}

static void try_kernel(void)
{
    TRY(bpf, -1, BAD, 0);
    TRY(io_uring_setup, 0, BAD);
    TRY(io_uring_enter, -1, 0, 0, ALL_BITS, BAD, 0);
    TRY(io_uring_register, -1, -1, BAD, 0);
    TRY(userfaultfd, ALL_BITS);
    TRY(perf_event_open, BAD, 0, -1, -1, ALL_BITS);
    TRY(keyctl, -1, 0, 0, 0, 0);
    TRY(add_key, BAD, BAD, BAD, 0, 0);
    TRY(request_key, BAD, BAD, BAD, 0);
    TRY(kexec_load, 0, ALL_BITS, BAD, ALL_BITS);
    TRY(init_module, BAD, 0, BAD);
    TRY(finit_module, -1, BAD, 0);
    TRY(delete_module, BAD, 0);
    TRY(reboot, 0, 0, 0, BAD);
    TRY(swapon, BAD, ALL_BITS);
    TRY(acct, BAD);
    TRY(syslog, -1, BAD, 0);
    TRY(settimeofday, BAD, NULL);
    TRY(sethostname, BAD, -1);
    TRY(kcmp, -1, -1, 99, 0, 0);
    TRY(pidfd_getfd, -1, -1, ALL_BITS);
    TRY(personality, 0x0040000 /* ADDR_NO_RANDOMIZE */);
}

static void try_socket(const char *name, int family, int type, int protocol)
{
    int fd = socket(family, type, protocol);

    show(name, fd);
    if (fd >= 0)
        close(fd);
}

static void try_sockets(void)
{
    try_socket("AF_UNIX", AF_UNIX, SOCK_STREAM, 0);
    try_socket("AF_INET", AF_INET, SOCK_STREAM, 0);
    try_socket("AF_INET6", AF_INET6, SOCK_DGRAM, 0);
    try_socket("NETLINK_ROUTE", AF_NETLINK, SOCK_RAW, 0);
    try_socket("NETLINK_NETFILTER", AF_NETLINK, SOCK_RAW, 12);
    try_socket("AF_ALG", AF_ALG, SOCK_SEQPACKET, 0);
    try_socket("AF_VSOCK", AF_VSOCK, SOCK_STREAM, 0);
    try_socket("AF_PACKET", AF_PACKET, SOCK_RAW, 0);
    try_socket("AF_KEY", AF_KEY, SOCK_RAW, 2);
}

/* On no terminal: allowed ones end with EBADF. */
static void try_terminal(void)
{
    show("TIOCSTI", syscall(SYS_ioctl, -1, (unsigned long)TIOCSTI, BAD));
    show("TIOCSTI_HIGH", syscall(SYS_ioctl, -1, IOCTL_HIGH | TIOCSTI, BAD));
    show("TIOCLINUX", syscall(SYS_ioctl, -1, (unsigned long)TIOCLINUX, BAD));
    show("TIOCGWINSZ", syscall(SYS_ioctl, -1, (unsigned long)TIOCGWINSZ, BAD));
}

static void try_other_abis(void)
{
#ifdef __x86_64__
    const struct {
        const char *name;
        long number, first, second;
    } calls[] = {
        {"i386_getpid", 20, 0, 0},      {"i386_mount", 21, 1, 1},
        {"i386_socketcall", 102, 1, 1}, {"i386_unshare", 310, CLONE_NEWUSER | 1, 0},
        {"i386_clone3", 435, 1, 0},     {"i386_keyctl", 288, -1, 0},
        {"i386_umount", 22, 1, 0},
    };

    show("x32_getpid", syscall(X32 + 39));
    show("x32_mount", syscall(X32 + 165, BAD, BAD, BAD, 0, BAD));
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        long result = call_i386(calls[i].number, calls[i].first, calls[i].second);
        errno = result < 0 ? (int)-result : 0;
        show(calls[i].name, result);
    }
#endif
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "euid") == 0) {
        printf("%u\n", geteuid());
        return 0;
    }
    try_mounts();
    try_namespaces();
    try_kernel();
    try_sockets();
    try_terminal();
    try_other_abis();
    return 0;
}
