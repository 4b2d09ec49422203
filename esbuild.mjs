/** Bundles the programs to out/: CommonJS files that need nothing else at run time. */
import { chmod } from "node:fs/promises";
import { context } from "esbuild";

const production = process.argv.includes("--production");
const watch = process.argv.includes("--watch");

const common = {
    bundle: true,
    format: "cjs",
    platform: "node",
    target: "node20",
    minify: production,
    sourcemap: production ? false : "linked",
    legalComments: "none",
    logLevel: "warning",
    mainFields: ["module", "main"],
};

const programs = [
    { ...common, entryPoints: { extension: "extension/main.ts" }, external: ["vscode"] },
    { ...common, entryPoints: { server: "server/main.ts" } },
    // Only root's command line needs a server; parsing it would cost everybody else half a start.
    { ...common, entryPoints: { inprocess: "server/cli/inprocess.ts" } },
    {
        ...common,
        entryPoints: { cli: "server/cli/main.ts" },
        external: ["./inprocess"],
        supported: { "dynamic-import": false }, // require() finds it without its extension
        banner: { js: "#!/usr/bin/env node" },
    },
];

const contexts = await Promise.all(programs.map((p) => context({ ...p, outdir: "out" })));
if (watch) {
    await Promise.all(contexts.map((c) => c.watch()));
} else {
    await Promise.all(contexts.map((c) => c.rebuild()));
    await Promise.all(contexts.map((c) => c.dispose()));
    await chmod("out/cli.js", 0o755);
}
