#include "seccomp.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "trace.h"

/* Made from seccomp_policy.c by seccomp_generate while building. */
static const struct sock_filter filter[] = {
#include "seccomp_filter.inc"
};

_Static_assert(sizeof(filter) / sizeof(filter[0]) <= BPF_MAXINSNS,
               "the kernel takes no longer one");

int seccomp_install(struct error *error)
{
    struct sock_fprog program = {
        .len = sizeof(filter) / sizeof(filter[0]),
        .filter = (struct sock_filter *)filter,
    };

    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
        return error_set(error, STEP_SECCOMP, errno, "cannot install the system call filter");
    trace_step(STEP_SECCOMP, "seccomp", trace_text("operation", "SECCOMP_SET_MODE_FILTER"),
               trace_number("instructions", program.len));
    return 0;
}
