/* The mounts' way from the parent that makes them to the child that attaches them: while they are
 * made, the child makes its namespaces (unix(7), SCM_RIGHTS). */
#include "mounts.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "trace.h"

/* SCM_MAX_FD of the kernel is 253. */
#define FDS_MAX (4 + DEVICE_COUNT + ETC_COUNT + 3 * VOLUMES_MAX)
_Static_assert(FDS_MAX <= 253, "one message takes all of them");

union control {
    char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
    struct cmsghdr aligned;
};

/* Where the fds are in it, those that are there; returns how many. */
static size_t mounts_list(struct mounts *mounts, int *ret_fds[FDS_MAX])
{
    int *const fixed[] = {&mounts->rootfs, &mounts->state, &mounts->upper, &mounts->work};
    size_t count = 0;

    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        ret_fds[count++] = fixed[i];
    for (size_t i = 0; i < DEVICE_COUNT; i++)
        ret_fds[count++] = &mounts->devices[i];
    for (size_t i = 0; i < ETC_COUNT; i++)
        ret_fds[count++] = &mounts->etc[i];
    for (size_t i = 0; i < VOLUMES_MAX; i++) {
        struct volume_mount *volume = &mounts->volumes[i];
        ret_fds[count++] = &volume->tree;
        ret_fds[count++] = &volume->upper;
        ret_fds[count++] = &volume->work;
    }
    size_t present = 0;
    for (size_t i = 0; i < count; i++)
        if (*ret_fds[i] >= 0)
            ret_fds[present++] = ret_fds[i];
    return present;
}

int mounts_send(int socket_fd, const struct mounts *mounts, struct error *error)
{
    struct mounts payload = *mounts;
    struct iovec part = {.iov_base = &payload, .iov_len = sizeof(payload)};
    union control control = {0};
    int *fds[FDS_MAX];
    const size_t count = mounts_list(&payload, fds);
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = CMSG_SPACE(count * sizeof(int)),
    };

    control.aligned.cmsg_level = SOL_SOCKET;
    control.aligned.cmsg_type = SCM_RIGHTS;
    control.aligned.cmsg_len = CMSG_LEN(count * sizeof(int));
    for (size_t i = 0; i < count; i++)
        memcpy(CMSG_DATA(&control.aligned) + i * sizeof(int), fds[i], sizeof(int));
    if (sendmsg(socket_fd, &message, MSG_NOSIGNAL) < 0)
        return error_set(error, STEP_SYNC, errno, "cannot reach the container's first process");
    trace_step(STEP_SYNC, "sendmsg", trace_text("what", "mounts"), trace_number("count", count));
    return 0;
}

bool mounts_receive(int socket_fd, struct mounts *ret_mounts)
{
    struct iovec part = {.iov_base = ret_mounts, .iov_len = sizeof(*ret_mounts)};
    union control control;
    int *fds[FDS_MAX];
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof(control.bytes),
    };
    ssize_t got;

    do
        got = recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof(*ret_mounts))
        return false;
    /* What came are the parent's numbers; ours take their places, in the same order. */
    const size_t count = mounts_list(ret_mounts, fds);
    if (message.msg_controllen < CMSG_LEN(count * sizeof(int)))
        return false;
    for (size_t i = 0; i < count; i++)
        memcpy(fds[i], CMSG_DATA(&control.aligned) + i * sizeof(int), sizeof(int));
    return true;
}
