import { runScript } from "./bootstrap.mjs";

runScript("pictures.ts");
