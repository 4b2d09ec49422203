/** `npm run pictures`: takes the pictures of the README anew. */
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./lib/build";
import { nodeTests } from "./lib/nodeTests";
import { problemsText } from "./lib/results";
import { progress } from "./lib/run";

/** Names under out/pictures, as the window tests write them. */
const PICTURES = ["overview", "hover", "run"];

async function main(): Promise<void> {
    progress("taking the pictures");
    const results = await nodeTests(["test/e2e/pictures.test.ts"], { stage: "pictures" });
    if (results.some(({ outcome }) => outcome !== "passed")) {
        throw new Error(`not all passed:\n${problemsText(results)}`);
    }
    const target = join(root, "media/readme");
    await mkdir(target, { recursive: true });
    for (const name of PICTURES) {
        await copyFile(join(root, "out/pictures", `${name}.png`), join(target, `${name}.png`));
        progress(join(target, `${name}.png`));
    }
}

void main().catch((error: unknown) => {
    progress(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
});
