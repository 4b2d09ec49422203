/* The files of one container: native/README.md lists them. One writer each. */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attach.h"
#include "lock.h"
#include "remove.h"
#include "status.h"
#include "trace.h"

#define STATE_FILE   "state.json"
#define EXIT_FILE    "exit.json"
#define EXIT_PARTIAL "exit.json.partial"
#define EXIT_SPACE   4096

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Opens the state directory and takes the lock, which goes with the fd. */
static int state_dir_open(const struct container *container, const struct cgroup *parent,
                          int *ret_fd, struct error *error)
{
    const char *path = container->state_dir;
    _cleanup_cgroup_ struct cgroup cgroup = CGROUP_NONE;
    struct stat opened, named;
    _cleanup_close_ int fd = open(path, DIRECTORY);

    if (fd < 0 || fstat(fd, &opened) < 0)
        return error_set(error, STEP_STATE, errno, "cannot open the state directory %.160s", path);
    if (opened.st_uid != 0 || (opened.st_mode & 077) != 0)
        return error_set(error, STEP_STATE, EPERM,
                         "the state directory %.160s is not of root alone", path);
    if (container_lock(container->id, fd, error) < 0)
        return -1;
    trace_step(STEP_LOCK, "flock", trace_text("path", path));
    /* Before anything is touched: these files name what runs. */
    if (cgroup_open(parent, container->id, false, &cgroup, error) < 0)
        return -1;
    if (cgroup_is_populated(&cgroup))
        return error_set(error, STEP_LOCK, EBUSY, "container %s still runs, without its monitor",
                         container->id);
    /* A removal may have won between the two: then this is a directory without a name. */
    if (stat(path, &named) < 0 || opened.st_ino != named.st_ino)
        return error_set(error, STEP_STATE, ENOENT, "the state directory %.160s went away", path);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int run_dir_open(const char *path, bool *ret_made, struct error *error)
{
    bool made = mkdir(path, 0700) == 0;

    if (!made && errno != EEXIST)
        return error_set(error, STEP_STATE, errno, "cannot make the runtime directory %.160s",
                         path);
    int fd = open(path, DIRECTORY);
    if (fd < 0) {
        error_fill(error, STEP_STATE, errno, "cannot open the runtime directory %.160s", path);
        if (made)
            (void)rmdir(path);
        return -1;
    }
    trace_step(STEP_STATE, "mkdir", trace_text("path", path));
    *ret_made = made;
    return fd;
}

/*
 * A directory that becomes the top of a writable layer: what the overlay shows as its root has the
 * owner and mode of this one, so it gets those of the lower layer's, shifted as its files are.
 */
static int layer_make(int parent, const char *name, uid_t id_base, const struct stat *lower,
                      bool *ret_made, struct error *error)
{
    bool made = mkdirat(parent, name, 0700) == 0;
    struct stat status;

    if (!made && errno != EEXIST)
        return error_set(error, STEP_STATE, errno, "cannot make the directory %s", name);
    *ret_made |= made;
    _cleanup_close_ int fd = openat(parent, name, DIRECTORY);
    if (fd < 0 || fstat(fd, &status) < 0)
        return error_set(error, STEP_STATE, errno, "cannot open the directory %s", name);
    if (!made && status.st_uid != 0)
        return 0;
    /* New, or of a start that was cut off right here. The owner comes last, as the sign of done. */
    uid_t uid = lower->st_uid < ID_COUNT ? id_base + lower->st_uid : id_base;
    gid_t gid = lower->st_gid < ID_COUNT ? id_base + lower->st_gid : id_base;
    if (fchmod(fd, lower->st_mode & 07777) < 0 || fchown(fd, uid, gid) < 0)
        return error_set(error, STEP_STATE, errno, "cannot prepare the directory %s", name);
    trace_step(STEP_STATE, "fchown", trace_path("path", parent, name), trace_number("uid", uid),
               trace_number("gid", gid));
    return 0;
}

/* mounts/N/{upper,work} for each copy-on-write volume. */
static int volumes_make(const struct container *container, struct state *state, struct error *error)
{
    char path[48];
    struct stat lower;
    bool made = false;

    for (size_t i = 0; i < container->volume_count; i++) {
        const struct volume *volume = &container->volumes[i];
        if (volume->mode != VOLUME_COPY_ON_WRITE)
            continue;
        if (stat(volume->source, &lower) < 0)
            return error_set(error, STEP_MOUNT_VOLUME, errno, "cannot find the volume %.160s",
                             volume->source);
        if (!S_ISDIR(lower.st_mode))
            return error_set(error, STEP_MOUNT_VOLUME, ENOTDIR,
                             "the copy-on-write volume %.160s is not a directory", volume->source);
        bool first = mkdirat(state->dir, "mounts", 0700) == 0;
        if (!first && errno != EEXIST)
            return error_set(error, STEP_STATE, errno, "cannot make the directory mounts");
        state->made.mounts |= first;
        snprintf(path, sizeof(path), "mounts/%zu", i);
        if (mkdirat(state->dir, path, 0700) < 0 && errno != EEXIST)
            return error_set(error, STEP_STATE, errno, "cannot make the directory %s", path);
        snprintf(path, sizeof(path), "mounts/%zu/upper", i);
        if (layer_make(state->dir, path, container->id_base, &lower, &made, error) < 0)
            return -1;
        snprintf(path, sizeof(path), "mounts/%zu/work", i);
        if (layer_make(state->dir, path, container->id_base, &lower, &made, error) < 0)
            return -1;
    }
    return 0;
}

/* Has the space for the exit record allocated now: a disk that is full later loses no exit. */
static int exit_reserve(struct state *state, struct error *error)
{
    _cleanup_close_ int fd =
        openat(state->dir, EXIT_PARTIAL, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 && errno == EEXIST)
        return 0; /* of a run that was lost; allocated already */
    if (fd < 0)
        return error_set(error, STEP_STATE, errno, "cannot make " EXIT_PARTIAL);
    state->made.exit_partial = true;
    if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, EXIT_SPACE) < 0 && errno != EOPNOTSUPP)
        return error_set(error, STEP_STATE, errno, "cannot reserve space for " EXIT_FILE);
    trace_step(STEP_STATE, "fallocate", trace_path("path", state->dir, EXIT_PARTIAL),
               trace_number("bytes", EXIT_SPACE));
    return 0;
}

