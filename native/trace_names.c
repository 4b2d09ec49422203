#include "trace_names.h"

#include <linux/capability.h>
#include <linux/sched.h>
#include <sys/mount.h>

#define BIT(flag)                                                                                  \
    {                                                                                              \
        (uint64_t)(flag), #flag                                                                    \
    }

const struct trace_flag trace_clone_flags[] = {
    BIT(CLONE_NEWUSER),
    BIT(CLONE_NEWPID),
    BIT(CLONE_NEWNS),
    BIT(CLONE_NEWUTS),
    BIT(CLONE_NEWIPC),
    BIT(CLONE_NEWNET),
    BIT(CLONE_NEWCGROUP),
    BIT(CLONE_NEWTIME),
    BIT(CLONE_INTO_CGROUP),
    BIT(CLONE_PIDFD),
    BIT(CLONE_VM),
    BIT(CLONE_VFORK),
    {0, NULL},
};

const struct trace_flag trace_mount_flags[] = {
    BIT(MS_RDONLY), BIT(MS_NOSUID), BIT(MS_NODEV),   BIT(MS_NOEXEC), BIT(MS_REMOUNT),
    BIT(MS_BIND),   BIT(MS_REC),    BIT(MS_PRIVATE), {0, NULL},
};

const struct trace_flag trace_mount_attributes[] = {
    BIT(MOUNT_ATTR_RDONLY), BIT(MOUNT_ATTR_NOSUID), BIT(MOUNT_ATTR_NODEV),
    BIT(MOUNT_ATTR_NOEXEC), BIT(MOUNT_ATTR_IDMAP),  {0, NULL},
};

const struct trace_flag trace_umount_flags[] = {
    BIT(MNT_DETACH),
    {0, NULL},
};

#define CAPABILITY(name)                                                                           \
    {                                                                                              \
        UINT64_C(1) << CAP_##name, #name                                                           \
    }

const struct trace_flag trace_capabilities[] = {
    CAPABILITY(CHOWN),
    CAPABILITY(DAC_OVERRIDE),
    CAPABILITY(DAC_READ_SEARCH),
    CAPABILITY(FOWNER),
    CAPABILITY(FSETID),
    CAPABILITY(KILL),
    CAPABILITY(SETGID),
    CAPABILITY(SETUID),
    CAPABILITY(SETPCAP),
    CAPABILITY(LINUX_IMMUTABLE),
    CAPABILITY(NET_BIND_SERVICE),
    CAPABILITY(NET_BROADCAST),
    CAPABILITY(NET_ADMIN),
    CAPABILITY(NET_RAW),
    CAPABILITY(IPC_LOCK),
    CAPABILITY(IPC_OWNER),
    CAPABILITY(SYS_MODULE),
    CAPABILITY(SYS_RAWIO),
    CAPABILITY(SYS_CHROOT),
    CAPABILITY(SYS_PTRACE),
    CAPABILITY(SYS_PACCT),
    CAPABILITY(SYS_ADMIN),
    CAPABILITY(SYS_BOOT),
    CAPABILITY(SYS_NICE),
    CAPABILITY(SYS_RESOURCE),
    CAPABILITY(SYS_TIME),
    CAPABILITY(SYS_TTY_CONFIG),
    CAPABILITY(MKNOD),
    CAPABILITY(LEASE),
    CAPABILITY(AUDIT_WRITE),
    CAPABILITY(AUDIT_CONTROL),
    CAPABILITY(SETFCAP),
    CAPABILITY(MAC_OVERRIDE),
    CAPABILITY(MAC_ADMIN),
    CAPABILITY(SYSLOG),
    CAPABILITY(WAKE_ALARM),
    CAPABILITY(BLOCK_SUSPEND),
    CAPABILITY(AUDIT_READ),
    CAPABILITY(PERFMON),
    CAPABILITY(BPF),
    CAPABILITY(CHECKPOINT_RESTORE),
    {0, NULL},
};
