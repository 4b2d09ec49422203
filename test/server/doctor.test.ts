/** The examination of this computer: asked of the backend, and in words. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import {
    conclusion,
    describeBackend,
    diagnose,
    diagnosisLines,
    isPrevented,
    ASCII_MARKS,
    MARKS,
    type Figures,
} from "../../server/doctor/diagnosis";
import type { Deps } from "../../server/deps";
import type { Check } from "../../server/doctor/check";
import {
    DoctorRequest,
    ErrorCode,
    RunRequest,
    type DoctorReport,
    type HostFinding,
} from "../../server/protocol";
import { busyboxRootfs, temporaryRoots, type TemporaryRoots } from "../support/fixtures";
import { connectLocally, depsFor, greet, refusedWith, type LocalClient } from "./client";

const figures: Figures = { bytes: (count) => `${count} B`, ago: (time) => `at ${time}` };

/** What a computer has on which everything works. */
const GOOD: HostFinding[] = [
    { name: "kernel", outcome: "works", detail: "Linux 6.18.0, x86_64" },
    ...["root", "raise-limits", "clone3", "pidfd", "openat2", "close-range", "mount-by-fd"].map(
        (name): HostFinding => ({ name, outcome: "works" }),
    ),
    ...["user", "pid", "mount", "uts", "ipc", "network", "cgroup"].map((kind): HostFinding => ({
        name: `${kind}-namespace`,
        outcome: "works",
        number: 96365,
    })),
    { name: "id-map", outcome: "works" },
    { name: "seccomp", outcome: "works", detail: "kill_process errno allow" },
    { name: "keyring", outcome: "works" },
    { name: "overlay", outcome: "works" },
    { name: "overlay-mapped", outcome: "works" },
    { name: "state-directory", outcome: "works", subject: "/state" },
    { name: "space", outcome: "works", subject: "/state", detail: "ext4", number: 2 ** 40 },
    { name: "idmapped-mount", outcome: "works", subject: "/state" },
    { name: "idmapped-mount", outcome: "works", subject: "/usr" },
    { name: "freeze", outcome: "works" },
    { name: "cgroup", outcome: "works", detail: "v2" },
    ...["memory", "cpu", "cpuset", "pids", "io"].map((name): HostFinding => ({
        name: `limit-${name}`,
        outcome: "works",
        detail: "v2",
    })),
    { name: "swap-limit", outcome: "works", detail: "v2" },
    { name: "pressure", outcome: "works" },
    { name: "security-modules", outcome: "works", detail: "lockdown,capability,apparmor" },
    { name: "foreign-programs", outcome: "works", detail: "qemu-aarch64" },
];

/** The good computer, but for what is said of the things of these names. */
function computer(...changes: HostFinding[]): HostFinding[] {
    return GOOD.map(
        (good) =>
            changes.find(
                ({ name, subject }) =>
                    name === good.name && (subject === undefined || subject === good.subject),
            ) ?? good,
    );
}

/** The checks of it that are not fine. */
function troubles(...changes: HostFinding[]): Check[] {
    return diagnose(computer(...changes), figures).filter(({ verdict }) => verdict !== "fine");
}

function fails(name: string, code: string, subject?: string): HostFinding {
    return { name, outcome: "fails", code, detail: "it does not", subject };
}

