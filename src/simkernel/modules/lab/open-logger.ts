import type { ModuleKprobe, ModuleSource } from '../module-api.ts';

/** Logs the name of every file that is opened: a struct kprobe with a pre-handler. */
export function openLogger(unregisters: boolean): ModuleSource {
  let probe: ModuleKprobe | undefined;
  return {
    init(kernel) {
      probe = {
        symbol_name: 'do_sys_openat2',
        pre_handler(regs) {
          const { comm, pid } = kernel.current();
          kernel.printk(
            `open_logger: ${comm}[${pid}] opens ${kernel.string(kernel.regs_get_kernel_argument(regs, 1))}`,
          );
        },
      };
      const error = kernel.register_kprobe(probe);
      kernel.printk(`open_logger: register_kprobe on ${probe.symbol_name}: ${error}`);
      return error;
    },
    exit(kernel) {
      if (unregisters && probe !== undefined) kernel.unregister_kprobe(probe);
      kernel.printk('open_logger: exit');
    },
  };
}
