/** One thing done to several containers. */
import * as vscode from "vscode";
import type { ContainerSummary } from "../../server/protocol";
import type { Services } from "../services";
import { explain } from "../text";

/**
 * Does `work` to each of the containers at once. The failure of a single one is thrown; of several,
 * each failure is kept on its row, and one notification names them.
 */
export function each(
    work: (services: Services, container: ContainerSummary) => void | Promise<void>,
): (services: Services, containers: ContainerSummary[]) => Promise<void> {
    return async (services, containers) => {
        const [only] = containers;
        if (containers.length === 1 && only !== undefined) {
            await work(services, only);
            return;
        }
        const failed: string[] = [];
        await Promise.all(
            containers.map(async (container) => {
                try {
                    await work(services, container);
                } catch (error) {
                    const trouble = explain(error);
                    if (trouble !== undefined) {
                        failed.push(container.name);
                        services.model.noteFailure(container.id, trouble.message);
                        services.output.error(`${container.name}: ${trouble.message}`);
                    }
                }
            }),
        );
        if (failed.length > 0) {
            void vscode.window.showErrorMessage(
                vscode.l10n.t(
                    "{0} of {1} failed: {2}. Their rows say why.",
                    failed.length,
                    containers.length,
                    failed.join(", "),
                ),
            );
        }
    };
}
