import assert from "node:assert/strict";
import { chmod, copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { WITHOUT_CGROUPS } from "../native/hosts";
import { busyboxRootfs, root, temporaryRoots, type TemporaryRoots } from "../support/fixtures";
import { CLI, launch, Mcm, type Outcome } from "./mcm";

/** Any user that is not root (Debian's nobody). */
const UID = 65534;

interface Printed {
    ok: boolean;
    findings: { name: string; subject?: string; outcome: string }[];
    backend?: { pid: number; servesUid: number };
}

suite("mcm doctor", () => {
    let roots: TemporaryRoots;
    let mcm: Mcm;

    before(async () => {
        roots = await temporaryRoots();
        mcm = new Mcm(roots.env);
    });

    after(() => roots.dispose());

    /** Runs mcm by another program, which gives it another host. */
    function elsewhere(wrapper: string[], ...args: string[]): Promise<Outcome> {
        const { child, ended } = launch([...wrapper, process.execPath, CLI, ...args], roots.env);
        child.stdin.end();
        return ended;
    }

    test("says line by line that this computer runs containers, in ASCII for a pipe", async () => {
        const output = await mcm.output("doctor");
        assert.match(output, /^\+ Kernel +Linux /m);
        assert.match(output, /^\+ Control groups +(v1|v2|hybrid)$/m);
        assert.match(output, /^\+ Containers +0, of them 0 running$/m);
        assert.match(output, /\n\nThis computer (has all|runs containers)[^\n]*\n$/);
        assert.doesNotMatch(output, /[✓✗]|^Backend/m);
    });

    test("has signs for a terminal, unless colours are not wanted there", async () => {
        const terminal = await mcm.terminal();
        try {
            terminal.type("mcm doctor\n");
            await terminal.see(/✓ Kernel[\s\S]*This computer [^\r]*\r\n/);
            terminal.type("NO_COLOR=1 mcm doctor\n");
            await terminal.see(/\+ Kernel[\s\S]*This computer [^\r]*\r\n/);
        } finally {
            await terminal.close();
        }
    });

    test("prints JSON, also of a root file system that is named", async () => {
        const rootfs = await busyboxRootfs();
        const printed = (await mcm.json("doctor", "--json", "--rootfs", rootfs)) as Printed;
        assert.equal(printed.ok, true);
        assert.equal(printed.backend?.servesUid, 0);
        assert.ok(printed.findings.some(({ subject }) => subject === rootfs));
    });

    test("ends with 1 where no container can be, and a run there leads to it", async () => {
        const { code, stdout } = await elsewhere(WITHOUT_CGROUPS, "doctor");
        assert.equal(code, 1);
        assert.match(
            stdout,
            /^x Control groups .*\n +No container can be started\.\n +Mount them: mount -t cgroup2/m,
        );
        assert.match(stdout, /This computer cannot run containers: 1 to be solved\.\n$/);
        const run = await elsewhere(WITHOUT_CGROUPS, "run", "--rootfs", await busyboxRootfs());
        assert.equal(run.code, 125);
        assert.match(run.stderr, /no control groups are mounted.* See also: mcm doctor\n$/);
    });

    test("asks the backend of the user that is named", async () => {
        await mcm.output("backend", "start", "--uid", String(UID));
        try {
            const output = await mcm.output("doctor", "--uid", String(UID));
            assert.match(output, /^\+ Backend +version .*, pid \d+, started /m);
            assert.match(output, /^\+ Clients +1$/m);
            assert.ok(output.includes(`backend-${UID}.log`));
        } finally {
            await mcm.output("backend", "stop", "--uid", String(UID));
        }
    });

    test("tells another user without a backend what that user can try", async (t) => {
        const directory = await mkdtemp(join(tmpdir(), "mcm user "));
        t.after(() => rm(directory, { recursive: true }));
        await chmod(directory, 0o755);
        await mkdir(join(directory, "native"));
        for (const file of ["cli.js", "inprocess.js", "native/container_executor"]) {
            await copyFile(join(root, "out", file), join(directory, file));
        }
        // Without the runtime directory of whoever uses this computer.
        const program = [
            ...["unshare", "--mount", "sh", "-ec", 'mount -t tmpfs none /run; exec "$@"', "sh"],
            ...["setpriv", `--reuid=${UID}`, `--regid=${UID}`, "--clear-groups"],
        ];
        const { child, ended } = launch(
            [...program, process.execPath, join(directory, "cli.js"), "doctor"],
            {},
        );
        child.stdin.end();
        const { code, stdout, stderr } = await ended;
        assert.equal(code, 0, stderr);
        assert.match(stderr, /^mcm: no backend runs for the user with uid 65534/);
        assert.match(stdout, /^\? Root +this is another user\n +Ask root's: sudo mcm doctor/m);
        assert.match(stdout, /^\+ User namespaces/m);
        assert.match(stdout, /As far as another user than root can tell/);
    });
});
