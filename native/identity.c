/*
 * Who a command runs as: USER[:GROUP] resolved against the container's own passwd and group.
 *
 * Both files belong to the container and may hold anything: every number in them goes through the
 * same strict parser as the command line's. Nothing here but database_read() has an effect.
 */
#include "command.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "database.h"
#include "trace.h"
#include "util.h"

#define ID_MAX          65535 /* the ids that a container's range maps */
#define NAME_LENGTH_MAX 255
#define FIELD_COUNT_MAX 7

/* The two halves of USER[:GROUP]; `group` is empty when none was given. */
struct identity_text {
    char user[NAME_LENGTH_MAX + 1];
    char group[NAME_LENGTH_MAX + 1];
};

/* One line of passwd, cut into its fields; the strings point into the file's text. */
struct passwd_entry {
    const char *name;
    uid_t uid;
    gid_t gid;
    const char *home;
};

/* Letters, digits and "._-", a letter or "_" first, perhaps one "$" at the end: useradd(8), but for
 * capitals and dots, which real files hold. */
static bool name_is_valid(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    static const char following[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.-0123456789";
    size_t length = strlen(name);
    size_t valid = strspn(name, following);

    if (length == 0 || !strchr(letters, name[0]))
        return false;
    return valid == length || (valid == length - 1 && name[valid] == '$');
}

static bool is_number(const char *text)
{
    return text[0] >= '0' && text[0] <= '9';
}

static int id_parse(const char *text, uint32_t *ret_id, struct error *error)
{
    uint64_t value;

    if (!parse_uint(text, ID_MAX, &value))
        return error_set(error, STEP_USER, EINVAL, "'%.64s' is no number from 0 to %d", text,
                         ID_MAX);
    *ret_id = (uint32_t)value;
    return 0;
}

static int identity_split(const char *text, struct identity_text *ret_split, struct error *error)
{
    const char *colon = strchr(text, ':');
    size_t user_length = colon ? (size_t)(colon - text) : strlen(text);
    const char *group = colon ? colon + 1 : "";

    if (user_length == 0 || user_length > NAME_LENGTH_MAX || strlen(group) > NAME_LENGTH_MAX ||
        (colon && group[0] == '\0'))
        return error_set(error, STEP_USER, EINVAL, "'%.64s' is not USER or USER:GROUP", text);

    memcpy(ret_split->user, text, user_length);
    ret_split->user[user_length] = '\0';
    memcpy(ret_split->group, group, strlen(group) + 1);

    if ((!is_number(ret_split->user) && !name_is_valid(ret_split->user)) ||
        (group[0] != '\0' && !is_number(group) && !name_is_valid(group)))
        return error_set(error, STEP_USER, EINVAL,
                         "'%.64s' is not USER or USER:GROUP, each a name or a number", text);
    return 0;
}

/* Cuts the next line off `*rest` and into fields at its colons. False at the end of the text. */
static bool database_next(char **rest, const char *fields[FIELD_COUNT_MAX], size_t *ret_count)
{
    char *line = strsep(rest, "\n");
    size_t count = 0;

    if (!line)
        return false;
    while (line && count < FIELD_COUNT_MAX)
        fields[count++] = strsep(&line, ":");
    *ret_count = count;
    return true;
}

static const char *home_or_root(const char *home)
{
    size_t length = strlen(home);

    if (home[0] != '/' || length >= sizeof(((struct identity *)0)->home))
        return "/";
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)home[i] < ' ' || home[i] == 0x7f)
            return "/";
    return home;
}

/*
 * Finds a user by name, or by uid when `name` is NULL. 1: found, 0: there is none, -1: the line of
 * that name is damaged. Searching by uid, damaged lines belong to nobody and are passed over.
 */
static int passwd_find(char *text, const char *name, uid_t uid, struct passwd_entry *ret_entry,
                       struct error *error)
{
    const char *fields[FIELD_COUNT_MAX];
    size_t count;

