/** `mcm doctor`: what this computer has and lacks for containers, in words. */
import {
    ASCII_MARKS,
    MARKS,
    conclusion,
    describeBackend,
    diagnose,
    diagnosisLines,
    isPrevented,
    type Figures,
} from "../doctor/diagnosis";
import { DoctorRequest, type DoctorReport, type Rootfs } from "../protocol";
import { withBackend, type UidOption } from "./backend";
import type { Client } from "./client";
import { printJson, remark, type Context } from "./context";
import { EXIT, NoBackendError } from "./errors";
import { formatAgo, formatBytes } from "./format";
import type { JsonOption } from "./show";
import { printableLine } from "./text";

export interface DoctorOptions extends JsonOption, UidOption {
    rootfs?: Rootfs;
}

/** What was found; without a backend only what this user can try. */
type Report = Pick<DoctorReport, "findings"> & Partial<DoctorReport>;

/** `mcm doctor`. */
export async function doctor(
    { json, ...options }: DoctorOptions,
    context: Context,
): Promise<number> {
    const report = await examine(options, context);
    const figures: Figures = {
        bytes: formatBytes,
        ago: (time) => formatAgo(time, Date.now()),
    };
    const checks = diagnose(report.findings, figures);
    const ok = !isPrevented(checks);
    const { stdout } = context.io;
    if (json) {
        printJson(context, { ok, ...report });
    } else {
        const marks = stdout.isTTY && !process.env.NO_COLOR ? MARKS : ASCII_MARKS;
        const { backend } = report;
        const lines = [
            ...diagnosisLines(checks, marks),
            ...(backend === undefined
                ? []
                : [
                      "",
                      ...diagnosisLines(
                          describeBackend(backend, figures, backend.pid === process.pid),
                          marks,
                      ),
                  ]),
            "",
            conclusion(checks),
        ];
        stdout.write(lines.map((line) => `${printableLine(line)}\n`).join(""));
    }
    return ok ? EXIT.ok : EXIT.prevented;
}

/** By the backend; by this process, which is another user's than root, when there is none. */
async function examine({ rootfs, uid }: DoctorOptions, context: Context): Promise<Report> {
    const ask = (client: Client) => client.request(DoctorRequest, { rootfs });
    try {
        return await (uid === undefined ? context.withClient(ask) : withBackend(uid, ask));
    } catch (error) {
        if (!(error instanceof NoBackendError) || uid !== undefined || rootfs !== undefined) {
            throw error;
        }
        remark(context, error.message);
        const { examineHost } = await import("./inprocess");
        return { findings: await examineHost() };
    }
}
