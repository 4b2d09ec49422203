/* mount_line_parse() and membership_parse(): a line as it is, and as a name in one that is sound. */
#include "fuzz.h"

#include "procfs.h"

/* As the kernel writes names into mountinfo. */
static char *escaped(const char *name)
{
    char *text = malloc(strlen(name) * 4 + 1), *next = text;

    CHECK(text != NULL);
    for (; *name != '\0'; name++) {
        if (strchr(" \t\n\\#", *name) != NULL)
            next += sprintf(next, "\\%03o", (unsigned char)*name);
        else
            *next++ = *name;
    }
    *next = '\0';
    return text;
}

static void check_sound(const char *name, size_t optional)
{
    struct mount_line mount;
    char *path = escaped(name), *line = NULL;

    CHECK(asprintf(&line, "36 35 98:0 /%s /mnt/%s rw,noatime%.*s - cgroup2 /dev/root rw,nsdelegate\n",
                   path, path, (int)(optional % 3) * 9, " shared:1 master:2") > 0);
    CHECK(mount_line_parse(line, &mount));
    CHECK(mount.root[0] == '/' && strcmp(mount.root + 1, name) == 0);
    CHECK(strncmp(mount.point, "/mnt/", 5) == 0 && strcmp(mount.point + 5, name) == 0);
    CHECK(strcmp(mount.type, "cgroup2") == 0 && strcmp(mount.options, "rw,nsdelegate") == 0);
    free(line);
    free(path);
}

static void check_membership(const char *name)
{
    struct membership membership;
    char *line = NULL;

    CHECK(asprintf(&line, "12:cpu,cpuacct:/%s", name) > 0);
    CHECK(membership_parse(line, &membership));
    CHECK(strcmp(membership.controllers, "cpu,cpuacct") == 0);
    CHECK(membership.path[0] == '/' && strcmp(membership.path + 1, name) == 0);
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mount_line mount;
    struct membership membership;

    char *text = text_copy(data, size);
    check_sound(text, size);
    check_membership(text);
    if (membership_parse(text, &membership))
        CHECK(strchr(membership.controllers, ':') == NULL);
    free(text);
    text = text_copy(data, size);
    if (mount_line_parse(text, &mount))
        CHECK(strlen(mount.root) + strlen(mount.point) < size);
    free(text);
    return 0;
}
