/**
 * Who has what: a name, a range of ids, the right to rewrite a config.json. A claim is decided by
 * one rename(2), so two processes can never both have it, and a holder that died loses it.
 *
 * A claim is a directory with one entry, named after its holder: `claims/name-web/0123456789ab`.
 * rename(2) puts a directory over another only while that one is empty. So taking a claim is one
 * atomic step; giving it up, or breaking one whose holder is gone, is the unlink of the holder's own
 * entry, which cannot hit a holder that came after it.
 */
import { mkdir, mkdtemp, readdir, rename, rm, rmdir, unlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { errnoOf, systemError } from "./errors";
import { unless } from "./files";

/** Prefix of a directory on its way to be a claim. */
const PENDING_PREFIX = ".claim-";

export class Claims {
    constructor(private readonly directory: string) {}

    /**
     * Takes `claim` for `holder`, over one that `isStale` says is left by a holder that is gone.
     * False when another holder has it. Rejects with an McmError when the disk fails.
     */
    async take(
        claim: string,
        holder: string,
        isStale: (holder: string) => boolean | Promise<boolean>,
    ): Promise<boolean> {
        for (;;) {
            if (await this.place(claim, holder)) {
                return true;
            }
            const other = await this.holder(claim);
            if (other === holder) {
                return true;
            }
            if (other !== undefined) {
                if (!(await isStale(other))) {
                    return false;
                }
                await this.give(claim, other);
            }
            // Free now, or somebody is quicker than we are: try again.
        }
    }

    /** Gives `claim` up, if `holder` has it. */
    async give(claim: string, holder: string): Promise<void> {
        const place = path.join(this.directory, claim);
        await unlink(path.join(place, holder)).catch(unless("ENOENT"));
        // Not empty: somebody has taken it since.
        await rmdir(place).catch(unless("ENOENT", "ENOTEMPTY", "EEXIST"));
    }

    /** Who has `claim`. */
    async holder(claim: string): Promise<string | undefined> {
        const entries = await readdir(path.join(this.directory, claim)).catch(unless("ENOENT"));
        return entries?.[0];
    }

    /** All claims that are, or were, held. */
    async list(): Promise<string[]> {
        const entries = await readdir(this.directory).catch(unless("ENOENT"));
        return (entries ?? []).filter((name) => !name.startsWith(PENDING_PREFIX));
    }

    /** Removes what processes left that died while taking a claim. One that is just being taken is
     * taken again by its process. */
    async sweep(): Promise<void> {
        const entries = await readdir(this.directory).catch(unless("ENOENT"));
        for (const name of entries ?? []) {
            if (name.startsWith(PENDING_PREFIX)) {
                await rm(path.join(this.directory, name), { recursive: true, force: true });
            }
        }
    }

    /** True when the claim was free and is now held. */
    private async place(claim: string, holder: string): Promise<boolean> {
        const target = path.join(this.directory, claim);
        let pending: string | undefined;
        try {
            await mkdir(this.directory, { recursive: true, mode: 0o700 });
            pending = await mkdtemp(path.join(this.directory, PENDING_PREFIX));
            await writeFile(path.join(pending, holder), "", { flag: "wx", mode: 0o600 });
            await rename(pending, target);
            return true;
        } catch (error) {
            if (pending !== undefined) {
                await rm(pending, { recursive: true, force: true });
            }
            // ENOENT: a sweep took ours away, so the claim is tried again.
            if (["ENOTEMPTY", "EEXIST", "ENOENT"].includes(errnoOf(error) ?? "")) {
                return false;
            }
            throw systemError(`Writing ${target}`, error);
        }
    }
}
