import type { Client } from "./client";
/** TEMP */
export function connectInProcess(): Promise<Client> {
    throw new Error("x");
}
