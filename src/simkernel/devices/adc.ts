import { kernelFunction } from '../execution/kernel-function.ts';
import { Pending } from '../execution/pending.ts';
import type { Result } from '../execution/pending.ts';
import type { File, FileOperations, Inode, IovIter, Kiocb } from '../fs/file.ts';
import { IO_APIC_CHIP } from '../functions/x86/irq-chips.ts';
import { requestIrq } from '../functions/kernel/irq-manage.ts';
import { schedule, setTaskState, wakeUpProcess } from '../functions/kernel/sched.ts';
import {
  createSpinLock,
  spinLock,
  spinLockIrqSave,
  spinUnlock,
  spinUnlockIrqRestore,
} from '../functions/kernel/spinlock.ts';
import type { SpinLock } from '../functions/kernel/spinlock.ts';
import { createIrqDesc, IRQ_HANDLED, IRQ_NONE } from '../irq/irq-desc.ts';
import type { KernelObject } from '../memory/arena.ts';
import { TASK_INTERRUPTIBLE, TASK_RUNNING } from '../tasks/task.ts';
import type { Task } from '../tasks/task.ts';
import type { DeviceSpec } from './device.ts';
import { S_IFCHR } from '../fs/file-mode.ts';

/** Line 7 of the 8259A: the parallel port, to which the converter is plugged. */
const IRQ = 7;
const CONVERSION_NS = 150_000;
/** An access to a port of the ISA bus. */
const PORT_NS = 900;
const SAMPLE_BYTES = 2;

/** One converter; there are two alike, one with its interrupt wired and one that must be asked. */
interface Converter extends KernelObject {
  readonly hasInterrupt: boolean;
  /** Guards what the interrupt changes too. */
  readonly lock: SpinLock;
  done: boolean;
  reader: Task | null;
}

/** Writes the start bit; the result is there a while later. */
const adcStart = kernelFunction(
  'adc_start',
  20,
  (m, adc: Converter): void => {
    const flags = spinLockIrqSave(m, adc.lock);
    m.spend(PORT_NS);
    adc.done = false;
    spinUnlockIrqRestore(m, adc.lock, flags);
    const end = m.cpu.time + CONVERSION_NS;
    m.schedule(end, () => {
      adc.done = true;
      if (adc.hasInterrupt) m.ioApic.setLine(IRQ, true, end);
    });
  },
  { module: 'adc' },
);
const adcInterrupt = kernelFunction(
  'adc_interrupt',
  30,
  (m, irq: number, devId: KernelObject | null): number => {
    const adc = devId as Converter;
    m.spend(PORT_NS);
    m.ioApic.setLine(irq, false, m.cpu.time);
    if (!adc.done) return IRQ_NONE;
    spinLock(m, adc.lock);
    const { reader } = adc;
    adc.reader = null;
    spinUnlock(m, adc.lock);
    if (reader !== null) wakeUpProcess(m, reader);
    return IRQ_HANDLED;
  },
  { module: 'adc' },
);

/** Sleeps until the interrupt says that the conversion is over. */
const adcWait = kernelFunction(
  'adc_wait',
  20,
  (m, adc: Converter): Result => {
    if (adc.done) return 0;
    const task = m.cpu.current;
    adc.reader = task;
    setTaskState(m, task, TASK_INTERRUPTIBLE);
    const slept = schedule(m);
    const after = (): number => {
      setTaskState(m, task, TASK_RUNNING);
      return 0;
    };
    return slept instanceof Pending ? slept.then(after) : after();
  },
  { module: 'adc' },
);
/** Reads the status port again and again. */
const adcPoll = kernelFunction(
  'adc_poll',
  20,
  (m, adc: Converter): number => {
    let reads = 0;
    while (!adc.done) {
      m.spend(PORT_NS);
      reads += 1;
    }
    return reads;
  },
  { module: 'adc' },
);

const adcRead = kernelFunction(
  'adc_read',
  40,
  (m, iocb: Kiocb, to: IovIter): Result => {
    const adc = iocb.file.inode.channel as Converter;
    adcStart(m, adc);
    const waited = adc.hasInterrupt ? adcWait(m, adc) : adcPoll(m, adc);
    const after = (): number => {
      m.spend(PORT_NS);
      return Math.min(to.count, SAMPLE_BYTES);
    };
    return waited instanceof Pending ? waited.then(after) : after();
  },
  { module: 'adc' },
);
const adcOpen = kernelFunction('adc_open', 30, (_m, _inode: Inode, _file: File): Result => 0, { module: 'adc' });
const ADC_FILES: FileOperations = {
  open: (m, inode, file) => adcOpen(m, inode, file),
  readIter: (m, iocb, to) => adcRead(m, iocb, to),
};

/** Two analogue-digital converters: /dev/adc0 interrupts when it is done, /dev/adc1 is polled. */
export const adc: DeviceSpec = {
  name: 'adc',
  start(m) {
    [true, false].forEach((hasInterrupt, i) => {
      const converter: Converter = {
        address: m.arena.allocate(64),
        hasInterrupt,
        lock: createSpinLock(m),
        done: true,
        reader: null,
      };
      m.fileSystem.special(`/dev/adc${i}`, S_IFCHR | 0o666, ADC_FILES).channel = converter;
      if (!hasInterrupt) return;
      createIrqDesc(m, { irq: IRQ, chip: IO_APIC_CHIP, hwirq: IRQ, flow: 'edge' });
      requestIrq(m, IRQ, adcInterrupt, 0, 'adc0', converter);
    });
  },
};
