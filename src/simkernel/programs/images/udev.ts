import type { ModuleSource } from '../../modules/module-api.ts';
import type { ModuleSpec } from '../../scenarios/scenario.ts';
import { KERNEL_RELEASE } from '../../version.ts';
import type { Image } from '../image.ts';
import { SECOND } from '../../time/units.ts';

const FOLDER = `/usr/lib/modules/${KERNEL_RELEASE}/kernel/drivers`;
const DEPENDENCIES = `/usr/lib/modules/${KERNEL_RELEASE}/modules.dep.bin`;

/** A driver that finds its device there and says so. */
function driver(text: string): ModuleSource {
  return { inTree: true, init: (kernel) => kernel.printk(text) };
}
/** What a memory stick needs that is plugged in, in the order of their dependencies. */
export const STICK_MODULES: readonly ModuleSpec[] = [
  {
    path: `${FOLDER}/usb/storage/usb-storage.ko`,
    size: 131_072,
    source: driver('usbcore: registered new interface driver usb-storage'),
  },
  {
    path: `${FOLDER}/usb/storage/uas.ko`,
    size: 49_152,
    source: driver('usbcore: registered new interface driver uas'),
  },
];

/** Somebody plugs a memory stick in: udev loads the drivers that its name asks for. Later the last of them is taken out again. */
export const UDEV_WORKER: Image = {
  path: '/usr/lib/systemd/systemd-udevd',
  symbols: ['main', 'worker_process_device', 'udev_rules_apply_to_event', 'builtin_kmod', 'module_load_and_warn'],
  *main(u) {
    yield u.nanosleep(1.4 * SECOND);
    u.in('main', 'worker_process_device', 'udev_rules_apply_to_event', 'builtin_kmod', 'module_load_and_warn');
    yield u.close(yield u.openat(DEPENDENCIES));
    for (const { path } of STICK_MODULES) {
      yield u.work(u.random.logNormal(180_000, 0.3));
      const fd = yield u.openat(path);
      yield u.call('finit_module', fd, u.string(''), 0);
      yield u.close(fd);
    }
    yield u.nanosleep(4 * SECOND);
    yield u.call('delete_module', u.string('uas'), 0);
    for (;;) yield u.nanosleep(60 * SECOND);
  },
};
