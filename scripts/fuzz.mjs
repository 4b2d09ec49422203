import { runScript } from "./bootstrap.mjs";

runScript("fuzz.ts");
