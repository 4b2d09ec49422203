/*
 * What a container's command may do: capabilities(7), groups and user, no_new_privs, resource
 * limits. One set for pid 1's command and for every entered one.
 */
#include "privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "trace_names.h"

#define CAPABILITY(name) (UINT64_C(1) << (CAP_##name))
#define INIT_SAVED_GID   65535 /* any but 0: it gives no rights */

/*
 * What root keeps inside: enough to install packages and to serve, nothing that reaches the
 * kernel's configuration. All of it counts in the container's own user namespace only.
 */
static const uint64_t capabilities_kept =
    CAPABILITY(CHOWN) | CAPABILITY(DAC_OVERRIDE) | CAPABILITY(FSETID) | CAPABILITY(FOWNER) |
    CAPABILITY(MKNOD) | CAPABILITY(NET_RAW) | CAPABILITY(SETGID) | CAPABILITY(SETUID) |
    CAPABILITY(SETFCAP) | CAPABILITY(SETPCAP) | CAPABILITY(NET_BIND_SERVICE) |
    CAPABILITY(SYS_CHROOT) | CAPABILITY(KILL) | CAPABILITY(AUDIT_WRITE);

#define MIB             (1024 * 1024)
#define LIMIT_INHERITED RLIM_INFINITY /* as low as it is already, whatever that is */

static const struct {
    int resource;
    const char *name;
    rlim_t soft;
    rlim_t hard;
} limits[] = {
    /* No core file. A core_pattern that is a program of the host gets the core all the same and has
     * to mind this limit itself (core(5)). */
    {RLIMIT_CORE, "core", 0, 0},
    /* A soft 1024, because select(2) breaks above and some programs close every number below it. */
    {RLIMIT_NOFILE, "nofile", 1024, 524288},
    {RLIMIT_MEMLOCK, "memlock", 8 * MIB, 8 * MIB},
    {RLIMIT_STACK, "stack", 8 * MIB, LIMIT_INHERITED},
    {RLIMIT_MSGQUEUE, "msgqueue", 819200, 819200},
    /* No way up in the scheduler. */
    {RLIMIT_NICE, "nice", 0, 0},
    {RLIMIT_RTPRIO, "rtprio", 0, 0},
};

static rlim_t lower_of(rlim_t a, rlim_t b)
{
    return a < b ? a : b;
}

/* Only ever lowers, which needs no privilege: root lacks CAP_SYS_RESOURCE on some hosts, and always
 * inside the container (setrlimit(2)). */
int privilege_set_rlimits(struct error *error)
{
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct rlimit limit;

        if (getrlimit(limits[i].resource, &limit) < 0)
            return error_set(error, STEP_RLIMIT, errno, "cannot read the limit %s", limits[i].name);
        limit.rlim_max = lower_of(limit.rlim_max, limits[i].hard);
        limit.rlim_cur = lower_of(limits[i].soft, limit.rlim_max);
        if (setrlimit(limits[i].resource, &limit) < 0)
            return error_set(error, STEP_RLIMIT, errno, "cannot set the limit %s", limits[i].name);
        trace_step(STEP_RLIMIT, "setrlimit", trace_text("resource", limits[i].name),
                   trace_number("soft", limit.rlim_cur), trace_number("hard", limit.rlim_max));
    }
    return 0;
}

static int bounding_set_cut(struct error *error)
{
    for (unsigned long capability = 0; capability < 64; capability++) {
        if (capabilities_kept & (UINT64_C(1) << capability))
            continue;
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) {
            if (errno == EINVAL) /* one past the last that this kernel knows */
                return 0;
            return error_set(error, STEP_PRIVILEGE, errno,
                             "cannot drop capability %lu from the bounding set", capability);
        }
    }
    return 0;
}

static int ids_set(const struct identity *identity, struct error *error)
{
    if (setgroups(identity->group_count, identity->groups) < 0)
        return error_set(error, STEP_PRIVILEGE, errno, "cannot set %zu supplementary groups",
                         identity->group_count);
    if (setresgid(identity->gid, identity->gid, identity->gid) < 0)
        return error_set(error, STEP_PRIVILEGE, errno, "cannot become group %u", identity->gid);
    if (setresuid(identity->uid, identity->uid, identity->uid) < 0)
        return error_set(error, STEP_PRIVILEGE, errno, "cannot become user %u", identity->uid);
    trace_step(STEP_PRIVILEGE, "setresuid", trace_number("uid", identity->uid),
               trace_number("gid", identity->gid), trace_number("groups", identity->group_count));
    return 0;
}

/* Sets permitted and effective to `kept`, inheritable to nothing. */
static int capabilities_set(uint64_t kept, struct error *error)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
        {.effective = (uint32_t)kept, .permitted = (uint32_t)kept},
        {.effective = (uint32_t)(kept >> 32), .permitted = (uint32_t)(kept >> 32)},
    };

    if (syscall(SYS_capset, &header, data) < 0)
        return error_set(error, STEP_PRIVILEGE, errno, "cannot set the capabilities");
    trace_step(STEP_PRIVILEGE, "capset", trace_flags("kept", kept, trace_capabilities));
    return 0;
}

/* Must come while CAP_SETPCAP is still effective. */
static int sets_cut(struct error *error)
{
    if (bounding_set_cut(error) < 0)
        return -1;
    trace_step(STEP_PRIVILEGE, "prctl", trace_text("option", "PR_CAPBSET_DROP"),
               trace_flags("kept", capabilities_kept, trace_capabilities));
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return error_set(error, STEP_PRIVILEGE, errno, "cannot clear the ambient capabilities");
    /* Without this a user other than root could keep root's capabilities through setuid. */
    if (prctl(PR_SET_SECUREBITS, SECUREBITS_DEFAULT, 0, 0, 0) < 0)
        return error_set(error, STEP_PRIVILEGE, errno, "cannot reset the securebits");
    return 0;
}

/* The last step: from here on nothing can be gained, and nobody inside can look into us. */
static int rights_close(uint64_t kept, struct error *error)
{
    if (capabilities_set(kept, error) < 0)
        return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return error_set(error, STEP_PRIVILEGE, errno, "cannot set no_new_privs");
    trace_step(STEP_PRIVILEGE, "prctl", trace_text("option", "PR_SET_NO_NEW_PRIVS"));
    /* A change of ids may have undone it; an exec will (PR_SET_DUMPABLE(2const)). */
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        return error_set(error, STEP_PRIVILEGE, errno, "cannot make the process non-dumpable");
    return 0;
}

int privilege_drop(const struct identity *identity, struct error *error)
{
    if (sets_cut(error) < 0 || ids_set(identity, error) < 0)
        return -1;
    return rights_close(identity->uid == 0 ? capabilities_kept : 0, error);
}

int privilege_drop_init(struct error *error)
{
    if (setresgid(0, 0, INIT_SAVED_GID) < 0)
        return error_set(error, STEP_PRIVILEGE, errno, "cannot set the saved group");
    return sets_cut(error) < 0 ? -1 : rights_close(capabilities_kept, error);
}
