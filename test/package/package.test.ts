/** The VSIX as whoever installs it gets it. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { makePackage, root } from "../../scripts/lib/build";
import type { RunError } from "../../scripts/lib/run";
import { run } from "../../scripts/lib/run";
import { codeServer } from "../../scripts/lib/vscode";

suite("the installed package", () => {
    let directory: string;
    let extension: string;

    before(async () => {
        const vsix = process.env.MCM_TEST_VSIX ?? (await makePackage());
        directory = await mkdtemp(join(tmpdir(), "mcm package "));
        const [node, main] = (await codeServer()).command;
        const flags = ["--config", "/dev/null", "--user-data-dir", directory];
        const extensions = join(directory, "extensions");
        const install = ["--extensions-dir", extensions, "--install-extension", vsix];
        await run(node, [main, ...flags, ...install], { env: { HOME: directory } });
        const name = (await readdir(extensions)).find((entry) => entry.includes("container"));
        assert.ok(name !== undefined, "it was not installed");
        extension = join(extensions, name);
    });

    after(() => rm(directory, { recursive: true }));

    test("has the programs and nothing of how they were made", async () => {
        const files = await readdir(extension, { recursive: true });
        const odd = files.filter((name) => /\.(ts|map|c|h|o|mjs)$|node_modules|test/.test(name));
        assert.deepEqual(odd, []);
        const out = (await readdir(join(extension, "out"))).sort();
        assert.deepEqual(out, ["cli.js", "extension.js", "inprocess.js", "native", "server.js"]);
    });

    test("has the static native programs, executable", async () => {
        for (const name of ["container_executor", "ns_enter"]) {
            const program = join(extension, "out/native", name);
            assert.equal((await stat(program)).mode & 0o111, 0o111);
            // A static program names no loader.
            assert.ok(!(await readFile(program)).includes("/ld-linux"));
            await assert.rejects(run(program), (error: RunError) => error.exitCode === 125);
        }
    });

    test("has a command line that works from there", async () => {
        const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
            version: string;
        };
        const text = await run(process.execPath, [join(extension, "out/cli.js"), "--version"]);
        assert.equal(text.trim(), version);
    });
});
