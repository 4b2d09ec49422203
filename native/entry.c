/*
 * Where the kernel begins a program of ours: before the C library. A first start does no more than
 * start over, from a read-only mount and with an empty environment (self.h says why), and the
 * library's own preparations, of which CPUID alone takes 0.2 ms in a virtual machine, would be made
 * for nothing. Whatever fails or is unusual here is left to self_protect(), which does the same
 * with fall-backs and errors in words; the build with sanitizers begins with the library, and
 * there.
 */
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>

#include "system_call.h"

/* `stack` is as the kernel lays it out: argc, the arguments, NULL, the environment, NULL. No
 * function of the library can be called, nor its errno be set: there is no thread yet. */
__attribute__((used, no_stack_protector)) static void entry_start_over(const long *stack)
{
    const long *argv = stack + 1;
    const long *environment = argv + stack[0] + 1;
    const struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    const long empty[] = {0};

    /* Also what has started over. */
    if (environment[0] == 0)
        return;
    long fd = system_call(SYS_open_tree, AT_FDCWD, (long)"/proc/self/exe",
                          OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC, 0, 0);
    /* A standard fd is not for this. */
    if (fd > 2 && system_call(SYS_mount_setattr, fd, (long)"", AT_EMPTY_PATH, (long)&attributes,
                              sizeof(attributes)) == 0)
        (void)system_call(SYS_execveat, fd, (long)"", (long)argv, (long)empty, AT_EMPTY_PATH);
    if (fd >= 0)
        (void)system_call(SYS_close, fd, 0, 0, 0, 0);
}

/* On to the C library with everything as the kernel left it: its register for a function to be
 * called at exit is 0, as for every static program. */
#if defined(__x86_64__)
__asm__(".globl entry\n"
        ".type entry, @function\n"
        "entry:\n"
        "    mov %rsp, %rdi\n"
        "    call entry_start_over\n"
        "    xor %edx, %edx\n"
        "    jmp _start\n");
#elif defined(__aarch64__)
__asm__(".globl entry\n"
        ".type entry, %function\n"
        "entry:\n"
        "    mov x0, sp\n"
        "    bl entry_start_over\n"
        "    mov x0, #0\n"
        "    b _start\n");
#endif
