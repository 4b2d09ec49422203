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
import { printJson, remark, type Context } from "./context";
import { EXIT, NoBackendError } from "./errors";
import { formatAgo, formatBytes } from "./format";
import type { JsonOption } from "./show";
import { printableLine } from "./text";

export interface DoctorOptions extends JsonOption {
    rootfs?: Rootfs;
}

/** What was found; without a backend only what this user can try. */
type Report = Pick<DoctorReport, "findings"> & Partial<DoctorReport>;

/** `mcm doctor`. */
export async function doctor({ json, rootfs }: DoctorOptions, context: Context): Promise<number> {
    const report = await examine(rootfs, context);
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
        const backend = report.backend && describeBackend(report.backend, figures);
        const lines = [
            ...diagnosisLines(checks, marks),
            ...(backend === undefined ? [] : ["", ...diagnosisLines(backend, marks)]),
            "",
            conclusion(checks),
        ];
        stdout.write(lines.map((line) => `${printableLine(line)}\n`).join(""));
    }
    return ok ? EXIT.ok : EXIT.prevented;
}

/** By the backend; by this process, which is another user's than root, when there is none. */
async function examine(rootfs: Rootfs | undefined, context: Context): Promise<Report> {
    try {
        return await context.withClient((client) => client.request(DoctorRequest, { rootfs }));
    } catch (error) {
        if (!(error instanceof NoBackendError) || rootfs !== undefined) {
            throw error;
        }
        remark(context, error.message);
        const { examineHost } = await import("./inprocess");
        return { findings: await examineHost() };
    }
}
