/** `npm run package`: makes the VSIX and prints its path. */
import { makePackage } from "./lib/build";

void makePackage().then(
    (file) => process.stdout.write(`${file}\n`),
    (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
        process.exitCode = 1;
    },
);
