/** What a host lacks that a container needs: every start is refused with the reason, nothing is left. */
import assert from "node:assert/strict";
import { chmod, copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import type { McmError } from "../../server/errors";
import { nativeError, type NativeFailure } from "../../server/errors";
import { ErrorCode } from "../../server/protocol";
import { nativeProgram } from "../support/fixtures";
import type { Container } from "./executor";
import { assertRefused, execute, testContainer } from "./executor";
import {
    READ_ONLY_CGROUPS,
    WITHOUT_CGROUPS,
    makeBadHosts,
    withMounts,
    withoutCapability,
    type BadHosts,
} from "./hosts";

let hosts: BadHosts;

before(async () => {
    hosts = await makeBadHosts();
});

after(() => hosts.dispose());

/** How a start is refused: the step, the errno, and what the program says of it. */
interface Refusal {
    step: string;
    code: string;
    message?: RegExp;
}

/** Asserts that the host of `wrapper` is refused, and that the backend tells what to do about it. */
async function assertHostRefused(
    container: Container,
    wrapper: string[],
    refusal: Refusal,
    rootfs?: string,
): Promise<McmError> {
    const executed = await container.tryStart(["/bin/true"], { wrapper, rootfs });
    assertRefused(container, executed, refusal);
    const error = nativeError(executed.event as unknown as NativeFailure);
    assert.equal(error.code, ErrorCode.Unsupported, error.message);
    assert.ok(error.data.hint !== undefined, error.message);
    return error;
}

suite("a kernel that is too old, or a sandbox that hides it, is refused: without", () => {
    for (const [call, step] of [
        ["clone3", "monitor"],
        ["openat2", "self"],
        ["mount_setattr", "overlay"],
        ["close_range", "self"],
        ["fsopen", "overlay"],
        ["fsconfig", "overlay"],
        ["fsmount", "overlay"],
        ["open_tree", "rootfs"],
        ["move_mount", "overlay"],
        ["seccomp", "seccomp"],
    ] as const) {
        test(call, async (t) => {
            const container = await testContainer(t);
            const lacking = hosts.lacking(`${call}=ENOSYS`);
            const refusal = { step, code: "ENOSYS" };
            const error = await assertHostRefused(container, lacking, refusal);
            assert.match(error.data.hint ?? "", /Linux 5\.19/);
        });
    }
});

test("a host without seccomp runs no container, not even one that only waits", async (t) => {
    const container = await testContainer(t);
    const wrapper = hosts.lacking("seccomp=ENOSYS");
    const refused = await container.tryStart([], { wrapper });
    assertRefused(container, refused, { step: "seccomp", code: "ENOSYS" });
});

for (const [call, step] of [
    ["clone3", "monitor"],
    ["mount_setattr", "overlay"],
    ["fsopen", "overlay"],
] as const) {
    test(`a sandbox that forbids ${call} is refused as one`, async (t) => {
        const container = await testContainer(t);
        const refusal = { step, code: "EPERM" };
        const error = await assertHostRefused(container, hosts.lacking(`${call}=EPERM`), refusal);
        assert.match(error.data.hint ?? "", /sandbox/);
    });
}

test("a host without user namespaces is refused", async (t) => {
    const container = await testContainer(t);
    // Only root of the computer may choose devices, and there it is root of a namespace.
    const withoutDevices = withMounts("umount -l /sys/fs/cgroup/devices 2>/dev/null || true");
    const wrapper = [...withoutDevices, ...hosts.lacking("no-user-namespaces")];
    const refusal = { step: "clone", code: "ENOSPC" };
    const error = await assertHostRefused(container, wrapper, refusal);
    assert.match(error.data.hint ?? "", /user\.max_user_namespaces/);
});

test("a host where namespaces of another kind are forbidden is refused", async (t) => {
    const container = await testContainer(t);
    await assertHostRefused(container, hosts.lacking("unshare=EPERM"), {
        step: "clone",
        code: "EPERM",
        message: /network namespace/,
    });
});

test("a host without overlay is refused", async (t) => {
    const container = await testContainer(t);
    const wrapper = hosts.lacking("filesystem:overlay");
    const refusal = { step: "overlay", code: "ENODEV", message: /mount overlay/ };
    const error = await assertHostRefused(container, wrapper, refusal);
    assert.match(error.data.hint ?? "", /modprobe overlay/);
});

test("a host without control groups is refused", async (t) => {
    const container = await testContainer(t);
    const refusal = { step: "cgroup", code: "ENOENT", message: /no control groups are mounted/ };
    await assertHostRefused(container, WITHOUT_CGROUPS, refusal);
});

test("control groups that are read-only are refused", async (t) => {
    const container = await testContainer(t);
    const refusal = { step: "cgroup", code: "EROFS", message: /read-only/ };
    const error = await assertHostRefused(container, READ_ONLY_CGROUPS, refusal);
    assert.match(error.data.hint ?? "", /remount/);
});

test("a root file system whose ids cannot be mapped is refused", async (t) => {
    const container = await testContainer(t);
    const directory = await mkdtemp(join(tmpdir(), "mcm ramfs "));
    t.after(() => rm(directory, { recursive: true }));
    const ramfs = withMounts('mount -t ramfs none "$1"; mkdir "$1/bin"', directory);
    const refusal = { step: "idmapped-mount", code: "EINVAL", message: /mcm ramfs/ };
    const error = await assertHostRefused(container, ramfs, refusal, directory);
    assert.match(error.data.hint ?? "", /ext4, xfs, btrfs/);
});

test("a state directory on a file system without extended attributes is refused", async (t) => {
    const container = await testContainer(t);
    const ramfs = withMounts('mount -t ramfs -o mode=0700 none "$1"', container.stateDir);
    const refusal = { step: "overlay", code: "EOPNOTSUPP", message: /state directory/ };
    const error = await assertHostRefused(container, ramfs, refusal);
    assert.match(error.data.hint ?? "", /ext4, xfs, btrfs/);
});

suite("root without a capability that is needed is refused by its name:", () => {
    for (const name of ["chown", "setuid", "setgid", "sys_admin", "sys_ptrace", "dac_override"]) {
        test(name, async (t) => {
            const container = await testContainer(t);
            await assertHostRefused(container, withoutCapability(name), {
                step: "privilege",
                code: "EPERM",
                message: new RegExp(`lacks these capabilities here: ${name}$`),
            });
        });
    }
});

suite("who is not root is told so by", () => {
    let directory: string;

    before(async () => {
        directory = await mkdtemp(join(tmpdir(), "mcm user "));
        await chmod(directory, 0o755);
        await copyFile(nativeProgram("container_executor"), join(directory, "container_executor"));
        await mkdir(join(directory, "state"), { mode: 0o777 });
    });

    after(() => rm(directory, { recursive: true }));

    const id = ["--id", "0123456789ab"];
    const target = ["--pid", "1", "--start-time", "0", "--boot-id", "none"];
    for (const [verb, args] of [
        ["start", [...id, "--rootfs", "/", "--id-base", "1700000000"]],
        ["stop", [...id, ...target]],
        ["kill", [...id, ...target, "--signal", "9"]],
        ["remove", id],
    ] as const) {
        test(verb, async () => {
            const state = join(directory, "state");
            const directories = ["--state-dir", state, "--run-dir", join(directory, "run")];
            const hasDirectories = verb === "start" || verb === "remove";
            const user = ["setpriv", "--reuid", "4242", "--regid", "4242", "--clear-groups"];
            const { event, exitCode } = await execute(
                verb,
                [...args, ...(hasDirectories ? directories : [])],
                undefined,
                { wrapper: user, program: join(directory, "container_executor") },
            );
            assert.equal(exitCode, 125);
            assert.deepEqual([event.step, event.code], ["privilege", "EPERM"]);
            assert.equal(event.message, "root is needed, and this is user 4242");
        });
    }
});
