/**
 * Runs the Mocha suites of this folder in the extension host, the standard way. MCM_TEST_VSCODE
 * names the VS Code program to use; without it one in a headless browser is used (see code.ts).
 */
import { join } from "node:path";
import { runTests } from "@vscode/test-electron";
import { root, temporaryRoots } from "../support/fixtures";

async function main(): Promise<void> {
    const roots = await temporaryRoots();
    try {
        await runTests({
            vscodeExecutablePath: process.env.MCM_TEST_VSCODE ?? join(__dirname, "code"),
            extensionDevelopmentPath: root,
            extensionTestsPath: join(root, "out/test-host/index.js"),
            extensionTestsEnv: roots.env,
        });
    } finally {
        await roots.dispose();
    }
}

void main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
});