    while (database_next(&text, fields, &count)) {
        struct error damage;
        struct passwd_entry entry = {.name = fields[0]};

        if (name && strcmp(fields[0], name) != 0)
            continue;
        bool sound = count == FIELD_COUNT_MAX && id_parse(fields[2], &entry.uid, &damage) == 0 &&
                     id_parse(fields[3], &entry.gid, &damage) == 0;
        if (!sound && name)
            return error_set(error, STEP_USER, EINVAL,
                             "the line of '%.64s' in /etc/passwd is damaged", name);
        if (!sound || (!name && entry.uid != uid))
            continue;
        entry.home = home_or_root(fields[5]);
        *ret_entry = entry;
        return 1;
    }
    return 0;
}

static int group_find(char *text, const char *name, gid_t *ret_gid, struct error *error)
{
    const char *fields[FIELD_COUNT_MAX];
    size_t count;

    while (database_next(&text, fields, &count)) {
        if (strcmp(fields[0], name) != 0)
            continue;
        if (count < 3)
            return error_set(error, STEP_USER, EINVAL,
                             "the line of '%.64s' in /etc/group is damaged", name);
        return id_parse(fields[2], ret_gid, error);
    }
    return error_set(error, STEP_USER, ENOENT, "there is no group '%.64s' in /etc/group", name);
}

/* The groups that list `name` as a member; a damaged line lists nobody. */
static int group_memberships(char *text, const char *name, struct identity *identity,
                             struct error *error)
{
    const char *fields[FIELD_COUNT_MAX];
    size_t count;

    while (database_next(&text, fields, &count)) {
        struct error damage;
        gid_t gid = (gid_t)-1;

        if (count < 4 || !list_has_item(fields[3], name, strlen(name)) || id_parse(fields[2], &gid, &damage) < 0)
            continue;
        if (identity->group_count == GROUPS_MAX)
            return error_set(error, STEP_USER, EINVAL, "'%.64s' is in more than %d groups", name,
                             GROUPS_MAX);
        identity->groups[identity->group_count++] = gid;
    }
    return 0;
}

/* The group half: the given one alone, else the user's primary one and its memberships. */
static int identity_groups(const struct identity_text *split, const struct passwd_entry *entry,
                           struct identity *identity, struct error *error)
{
    if (is_number(split->group))
        return id_parse(split->group, &identity->gid, error);
    if (split->group[0] == '\0' && !entry->name)
        return 0;

    _cleanup_free_ char *text = NULL;
    if (database_read("/etc/group", &text, error) < 0)
        return -1;
    if (split->group[0] != '\0')
        return group_find(text, split->group, &identity->gid, error);
    return group_memberships(text, entry->name, identity, error);
}

int identity_resolve(const char *text, struct identity *ret_identity, struct error *error)
{
    struct identity_text split;
    struct passwd_entry entry = {.name = NULL, .home = "/"};
    struct identity identity = {.uid = 0};

    if (identity_split(text, &split, error) < 0)
        return -1;
    bool by_number = is_number(split.user);
    if (by_number && id_parse(split.user, &identity.uid, error) < 0)
        return -1;

    /* With both numbers given, passwd could add the home only: a damaged one then locks nobody out.
     */
    _cleanup_free_ char *passwd = NULL;
    if (database_read("/etc/passwd", &passwd, error) < 0) {
        if (!by_number || !is_number(split.group))
            return -1;
    } else {
        int found = passwd_find(passwd, by_number ? NULL : split.user, identity.uid, &entry, error);
        if (found < 0)
            return -1;
        if (found == 0 && !by_number)
            return error_set(error, STEP_USER, ENOENT, "there is no user '%.64s' in /etc/passwd",
                             split.user);
    }
    if (entry.name) {
        identity.uid = entry.uid;
        identity.gid = entry.gid;
    }
    memcpy(identity.home, entry.home, strlen(entry.home) + 1);

    if (identity_groups(&split, &entry, &identity, error) < 0)
        return -1;
    *ret_identity = identity;
    trace_step(STEP_USER, "open", trace_text("path", "/etc/passwd"), trace_text("user", text),
               trace_number("uid", identity.uid), trace_number("gid", identity.gid),
               trace_text("home", identity.home));
    return 0;
}
