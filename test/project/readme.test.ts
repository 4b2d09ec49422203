/** What the README tells its reader to type. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { run } from "../../scripts/lib/run";
import { root, temporaryRoots } from "../support/fixtures";

/** What stands in the README for the id that `mcm run` prints. */
const EXAMPLE_ID = /\b0f3\b/g;

async function readme(): Promise<string> {
    return readFile(join(root, "README.md"), "utf8");
}

test("the command lines of the README work one after the other, and leave nothing", async (t) => {
    const [, session = ""] = /```console\n([^]*?)```/.exec(await readme()) ?? [];
    const lines = [...session.matchAll(/^# (mcm .*)$/gm)].map((match) => match[1] ?? "");
    assert.ok(lines.length > 3);

    const roots = await temporaryRoots();
    t.after(() => roots.dispose());
    const bin = await mkdtemp(join(tmpdir(), "mcm bin "));
    t.after(() => rm(bin, { recursive: true }));
    await symlink(join(root, "out/cli.js"), join(bin, "mcm"));
    const env = { ...roots.env, PATH: `${bin}:${process.env.PATH ?? ""}` };

    let id = "";
    for (const line of lines) {
        const command = line.replace(EXAMPLE_ID, id);
        // A terminal for those that want one, and a shell that ends by itself: test/cli types.
        const ending = command.replace(/ bash$/, " bash -c true");
        const typed = `script --quiet --return --command '${ending}' /dev/null </dev/null`;
        const output = await run("bash", ["-c", / -it? /.test(line) ? typed : command], { env });
        if (line.startsWith("mcm run")) {
            id = output.trim();
            assert.match(id, /^[0-9a-f]{12}$/);
        }
    }
    assert.equal(await run("mcm", ["list", "--json"], { env }), "[]\n");
});

test("every command that the README names has help", async () => {
    const named = [...(await readme()).matchAll(/`mcm (\w+)/g)].map((match) => match[1] ?? "");
    assert.ok(named.length > 5);
    for (const command of new Set(named)) {
        const help = await run(process.execPath, [join(root, "out/cli.js"), command, "--help"]);
        assert.match(help, new RegExp(`mcm ${command}`));
    }
});
