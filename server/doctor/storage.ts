/** Checks of file systems: what containers are made from and what they write. */
import * as l10n from "@vscode/l10n";
import type { HostFinding } from "../protocol";
import {
    adviceOn,
    check,
    newerKernel,
    noContainers,
    works,
    type Check,
    type Findings,
} from "./check";
import type { Figures } from "./diagnosis";

/** Below so much free space the state directory is said to be nearly full. */
const LITTLE_SPACE_BYTES = 512 * 1024 * 1024;

export function storageChecks(findings: Findings, figures: Figures): Check[] {
    const usrIsMapped = findings
        .all("idmapped-mount")
        .some(({ subject, outcome }) => subject === "/usr" && outcome === "works");
    return [
        ...check(findings, l10n.t("Overlay"), findings.get("overlay"), works, ({ code }) => ({
            consequence: noContainers(),
            advice:
                code === "ENODEV" ? l10n.t("Load the module: modprobe overlay") : adviceOn(code),
        })),
        ...(usrIsMapped
            ? check(
                  findings,
                  l10n.t("Overlay with mapped ids"),
                  findings.get("overlay-mapped"),
                  works,
                  () => ({ consequence: noContainers(), advice: newerKernel() }),
              )
            : []),
        ...check(
            findings,
            l10n.t("State directory"),
            findings.get("state-directory"),
            ({ subject = "" }) => subject,
            () => ({
                consequence: noContainers(),
                advice: l10n.t("Have it on ext4, xfs, btrfs, or tmpfs of Linux 6.6, writable."),
            }),
        ),
        ...spaceChecks(findings, figures),
        ...findings.all("idmapped-mount").flatMap((finding) => mappingCheck(findings, finding)),
    ];
}

function spaceChecks(findings: Findings, figures: Figures): Check[] {
    const { number, detail = "" } = findings.get("space") ?? {};
    if (number === undefined) {
        return [];
    }
    const little = number < LITTLE_SPACE_BYTES;
    return [
        {
            verdict: little ? "note" : "fine",
            title: l10n.t("Free space"),
            found: l10n.t("{0} on {1}", figures.bytes(number), detail),
            ...(little && {
                consequence: l10n.t("What containers write will soon fill the disk."),
                advice: l10n.t("Remove containers or root file systems, or free space otherwise."),
            }),
        },
    ];
}

function mappingCheck(findings: Findings, finding: HostFinding): Check[] {
    const path = finding.subject ?? "";
    return check(
        findings,
        l10n.t("Mapped ids"),
        finding,
        () => path,
        () =>
            path === "/usr"
                ? {
                      verdict: "note",
                      consequence: l10n.t(
                          "--rootfs host is refused: ids cannot be mapped on {0}.",
                          path,
                      ),
                      advice: l10n.t("Import a root file system, and name it by --rootfs."),
                  }
                : {
                      consequence: l10n.t("No root file system on {0} can be used.", path),
                      advice: l10n.t("Have it on ext4, xfs, btrfs, or tmpfs of Linux 6.3."),
                  },
    );
}
