import type { ModuleSource } from '../module-api.ts';
import { openLogger } from './open-logger.ts';

/** Two critical sections, one in the other: with the calls that do not count, and with those that remember. */
const irqNesting: ModuleSource = {
  init(kernel) {
    const say = (what: string): void =>
      kernel.printk(`irq_nesting: ${what.padEnd(32)} irqs_disabled() = ${kernel.irqs_disabled() ? 1 : 0}`);
    kernel.local_irq_disable();
    say('local_irq_disable()');
    kernel.local_irq_disable();
    say('local_irq_disable() again');
    kernel.local_irq_enable();
    say('local_irq_enable() once');
    const outer = kernel.local_irq_save();
    say('local_irq_save(outer)');
    const inner = kernel.local_irq_save();
    say('local_irq_save(inner)');
    kernel.local_irq_restore(inner);
    say('local_irq_restore(inner)');
    kernel.local_irq_restore(outer);
    say('local_irq_restore(outer)');
  },
};

/** Tries to probe the machinery that probes are made of. */
const probeTheProber: ModuleSource = {
  init(kernel) {
    const error = kernel.register_kprobe({ symbol_name: 'kprobe_exceptions_notify' });
    kernel.printk(`probe_the_prober: register_kprobe on kprobe_exceptions_notify returned ${error}`);
    return error;
  },
};

/** The bytes at the start of a function before, during and after a probe on its second instruction behind the prologue. */
const seeInt3: ModuleSource = {
  init(kernel) {
    const show = (when: string): void => {
      const bytes = kernel.kernel_text('vfs_read', 16).map((byte) => byte.toString(16).padStart(2, '0'));
      kernel.printk(`see_int3: ${when.padEnd(10)} ${bytes.join(' ')}`);
    };
    const probe = { symbol_name: 'vfs_read', offset: 10 };
    show('before');
    const error = kernel.register_kprobe(probe);
    show('registered');
    kernel.unregister_kprobe(probe);
    show('after');
    return error;
  },
};

/** Modules that the lab has ready, by the name of their file without `.ko`. */
export const LAB_MODULES: Readonly<Record<string, () => ModuleSource>> = {
  open_logger: () => openLogger(true),
  open_logger_leaky: () => openLogger(false),
  irq_nesting: () => irqNesting,
  probe_the_prober: () => probeTheProber,
  see_int3: () => seeInt3,
};
