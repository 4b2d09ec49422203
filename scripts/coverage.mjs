import { runScript } from "./bootstrap.mjs";

runScript("coverage.ts");