static int etc_file_write(int run_dir, const char *name, uid_t id_base, const char *text,
                          struct error *error)
{
    _cleanup_close_ int fd = openat(
        run_dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0644);

    /* Root inside owns them for its eyes; the mounts are read-only. */
    if (fd < 0 || write_all(fd, text, strlen(text)) < 0 || fchmod(fd, 0644) < 0 ||
        fchown(fd, id_base, id_base) < 0)
        return error_set(error, STEP_STATE, errno, "cannot write %s in the runtime directory",
                         name);
    trace_step(STEP_STATE, "write", trace_path("path", run_dir, name));
    return 0;
}

/* What is bound over the files of the same name in /etc. */
static int etc_files_write(const struct container *container, int run_dir, struct error *error)
{
    const char *hostname = container->hostname != NULL ? container->hostname : container->id;
    char hosts[256], name[80];

    snprintf(hosts, sizeof(hosts),
             "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\t%s\n",
             hostname);
    snprintf(name, sizeof(name), "%s\n", hostname);
    if (etc_file_write(run_dir, "hosts", container->id_base, hosts, error) < 0 ||
        etc_file_write(run_dir, "hostname", container->id_base, name, error) < 0 ||
        etc_file_write(run_dir, "resolv.conf", container->id_base,
                       "# This container has no network but its own loopback.\n", error) < 0)
        return -1;
    return 0;
}

static int state_make(const struct container *container, struct state *state, struct error *error)
{
    struct stat lower;

    if (stat(container->rootfs, &lower) < 0)
        return error_set(error, STEP_ROOTFS, errno, "cannot find the root file system %.160s",
                         container->rootfs);
    state->made.log = faccessat(state->dir, "log", F_OK, 0) < 0;
    state->run = run_dir_open(container->run_dir, &state->made.run_dir, error);
    if (state->run < 0 ||
        layer_make(state->dir, "upper", container->id_base, &lower, &state->made.upper, error) <
            0 ||
        layer_make(state->dir, "work", container->id_base, &lower, &state->made.work, error) < 0 ||
        volumes_make(container, state, error) < 0 ||
        etc_files_write(container, state->run, error) < 0 || exit_reserve(state, error) < 0)
        return -1;
    return 0;
}

/* Overlay marks by such an attribute what hides a directory below (`userxattr`). Without it a mount
 * succeeds, and what is done in it fails later. */
static int attributes_check(int dir, struct error *error)
{
    if (fgetxattr(dir, "user.overlay.opaque", NULL, 0) < 0 && errno == EOPNOTSUPP)
        return error_set(error, STEP_OVERLAY, EOPNOTSUPP,
                         "the file system of the state directory has no extended attributes");
    return 0;
}

