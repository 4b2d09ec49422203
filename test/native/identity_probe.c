/* identity_probe ROOT USER: what native/identity.c makes of USER[:GROUP] in a root directory. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

int main(int argc, char **argv)
{
    struct identity identity;
    struct error error;

    if (argc != 3 || chroot(argv[1]) < 0 || chdir("/") < 0) {
        perror("identity_probe");
        return 2;
    }
    if (identity_resolve(argv[2], &identity, &error) < 0) {
        printf("%s %s: %s\n", step_name(error.step), strerrorname_np(error.errnum), error.message);
        return 1;
    }
    printf("uid=%u gid=%u groups=", identity.uid, identity.gid);
    for (size_t i = 0; i < identity.group_count; i++)
        printf("%s%u", i > 0 ? "," : "", identity.groups[i]);
    printf(" home=%s\n", identity.home);
    return 0;
}
