/* identity_resolve(): USER[:GROUP], passwd and group, each ended by a NUL byte. */
#include "fuzz.h"

#include "command.h"
#include "database.h"

#define ID_MAX 65535

static char *passwd, *group;

/* In place of the one of native/database.c, which reads the container's files. */
int database_read(const char *path, char **ret_text, struct error *error)
{
    (void)error;
    *ret_text = strdup(strcmp(path, "/etc/passwd") == 0 ? passwd : group);
    CHECK(*ret_text != NULL);
    return 0;
}

/* A copy of one field of the first line whose field 0 is `name`; NULL when there is none. */
static char *field_of(const char *file, const char *name, size_t number)
{
    const uint8_t *rest = (const uint8_t *)file;
    size_t size = strlen(file);

    while (size > 0) {
        char *line = text_next(&rest, &size, '\n');
        const uint8_t *fields = (const uint8_t *)line;
        size_t left = strlen(line);
        char *first = text_next(&fields, &left, ':');
        bool found = strcmp(first, name) == 0;
        char *field = NULL;
        for (size_t i = 0; found && i < number; i++) {
            free(field);
            field = text_next(&fields, &left, ':');
        }
        free(first);
        free(line);
        if (found)
            return field;
    }
    return NULL;
}

/* The id that a name or a number means, in field 2 of a file; -1: none that is sound. */
static long id_of(const char *file, const char *text)
{
    if (text[0] >= '0' && text[0] <= '9')
        return is_number_to(text, ID_MAX) ? atol(text) : -1;
    char *field = field_of(file, text, 2);
    long id = field != NULL && is_number_to(field, ID_MAX) ? atol(field) : -1;
    free(field);
    return id;
}

static void check_identity(const char *text, const struct identity *identity)
{
    const uint8_t *rest = (const uint8_t *)text;
    size_t size = strlen(text);
    char *user = text_next(&rest, &size, ':');
    const char *colon = strchr(text, ':');

    CHECK(id_of(passwd, user) == (long)identity->uid);
    if (colon != NULL) {
        CHECK(id_of(group, colon + 1) == (long)identity->gid);
        CHECK(identity->group_count == 0);
    } else if (user[0] >= '0' && user[0] <= '9') {
        CHECK(identity->gid <= ID_MAX);
    } else {
        char *gid = field_of(passwd, user, 3);
        CHECK(gid != NULL && is_number_to(gid, ID_MAX) && says_number(gid, identity->gid));
        free(gid);
    }
    for (size_t i = 0; i < identity->group_count; i++)
        CHECK(identity->groups[i] <= ID_MAX);
    CHECK(identity->group_count <= GROUPS_MAX);
    CHECK(identity->home[0] == '/' && strlen(identity->home) < sizeof(identity->home));
    free(user);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct identity identity = {.uid = 0x6d636d};
    struct error error = {0};

    char *text = text_next(&data, &size, '\0');
    passwd = text_next(&data, &size, '\0');
    group = text_next(&data, &size, '\0');
    if (identity_resolve(text, &identity, &error) == 0) {
        check_identity(text, &identity);
    } else {
        CHECK(identity.uid == 0x6d636d);
        CHECK(error.step == STEP_USER && error.message[0] != '\0');
    }
    free(text);
    free(passwd);
    free(group);
    return 0;
}
