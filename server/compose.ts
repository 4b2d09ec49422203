/** Puts the real parts of the backend together; deps.ts says what they are. */
import { detectCgroups } from "./cgroup";
import type { Backend, Deps } from "./deps";
import type { Log } from "./log";
import { createNative } from "./native";
import type { Paths } from "./paths";
import { createRootfsProvider } from "./rootfs/provider";
import { Sampler } from "./sampler";
import { Store } from "./store";
import { UsageReader } from "./usage";
import { Changes } from "./watch";

/** The parts over these directories; nothing is read or started before it is used. */
export function createDeps(paths: Paths, log: Log, backend: Backend): Deps {
    const native = createNative(paths.nativeDirectory);
    const cgroups = detectCgroups();
    const store = new Store(paths, native, cgroups);
    const changes = new Changes(paths, store, log);
    const sampler = new Sampler({
        running: () => store.runningIds(),
        open: (id) => new UsageReader(cgroups, id),
    });
    changes.subscribe(() => sampler.containersChanged());
    const rootfs = createRootfsProvider(paths, store, native);
    return { paths, store, native, changes, cgroups, sampler, rootfs, log, backend };
}
