#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util.h"

/* In the namespace of who starts a container: what it needs inside comes with its own. */
static const struct {
    unsigned number;
    const char *name;
} capabilities[] = {
    {CAP_CHOWN, "chown"},   /* gives the writable layer to the container's root */
    {CAP_SETGID, "setgid"}, /* maps ids that are not its own */
    {CAP_SETUID, "setuid"},
    {CAP_SYS_ADMIN, "sys_admin"},       /* mounts, namespaces */
    {CAP_SYS_PTRACE, "sys_ptrace"},     /* opens namespaces of processes with other ids */
    {CAP_DAC_OVERRIDE, "dac_override"}, /* removes what a container made unreadable */
    {CAP_FOWNER, "fowner"},
};

static uint64_t capabilities_effective(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};

    if (syscall(SYS_capget, &header, data) < 0)
        return 0;
    return (uint64_t)data[1].effective << 32 | data[0].effective;
}

int host_require_root(struct error *error)
{
    const uint64_t effective = capabilities_effective();
    char missing[160] = "";

    if (geteuid() != 0)
        return error_set(error, STEP_PRIVILEGE, EPERM, "root is needed, and this is user %u",
                         geteuid());
    for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
        size_t length = strlen(missing);
        if ((effective & UINT64_C(1) << capabilities[i].number) == 0)
            snprintf(missing + length, sizeof(missing) - length, "%s%s", length > 0 ? ", " : "",
                     capabilities[i].name);
    }
    if (missing[0] != '\0')
        return error_set(error, STEP_PRIVILEGE, EPERM, "root lacks these capabilities here: %s",
                         missing);
    return 0;
}

int host_require_calls(struct error *error)
{
    const struct open_how how = {.flags = O_PATH | O_CLOEXEC};
    uint32_t action = SECCOMP_RET_ERRNO;
    _cleanup_close_ int fd = (int)syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));

    if (fd < 0)
        return error_set(error, STEP_SELF, errno, "files cannot be opened by openat2(2) here");
    if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0)
        return error_set(error, STEP_SECCOMP, errno, "system calls cannot be filtered here");
    return 0;
}