int state_prepare(const struct container *container, const struct cgroup *parent,
                  struct state *ret_state, struct error *error)
{
    struct state state = {.dir = -1, .run = -1};

    if (state_dir_open(container, parent, &state.dir, error) < 0)
        return -1;
    if (attributes_check(state.dir, error) < 0 || state_make(container, &state, error) < 0) {
        state_undo(container, &state);
        return -1;
    }
    *ret_state = state;
    return 0;
}

void state_undo(const struct container *container, struct state *state)
{
    const struct {
        bool made;
        const char *name;
    } trees[] = {
        {state->made.upper, "upper"}, {state->made.work, "work"}, {state->made.mounts, "mounts"}};
    struct error ignored;

    for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++)
        if (trees[i].made)
            (void)tree_remove(state->dir, trees[i].name, &ignored);
    if (state->made.log)
        (void)unlinkat(state->dir, "log", 0);
    if (state->made.exit_partial)
        (void)unlinkat(state->dir, EXIT_PARTIAL, 0);
    if (state->run >= 0) {
        state_remove_running(state);
        (void)unlinkat(state->run, ATTACH_SOCKET, 0);
        (void)unlinkat(state->run, "hosts", 0);
        (void)unlinkat(state->run, "hostname", 0);
        (void)unlinkat(state->run, "resolv.conf", 0);
        if (state->made.run_dir)
            (void)rmdir(container->run_dir);
    }
    cleanup_close(&state->run);
    cleanup_close(&state->dir);
    state->run = state->dir = -1;
}

void state_describe(const struct running *running, struct json_line *line)
{
    json_number(line, "pid", (uint64_t)running->pid);
    json_number(line, "startTime", running->start_time);
    json_string(line, "bootId", running->boot_id);
    json_number(line, "monitorPid", (uint64_t)running->monitor_pid);
    json_number(line, "monitorStartTime", running->monitor_start_time);
    json_string(line, "startedAt", running->started_at);
}

int state_write_running(const struct state *state, const struct running *running,
                        struct error *error)
{
    struct json_line line;

    json_begin(&line);
    state_describe(running, &line);
    json_end(&line);
    _cleanup_close_ int fd = openat(state->run, STATE_FILE ".partial",
                                    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || write_all(fd, line.text, line.length) < 0 ||
        renameat(state->run, STATE_FILE ".partial", state->run, STATE_FILE) < 0)
        return error_set(error, STEP_STATE, errno, "cannot write " STATE_FILE);
    trace_step(STEP_STATE, "rename", trace_path("path", state->run, STATE_FILE));
    return 0;
}

static void exit_describe(const struct exited *exited, struct json_line *line)
{
    char finished_at[TIMESTAMP_SIZE];
    int status = exited->wait_status;

    timestamp_now(finished_at);
    if (WIFEXITED(status))
        json_number(line, "exitCode", (uint64_t)WEXITSTATUS(status));
    else
        json_null(line, "exitCode");
    if (WIFSIGNALED(status))
        json_number(line, "signal", (uint64_t)WTERMSIG(status));
    else
        json_null(line, "signal");
    json_bool(line, "oomKilled", exited->usage.oom_kills > 0);
    json_string(line, "startedAt", exited->started_at);
    json_string(line, "finishedAt", finished_at);
    if (exited->usage.has_memory_peak)
        json_number(line, "memoryPeak", exited->usage.memory_peak);
    if (exited->usage.has_cpu_time)
        json_number(line, "cpuUsageUsec", exited->usage.cpu_time_usec);
}

int state_write_exit(const struct state *state, const struct exited *exited, struct error *error)
{
    struct json_line line;

    json_begin(&line);
    exit_describe(exited, &line);
    json_end(&line);
    _cleanup_close_ int fd =
        openat(state->dir, EXIT_PARTIAL, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || write_all(fd, line.text, line.length) < 0 ||
        ftruncate(fd, (off_t)line.length) < 0 || fsync(fd) < 0 ||
        renameat(state->dir, EXIT_PARTIAL, state->dir, EXIT_FILE) < 0 || fsync(state->dir) < 0)
        return error_set(error, STEP_STATE, errno, "cannot write " EXIT_FILE);
    return 0;
}

void state_remove_running(const struct state *state)
{
    (void)unlinkat(state->run, STATE_FILE, 0);
    (void)unlinkat(state->run, STATE_FILE ".partial", 0);
}
