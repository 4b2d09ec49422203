/** Starting the backend as a user who is not root: sudo-prompt, polkit and sudo, all of them real. */
import assert from "node:assert/strict";
import { after, before, beforeEach, suite, test } from "node:test";
import { makePackage } from "../../scripts/lib/build";
import { removeContainer, runContainer } from "../e2e/actions";
import { openDesk } from "../e2e/desk";
import type { Desk } from "../e2e/desk";
import type { Workbench } from "../e2e/workbench";
import { USER, World } from "./world";

suite("a user who is not root starts the backend", () => {
    let world: World;
    let desk: Desk;
    let workbench: Workbench;

    before(async () => {
        const vsix = process.env.MCM_TEST_VSIX ?? (await makePackage());
        world = await World.start();
        desk = await openDesk(vsix, {
            directory: world.home,
            wrapper: world.enter("user"),
            owner: USER.uid,
        });
        workbench = desk.workbench;
        await workbench.showContainers();
    });

    after(async () => {
        await desk.dispose();
        await world.stop();
    });

    /** Whom the backend's process belongs to, in the world; empty when there is none. */
    async function backendOwner(): Promise<string> {
        const processes = await world.run("root", "ps", "-e", "-o", "user=,args=");
        const backend = processes
            .split("\n")
            .find((line) => line.includes(`serve --uid ${USER.uid}`));
        return backend?.split(" ")[0] ?? "";
    }

    beforeEach(async () => {
        if ((await backendOwner()) !== "") {
            await workbench.command("Containers: Stop Backend");
            await workbench.welcome().getByText("The backend is not started").waitFor();
        }
    });

    test("without asking, where polkit allows it, and runs a container", async () => {
        await world.polkitAnswers("YES");
        await workbench.welcomeButton(/Start Backend|Try Again/);
        await workbench.welcome().getByText("There are no containers yet").waitFor();
        assert.equal(await backendOwner(), "root");
        const row = await runContainer(workbench, { name: "elevated", memory: "100M" });
        await workbench.rowAction(row, "Open Shell");
        await workbench.terminalPrompts();
        await workbench.type("echo I am $(id -un)\n");
        await workbench.terminalShows(/^I am root$/m);
        await workbench.closeTerminals();
        await removeContainer(workbench, "elevated");
    });

    test("is told so where polkit refuses, and nothing runs", async () => {
        await world.polkitAnswers("NO");
        await workbench.welcomeButton(/Start Backend|Try Again/);
        await workbench.welcome().getByText("Access was refused").waitFor();
        await desk.picture("refused");
        assert.equal(await backendOwner(), "");
    });

    test("gives sudo a password in a terminal, where polkit has nobody to ask", async () => {
        await world.polkitAnswers(undefined);
        await workbench.welcomeButton(/Start Backend|Try Again/);
        await workbench.terminalShows(/password/i);
        await desk.picture("sudo");
        await workbench.type(`${USER.password}\n`);
        await workbench.welcome().getByText("There are no containers yet").waitFor();
        assert.equal(await backendOwner(), "root");
    });
});
