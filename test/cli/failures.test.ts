import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, suite, test } from "node:test";
import type { ContainerDetails, ContainerSummary } from "../../server/protocol";
import { busyboxRootfs, temporaryRoots, type TemporaryRoots } from "../support/fixtures";
import { Mcm } from "./mcm";

suite("bad input and bad luck", () => {
    let roots: TemporaryRoots;
    let rootfs: string;
    let mcm: Mcm;

    before(async () => {
        rootfs = await busyboxRootfs();
        roots = await temporaryRoots();
        mcm = new Mcm(roots.env);
    });

    afterEach(() => mcm.removeAll());

    after(() => roots.dispose());

    async function list(): Promise<ContainerSummary[]> {
        return (await mcm.json("list", "--json")) as ContainerSummary[];
    }

    test("every verb refuses an unknown container by what was typed", async () => {
        const verbs = [
            ["status"],
            ["inspect"],
            ["stop"],
            ["start"],
            ["restart"],
            ["kill"],
            ["rm"],
            ["logs"],
            ["attach"],
        ];
        for (const verb of verbs) {
            assert.match(await mcm.failure(125, ...verb, "nowhere"), /nowhere/, verb.join(" "));
        }
        assert.match(await mcm.failure(125, "exec", "nowhere", "ls"), /nowhere/);
        assert.match(await mcm.failure(125, "rename", "nowhere", "new"), /nowhere/);
    });

    test("a rootfs that is missing, a file, or empty makes nothing", async () => {
        const file = join(roots.stateDir, "file");
        const empty = join(roots.stateDir, "empty");
        await writeFile(file, "");
        await mkdir(empty);
        for (const bad of [join(roots.stateDir, "missing"), file, empty]) {
            assert((await mcm.failure(125, "run", "--rootfs", bad, "sh")).includes(bad));
        }
        assert.match(await mcm.failure(125, "run", "--rootfs", "nope", "sh"), /nope/);
        assert.deepEqual(await list(), []);
    });

    test("a bad value is refused with the name of its option, and nothing is made", async () => {
        const bad = {
            "--memory": ["100Q", "-1", "0", "1e9"],
            "--cpu": ["NaN", "0", "0,5"],
            "--hostname": ["a_b", ""],
            "--user": ["+1", "4294967296"],
            "--workdir": ["relative"],
        };
        for (const [option, values] of Object.entries(bad)) {
            for (const value of values) {
                const message = await mcm.failure(125, "run", option, value, "sh");
                assert(message.startsWith(`${option}: ${JSON.stringify(value)} is `), message);
            }
        }
        for (const name of ["", "-x", "a/b", "a".repeat(64), "0123456789ab"]) {
            const message = await mcm.failure(125, "run", "--name", name, "sh");
            assert(message.startsWith(`name: ${JSON.stringify(name)} is `), message);
        }
        assert.deepEqual(await list(), []);
    });

    test("a command that is not there is 127, one that cannot be executed 126", async () => {
        const run = ["run", "--rootfs", rootfs];
        assert.match(await mcm.failure(127, ...run, "/bin/nothing"), /\/bin\/nothing.*ENOENT/);
        assert.match(await mcm.failure(126, ...run, "/etc/passwd"), /\/etc\/passwd.*EACCES/);
        assert.deepEqual(await list(), []);
        const id = await mcm.container("--rootfs", rootfs);
        assert.match(await mcm.failure(127, "exec", id, "nothing"), /nothing.*ENOENT/);
        assert.match(await mcm.failure(126, "exec", id, "/etc/passwd"), /EACCES/);
    });

    test("exec ends as its command does", async () => {
        const id = await mcm.container("--rootfs", rootfs);
        const exec = async (script: string): Promise<number> =>
            (await mcm.run(["exec", id, "/bin/sh", "-c", script])).code;
        assert.deepEqual([await exec("exit 0"), await exec("exit 42")], [0, 42]);
        assert.deepEqual([await exec("kill -KILL $$"), await exec("kill -USR1 $$")], [137, 138]);
    });

    test("a name that is taken is refused, and the other container stays", async () => {
        await mcm.container("--rootfs", rootfs, "--name", "taken");
        assert.match(await mcm.failure(125, "run", "--rootfs", rootfs, "--name", "taken"), /taken/);
        await mcm.container("--rootfs", rootfs, "--name", "other");
        assert.match(await mcm.failure(125, "rename", "other", "taken"), /taken/);
        assert.deepEqual((await list()).map((container) => container.name).sort(), [
            "other",
            "taken",
        ]);
    });

    test("a beginning that fits several ids is refused", async () => {
        const ids: string[] = [];
        const prefixes = (): string[] => ids.map((id) => id.slice(0, 1));
        while (new Set(prefixes()).size === ids.length) {
            ids.push(await mcm.container("--rootfs", rootfs));
        }
        const prefix = ids.at(-1)!.slice(0, 1);
        assert.match(await mcm.failure(125, "status", prefix), new RegExp(`"?${prefix}"?.*`));
        assert.equal((await list()).length, ids.length);
    });

    test("verbs that do not fit the state are refused, and change nothing", async () => {
        const id = await mcm.container("--rootfs", rootfs, "--name", "web");
        assert.match(await mcm.failure(125, "rm", id), /running/);
        assert.match(await mcm.failure(125, "start", id), /running/);
        await mcm.output("stop", id);
        for (const verb of [
            ["stop", id],
            ["kill", id],
            ["exec", id, "ls"],
        ]) {
            assert.match(await mcm.failure(125, ...verb), /not running/, verb[0]);
        }
        const [container] = await list();
        assert.equal(container?.state.kind, "exited");
    });

    test("of several containers each failure is told and the others are done", async () => {
        const [a, b] = [
            await mcm.container("--rootfs", rootfs),
            await mcm.container("--rootfs", rootfs),
        ];
        const { code, stdout, stderr } = await mcm.run(["rm", "--force", a, "nowhere", b, "gone"]);
        assert.equal(code, 125);
        assert.deepEqual(stdout.trim().split("\n").sort(), [a, b].sort());
        assert.match(stderr, /^mcm: .*nowhere.*\nmcm: .*gone.*\n$/);
        assert.deepEqual(await list(), []);
    });

    test("a damaged config.json shows as broken, can be removed, and harms no other", async () => {
        const [good, bad] = [
            await mcm.container("--rootfs", rootfs),
            await mcm.container("--rootfs", rootfs),
        ];
        await mcm.output("stop", bad);
        const { paths } = (await mcm.json("inspect", bad)) as ContainerDetails;
        await writeFile(join(paths.state, "config.json"), '{"name": ');
        assert.match(await mcm.output("list"), new RegExp(`^${bad} .* broken `, "m"));
        assert.match(await mcm.output("list"), new RegExp(`^${good} .* running `, "m"));
        assert.match(await mcm.output("status", bad), /^Reason: +\S/m);
        assert.equal((await mcm.run(["start", bad])).code, 125);
        await mcm.output("rm", bad);
        await mcm.output("rm", "--force", good);
        assert.deepEqual(await list(), []);
    });

    test("of two starts at the same moment one wins", async () => {
        const id = await mcm.container("--rootfs", rootfs);
        await mcm.output("stop", id);
        const both = await Promise.all([mcm.run(["start", id]), mcm.run(["start", id])]);
        assert.deepEqual(both.map(({ code }) => code).sort(), [0, 125]);
        assert.match(both.find(({ code }) => code === 125)!.stderr, /running|being started/);
    });

    test("-t without a terminal is refused in a sentence", async () => {
        assert.match(await mcm.failure(125, "run", "-it", "--rootfs", rootfs), /needs a terminal/);
        assert.match(await mcm.failure(125, "exec", "-it", "any", "sh"), /needs a terminal/);
        assert.deepEqual(await list(), []);
    });

    test("MCM_DEBUG adds where an error came from", async () => {
        const debugged = new Mcm({ ...roots.env, MCM_DEBUG: "1" });
        const { stderr } = await debugged.run(["status", "nowhere"]);
        assert.match(stderr, /^mcm: .*nowhere.*\n[\s\S]* at [\s\S]*NotFound/);
    });
});
