/** The extension's settings, read where they are needed: they are never kept. */
import * as vscode from "vscode";

/** Prefix of the settings, commands, views and context keys of this extension. */
export const SECTION = "myContainerManager";

export interface Settings {
    metersVisible: boolean;
    /** Fraction of a limit, 0 to 1. */
    warnAt: number;
    /** Milliseconds between two samples. */
    sampleInterval: number;
    /** Seconds. */
    stopGrace: number;
    notifyEndings: boolean;
}

/** The settings as they are now. VS Code has put in the defaults that package.json states. */
export function settings(): Settings {
    const section = vscode.workspace.getConfiguration(SECTION);
    return {
        metersVisible: section.get("meters.visible", true),
        warnAt: section.get("meters.warnAtPercent", 90) / 100,
        // VS Code does not hold a person to the limits that it shows; the backend would refuse.
        sampleInterval: clamp(section.get("sampleInterval", 1), 0.25, 60) * 1000,
        stopGrace: clamp(section.get("stopGraceSeconds", 10), 0, 600),
        notifyEndings: section.get("notifyEndings", true),
    };
}

function clamp(value: number, least: number, most: number): number {
    return Math.min(most, Math.max(least, value));
}

/** Calls `handler` whenever one of the extension's settings was changed. */
export function onDidChangeSettings(handler: () => void): vscode.Disposable {
    return vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration(SECTION)) {
            handler();
        }
    });
}