suite("in words", () => {
    test("a computer that has everything is fine, line by line", () => {
        const checks = diagnose(GOOD, figures);
        assert.deepEqual(troubles(), []);
        assert.equal(conclusion(checks), "This computer has all that containers need.");
        const lines = diagnosisLines(checks, MARKS);
        assert.ok(
            lines.includes("✓ Kernel                       Linux 6.18.0, x86_64"),
            lines.join("\n"),
        );
        assert.equal(lines.length, checks.length);
    });

    for (const [name, code, consequence, advice] of [
        ["root", "EPERM", /No container/, /outside of any container/],
        ["clone3", "ENOSYS", /No container/, /Linux 5\.19/],
        ["openat2", "EPERM", /No container/, /sandbox/],
        ["mount-by-fd", "ENOSYS", /No container/, /Linux 5\.19/],
        ["user-namespace", "ENOSPC", /No container/, /max_user_namespaces/],
        ["user-namespace", "EINVAL", /No container/, /CONFIG_USER_NS/],
        ["network-namespace", "ENOSPC", /No container/, /sysctl/],
        ["id-map", "EPERM", /No container/, /sandbox/],
        ["seccomp", "ENOSYS", /none runs without its filter/, /CONFIG_SECCOMP_FILTER/],
        ["overlay", "ENODEV", /No container/, /modprobe overlay/],
        ["overlay-mapped", "EINVAL", /No container/, /Linux 5\.19/],
        ["state-directory", "EROFS", /No container/, /ext4.*writable/],
        ["cgroup", "ENOENT", /No container/, /mount -t cgroup2/],
        ["cgroup", "EROFS", /No container/, /remount,rw/],
    ] as const) {
        test(`${name} with ${code} prevents containers`, () => {
            const [trouble, ...others] = troubles(fails(name, code)).filter(
                ({ verdict }) => verdict === "problem",
            );
            assert.ok(trouble !== undefined);
            assert.deepEqual(others, []);
            assert.ok(trouble.found.endsWith(`it does not (${code})`), trouble.found);
            assert.match(trouble.consequence ?? "", consequence);
            assert.match(trouble.advice ?? "", advice);
            const checks = diagnose(computer(fails(name, code)), figures);
            assert.ok(isPrevented(checks));
            assert.equal(
                conclusion(checks),
                "This computer cannot run containers: 1 to be solved.",
            );
        });
    }

    for (const [name, code, consequence] of [
        ["raise-limits", "EPERM", /higher limits/],
        ["limit-memory", "ENOENT", /^Refused: --memory$/],
        ["limit-cpuset", "ENOENT", /^Refused: --cpuset$/],
        ["limit-io", "ENODEV", /^Refused: --io-read, --io-write$/],
        ["freeze", "ENOENT", /^Refused: mcm pause$/],
        ["swap-limit", "ENOENT", /swapped out/],
        ["pressure", "EOPNOTSUPP", /no figures/],
    ] as const) {
        test(`${name} with ${code} limits containers, and prevents none`, () => {
            const [trouble, ...others] = troubles(fails(name, code));
            assert.deepEqual([trouble?.verdict, others], ["note", []]);
            assert.match(trouble?.consequence ?? "", consequence);
            assert.ok(trouble?.advice !== undefined);
            const checks = diagnose(computer(fails(name, code)), figures);
            assert.equal(isPrevented(checks), false);
            assert.equal(conclusion(checks), "This computer runs containers; 1 to know of.");
        });
    }

    test("what ids cannot be mapped on is refused by its path", () => {
        const [usr] = troubles(fails("idmapped-mount", "EINVAL", "/usr"));
        assert.equal(usr?.verdict, "note");
        assert.match(usr.consequence ?? "", /--rootfs host is refused/);
        const [state] = troubles(fails("idmapped-mount", "EINVAL", "/state"));
        assert.equal(state?.verdict, "problem");
        assert.match(state.consequence ?? "", /on \/state can be used/);
    });

    test("a disk that is nearly full is told", () => {
        const space: HostFinding = {
            name: "space",
            outcome: "works",
            detail: "ext4",
            number: 1000,
        };
        const [trouble] = troubles(space);
        assert.deepEqual([trouble?.verdict, trouble?.found], ["note", "1000 B on ext4"]);
    });

    test("what fails only because something else does is said once", () => {
        const names = ["user-namespace", "pid-namespace", "id-map", "overlay", "state-directory"];
        const found = troubles(...names.map((name) => fails(name, "ENOSPC")));
        const problems = found.filter(({ verdict }) => verdict === "problem");
        assert.deepEqual(
            problems.map(({ title }) => title),
            ["User namespaces"],
        );
        assert.ok(found.length > 3);
    });

    test("another user is told what only root can try, and no problem is made of it", () => {
        const unknown = (name: string): HostFinding => ({
            name,
            outcome: "unknown",
            code: "EPERM",
        });
        const changes = ["root", "raise-limits", "overlay", "cgroup"].map(unknown);
        const checks = diagnose(computer(...changes), figures);
        assert.equal(isPrevented(checks), false);
        assert.match(conclusion(checks), /another user than root/);
        const root = checks.find(({ title }) => title === "Root");
        assert.match(root?.advice ?? "", /sudo mcm doctor/);
    });

    test("a reader of ASCII gets ASCII signs, and what follows stands below", () => {
        const [first, ...below] = diagnosisLines(troubles(fails("overlay", "ENODEV")), ASCII_MARKS);
        assert.equal(first, "x Overlay  it does not (ENODEV)");
        assert.deepEqual(below, [
            "           No container can be started.",
            "           Load the module: modprobe overlay",
        ]);
    });
});

suite("asked of the backend", () => {
    let roots: TemporaryRoots;
    let deps: Deps;
    let client: LocalClient;

    before(async () => {
        roots = await temporaryRoots();
        deps = depsFor(roots, { clients: () => 3 });
        client = connectLocally(deps);
        await greet(client.connection);
    });

    after(async () => {
        client.close();
        deps.changes.dispose();
        await roots.dispose();
    });

    function examine(params: object = {}): Promise<DoctorReport> {
        return client.connection.sendRequest(DoctorRequest, params);
    }

    test("is what the native program found, and the backend's own state", async () => {
        const { findings, backend } = await examine();
        assert.equal(isPrevented(diagnose(findings, figures)), false);
        assert.deepEqual(
            [backend.version, backend.pid, backend.clients, backend.containers, backend.running],
            ["1.2.3", process.pid, 3, 0, 0],
        );
        assert.ok((backend.stateSize ?? 0) > 0);
        const lines = diagnosisLines(describeBackend(backend, figures), ASCII_MARKS);
        assert.match(lines.join("\n"), /version 1\.2\.3, pid \d+, started at 2[\s\S]*0 running/);
    });

    test("counts the containers", async () => {
        const rootfs = { kind: "directory", path: await busyboxRootfs() } as const;
        const { id } = await client.connection.sendRequest(RunRequest, { rootfs });
        const { backend } = await examine();
        assert.deepEqual([backend.containers, backend.running], [1, 1]);
        await client.connection.sendRequest("container/remove", { container: id, force: true });
    });

    test("looks at a root file system that is named", async () => {
        const path = await busyboxRootfs();
        const { findings } = await examine({ rootfs: { kind: "directory", path } });
        assert.ok(
            findings.some(({ name, subject }) => name === "idmapped-mount" && subject === path),
        );
        await assert.rejects(
            examine({ rootfs: { kind: "directory", path: "/not/there" } }),
            refusedWith(ErrorCode.Invalid, /not\/there/, { field: "rootfs" }),
        );
        await assert.rejects(
            examine({ rootfs: "host" }),
            refusedWith(ErrorCode.Invalid, /rootfs/, { field: "rootfs" }),
        );
    });
});
