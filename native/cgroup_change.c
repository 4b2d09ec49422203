/* Writing limits: as a whole, with the earlier values put back where that fails. */
#include "cgroup_change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace.h"
#include "util.h"

#define FILE_SIZE 8192 /* of a limit's file: a line for each disk, or a list of processors */

/* What stands in for a limit in messages. */
static const char *controller_of(enum step step)
{
    if (step == STEP_LIMIT_MEMORY)
        return "memory";
    if (step == STEP_LIMIT_CPU)
        return "cpu";
    if (step == STEP_LIMIT_CPUSET)
        return "cpuset";
    return step == STEP_LIMIT_PIDS ? "pids" : "io";
}

/* A file of the unified hierarchy is not there as long as its controller is not enabled. */
static int file_write(const struct cgroup *parent, const struct cgroup *cgroup,
                      const struct change *change, const char *text)
{
    int fd = cgroup->fds[change->hierarchy];

    if (fd < 0) {
        errno = ENOENT;
        return -1;
    }
    if (write_file_at(fd, change->file, text) == 0)
        return 0;
    if (errno != ENOENT || change->hierarchy != CGROUP_UNIFIED)
        return -1;
    cgroup_enable_controllers(parent);
    return write_file_at(fd, change->file, text);
}

/* "MAJOR:MINOR VALUE" or "MAJOR:MINOR KEY=VALUE", allocated. */
static char *disk_line(const struct change *change, const char *value, int length)
{
    const struct disk *disk = change->disk;
    char *line;

    if (asprintf(&line, "%u:%u %s%s%.*s", disk->major, disk->minor,
                 change->key != NULL ? change->key : "", change->key != NULL ? "=" : "", length,
                 value) < 0)
        return NULL;
    return line;
}

/* A disk's limit as its file has it: other disks and other keys stay out of it. */
static char *disk_before(const struct change *change, char *file)
{
    const char *none = change->key != NULL ? "max" : "0";
    char device[24];

    snprintf(device, sizeof(device), "%u:%u ", change->disk->major, change->disk->minor);
    for (char *line = strsep(&file, "\n"); line != NULL; line = strsep(&file, "\n")) {
        if (strncmp(line, device, strlen(device)) != 0)
            continue;
        char *value = line + strlen(device);
        if (change->key == NULL)
            return disk_line(change, value, (int)strlen(value));
        value = strstr(value, change->key);
        if (value == NULL)
            break;
        value += strlen(change->key) + 1;
        return disk_line(change, value, (int)strcspn(value, " "));
    }
    return disk_line(change, none, (int)strlen(none));
}

/* A file that cannot be read now cannot be written either, which says so better. */
static void before_keep(const struct cgroup *cgroup, struct change *change)
{
    _cleanup_free_ char *file = malloc(FILE_SIZE);
    int fd = cgroup->fds[change->hierarchy];

    if (file == NULL || fd < 0 || read_file_at(fd, change->file, file, FILE_SIZE) < 0)
        return;
    change->before = change->disk != NULL ? disk_before(change, file) : strdup(file);
}

static int change_failed(const struct change *change, const char *text, struct error *error)
{
    int errnum = errno;

    if (errnum == ENOENT)
        return error_set(error, change->step, ENOENT,
                         "this host has no %s controller for control groups",
                         controller_of(change->step));
    if (errnum == EBUSY && change->step == STEP_LIMIT_MEMORY)
        return error_set(error, change->step, EBUSY,
                         "the container uses more than %s bytes of memory", text);
    return error_set(error, change->step, errnum, "cannot write '%.*s' to %s",
                     (int)strcspn(text, "\n"), text, change->file);
}

static int change_apply(const struct cgroup *parent, const struct cgroup *cgroup,
                        const struct change *change, struct error *error)
{
    const char *value = change->value != NULL ? change->value : change->text;
    _cleanup_free_ char *line = NULL;

    if (change->disk != NULL) {
        value = line = disk_line(change, value, (int)strlen(value));
        if (line == NULL)
            return error_set(error, change->step, ENOMEM, "cannot write %s", change->file);
    }
    if (file_write(parent, cgroup, change, value) < 0)
        return errno == ENOENT && change->optional ? 0 : change_failed(change, value, error);
    trace_step(change->step, "write",
               trace_path("path", cgroup->fds[change->hierarchy], change->file),
               trace_text("value", value));
    return 0;
}

int changes_apply(const struct cgroup *parent, const struct cgroup *cgroup, struct changes *changes,
                  bool keep, struct error *error)
{
    int result = 0;
    size_t done = 0;

    for (; result == 0 && done < changes->count; done++) {
        if (keep)
            before_keep(cgroup, &changes->list[done]);
        result = change_apply(parent, cgroup, &changes->list[done], error);
    }
    /* The kernel took these values a moment ago; there is nothing else to fall back to. */
    for (size_t i = done; result < 0 && i-- > 0;)
        if (changes->list[i].before != NULL)
            (void)file_write(parent, cgroup, &changes->list[i], changes->list[i].before);
    for (size_t i = 0; i < done; i++)
        free(changes->list[i].before);
    return result;
}
