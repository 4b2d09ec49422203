/** container_executor doctor: what it finds on this host, and on hosts that lack something. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { run } from "../../scripts/lib/run";
import { busyboxRootfs, nativeProgram } from "../support/fixtures";
import {
    READ_ONLY_CGROUPS,
    WITHOUT_CGROUPS,
    makeBadHosts,
    withMounts,
    withoutCapability,
    type BadHosts,
} from "./hosts";

interface Finding {
    event: string;
    name: string;
    subject?: string;
    outcome: "works" | "fails" | "unknown";
    code?: string;
    detail?: string;
    number?: number;
}

let hosts: BadHosts;
/** For the state directory; what is made in it while it is examined is gone afterwards. */
let directory: string;

before(async () => {
    hosts = await makeBadHosts();
    directory = await mkdtemp(join(tmpdir(), "mcm doctor "));
});

after(async () => {
    await hosts.dispose();
    await rm(directory, { recursive: true });
});

/** What is found when the program is started by `wrapper`; "NAME" or "NAME SUBJECT" names it. */
async function examine(
    wrapper: string[] = [],
    { stateDir = directory, program = nativeProgram("container_executor"), rootfs = "" } = {},
): Promise<Map<string, Finding>> {
    const [command, ...args] = [...wrapper, program, "doctor", "--status-fd", "1"];
    const flags = ["--state-dir", stateDir, ...(rootfs === "" ? [] : ["--rootfs", rootfs])];
    const lines = (await run(command, [...args, ...flags])).trim().split("\n");
    const events = lines.map((line) => JSON.parse(line) as Finding);
    assert.deepEqual(events.pop(), { event: "examined" });
    assert.ok(events.every(({ event }) => event === "finding"));
    assert.deepEqual(readdirSync(directory), []);
    return new Map(
        events.map((found) => [[found.name, found.subject ?? ""].join(" ").trim(), found]),
    );
}

/** Names of what does not work. */
function failing(findings: Map<string, Finding>): string[] {
    return [...findings].filter(([, { outcome }]) => outcome === "fails").map(([name]) => name);
}

/** What some hosts that run containers well do not have. */
const DISPENSABLE =
    /^(pressure|raise-limits|keyring|swap-limit|limit-cpuset|limit-io|freeze|idmapped-mount .*)$/;

test("what containers need works on this host, and nothing is left of trying", async () => {
    const findings = await examine([], { rootfs: await busyboxRootfs() });
    const isMapped = findings.get("idmapped-mount /usr")?.outcome === "works";
    assert.deepEqual(
        failing(findings).filter(
            (name) => !DISPENSABLE.test(name) && (isMapped || name !== "overlay-mapped"),
        ),
        [],
    );
    assert.match(findings.get("kernel")?.detail ?? "", new RegExp(`^Linux ${release()}, `));
    assert.ok(findings.has(`idmapped-mount ${directory}`));
    assert.ok(findings.has(`idmapped-mount ${await busyboxRootfs()}`));
    assert.ok((findings.get(`space ${directory}`)?.number ?? 0) > 0);
    assert.ok((findings.get("user-namespace")?.number ?? 0) > 0);
    assert.match(findings.get("limit-memory")?.detail ?? "", /^v[12]$/);
    for (const hierarchy of ["", ...readdirSync("/sys/fs/cgroup")]) {
        const ours = join("/sys/fs/cgroup", hierarchy, "my-container-manager");
        const left = existsSync(ours) ? readdirSync(ours) : [];
        assert.deepEqual(
            left.filter((name) => name.startsWith("doctor-")),
            [],
        );
    }
});

test("a state directory that is not there yet is examined where it will be", async () => {
    const findings = await examine([], { stateDir: join(directory, "not", "yet") });
    assert.equal(findings.get(`state-directory ${directory}`)?.outcome, "works");
});

suite("a host is told to lack", () => {
    for (const [item, name, code] of [
        ["clone3=ENOSYS", "clone3", "ENOSYS"],
        ["pidfd_open=ENOSYS", "pidfd", "ENOSYS"],
        ["openat2=ENOSYS", "openat2", "ENOSYS"],
        ["close_range=ENOSYS", "close-range", "ENOSYS"],
        ["mount_setattr=ENOSYS", "mount-by-fd", "ENOSYS"],
        ["mount_setattr=EPERM", "idmapped-mount /usr", "EPERM"],
        ["fsopen=EPERM", "mount-by-fd", "EPERM"],
        ["keyctl=ENOSYS", "keyring", "ENOSYS"],
        ["seccomp=ENOSYS", "seccomp", "ENOSYS"],
        ["filesystem:overlay", "overlay", "ENODEV"],
        ["no-user-namespaces", "user-namespace", "ENOSPC"],
    ] as const) {
        test(`${name}, with ${item}`, async () => {
            const found = (await examine(hosts.lacking(item))).get(name);
            assert.deepEqual([found?.outcome, found?.code], ["fails", code]);
        });
    }

    test("control groups", async () => {
        const absent = (await examine(WITHOUT_CGROUPS)).get("cgroup");
        assert.deepEqual([absent?.outcome, absent?.code], ["fails", "ENOENT"]);
        const readOnly = (await examine(READ_ONLY_CGROUPS)).get("cgroup");
        assert.deepEqual([readOnly?.outcome, readOnly?.code], ["fails", "EROFS"]);
    });

    test("a file system that containers can be kept on", async () => {
        const findings = await examine(withMounts('mount -t ramfs none "$1"', directory));
        assert.equal(findings.get(`state-directory ${directory}`)?.code, "EOPNOTSUPP");
        assert.equal(findings.get(`idmapped-mount ${directory}`)?.code, "EINVAL");
        assert.equal(findings.get(`space ${directory}`)?.detail, "ramfs");
    });

    test("a capability of root's", async () => {
        const found = (await examine(withoutCapability("sys_ptrace"))).get("root");
        assert.deepEqual([found?.outcome, found?.code], ["fails", "EPERM"]);
        assert.match(found?.detail ?? "", /sys_ptrace/);
    });
});

test("who is not root is told what only root can try", async (t) => {
    const copy = await mkdtemp(join(tmpdir(), "mcm doctor copy "));
    t.after(() => rm(copy, { recursive: true }));
    await chmod(copy, 0o755);
    const program = join(copy, "container_executor");
    await copyFile(nativeProgram("container_executor"), program);
    await mkdir(join(copy, "state"));
    const user = ["setpriv", "--reuid", "4242", "--regid", "4242", "--clear-groups", "--"];
    const findings = await examine(user, { program, stateDir: join(copy, "state") });
    for (const name of ["root", "mount-by-fd", "id-map", "overlay", "cgroup"]) {
        assert.equal(findings.get(name)?.outcome, "unknown", name);
    }
    assert.equal(findings.get("clone3")?.outcome, "works");
    assert.equal(findings.get("seccomp")?.outcome, "works");
});
