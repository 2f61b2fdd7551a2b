import type { PT_REGS } from '../../btf/pt-regs.ts';
import { irqDisable, irqEnable } from '../cpu/local-apic.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import type { KernelFunction } from '../execution/kernel-function.ts';
import { faultAt } from '../functions/x86/kernel-access.ts';
import { freeIrq, requestIrq } from '../functions/kernel/irq-manage.ts';
import { localIrqRestore, localIrqSave } from '../functions/kernel/spinlock.ts';
import { IRQ_NONE } from '../irq/irq-desc.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { loadText, storeText } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import { MachineHalted, TaskDied } from '../execution/halt.ts';
import { printk } from '../printk.ts';
import { InternalError } from '../../source/bug.ts';
import { registerKprobe } from '../probes/register-kprobe.ts';
import { EILSEQ, EINVAL, ENOENT } from '../errno.ts';

/** pt_regs as a handler reads them by the kernel's names: `regs.si`, on arm64 `regs.x1`. */
export type Registers = Readonly<Record<keyof typeof PT_REGS | Arm64Register, bigint>>;
type Digit = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;
type Arm64Register = `x${Digit}` | `x1${Digit}` | `x2${Digit}` | 'x30' | 'lr' | 'pc' | 'pstate';

/** struct kprobe, as a module declares it. */
export interface ModuleKprobe {
  readonly symbol_name: string;
  readonly offset?: number;
  readonly pre_handler?: (regs: Registers) => void;
  readonly post_handler?: (regs: Registers) => void;
}
/** struct kretprobe. */
export interface ModuleKretprobe {
  readonly symbol_name: string;
  readonly maxactive?: number;
  readonly handler: (regs: Registers) => void;
}

/** A kernel module written in TypeScript: the file exports `init` and `exit`. */
export interface ModuleSource {
  /** Built with the kernel: it does not taint. */
  readonly inTree?: boolean;
  readonly init: (kernel: ModuleApi) => number | void;
  readonly exit?: (kernel: ModuleApi) => void;
}

/** What a module may call: the kernel's names, arguments that its handlers need and no more. */
export interface ModuleApi {
  printk(text: string): void;
  /** 0, or a negative error number. */
  register_kprobe(probe: ModuleKprobe): number;
  unregister_kprobe(probe: ModuleKprobe): void;
  register_kretprobe(probe: ModuleKretprobe): number;
  unregister_kretprobe(probe: ModuleKretprobe): void;
  request_irq(irq: number, handler: (irq: number) => number, flags: number, name: string): number;
  free_irq(irq: number, name: string): void;
  local_irq_disable(): void;
  local_irq_enable(): void;
  local_irq_save(): number;
  local_irq_restore(flags: number): void;
  irqs_disabled(): boolean;
  /** The n-th argument at a function's entry, from 0, and the result at its return, on any architecture. */
  regs_get_kernel_argument(regs: Registers, n: number): bigint;
  regs_return_value(regs: Registers): bigint;
  /** Of the process that the CPU runs. */
  current(): { readonly pid: number; readonly comm: string };
  /** Text in the memory of the current process, or of the kernel. */
  string(address: bigint): string;
  /** The bytes of a function as they are now. */
  kernel_text(symbol: string, count: number): readonly number[];
}

const MODULE = structFields('module', { state: 'state', name: 'name' });
export const MODULE_NAME_LEN = 56;
/** enum module_state */
export const MODULE_STATES = { live: 0, coming: 1, going: 2 } as const;
const MODULE_BASE = -0x3fc00000;
const MODULE_STRIDE = 0x4000;
const LONGEST_STRING = 256;
const ERRNO = { ENOENT, EINVAL, EILSEQ } as const;

/** struct module: what is loaded, and what it has asked the kernel for. */
export class LoadedModule implements KernelObject {
  readonly address: number;
  readonly name: string;
  readonly source: ModuleSource;
  /** Where its text is mapped, as a negative number: the kernel's modules lie in the last 2 GiB of addresses. */
  readonly textAddress: number;
  isLoaded = true;
  private readonly machine: Machine;
  private readonly probes = new Map<object, () => void>();
  private readonly interrupts = new Map<string, { readonly irq: number; readonly device: KernelObject }>();

  constructor(m: Machine, name: string, source: ModuleSource, index: number) {
    this.machine = m;
    this.name = name;
    this.source = source;
    this.textAddress = MODULE_BASE + index * MODULE_STRIDE;
    this.address = m.arena.allocate(MODULE.size, 64);
    storeText(m.arena.bytes, this.address + MODULE.name, name, MODULE_NAME_LEN);
    this.setState(MODULE_STATES.coming);
  }
  setState(state: number): void {
    this.machine.words[(this.address + MODULE.state) >> 2] = state;
  }
  get isOutOfTree(): boolean {
    return this.source.inTree !== true;
  }
  /** Its memory is gone; who still calls its code meets nothing. */
  release(): void {
    this.isLoaded = false;
    this.machine.arena.free(this.address, MODULE.size);
  }
  /** Its code is called; once it is unloaded there is nothing at that address any more. */
  enter<T>(code: () => T): T {
    if (!this.isLoaded) {
      this.machine.inHandler = false;
      faultAt(this.machine, this.textAddress, false);
    }
    try {
      return code();
    } catch (error) {
      if (error instanceof TaskDied || error instanceof MachineHalted || error instanceof InternalError) throw error;
      // A mistake in the user's code is what a bad pointer is in a module in C: it ends whoever came there.
      printk(
        this.machine,
        `${this.name}: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`,
      );
      this.machine.inHandler = false;
      faultAt(this.machine, 0, false);
      throw error;
    }
  }
  private register(
    probe: object,
    request: Omit<Parameters<typeof registerKprobe>[1], 'pre' | 'post'>,
    pre: ((regs: Registers) => void) | undefined,
    post: ((regs: Registers) => void) | undefined,
  ): number {
    const { machine } = this;
    const run = (handler: typeof pre) => (context: number) =>
      this.enter(() => handler?.(registersAt(machine, context)));
    const registered = registerKprobe(machine, {
      ...request,
      pre: (context) => void run(pre)(context),
      ...(post === undefined ? {} : { post: run(post) }),
    });
    if ('errno' in registered) return -ERRNO[registered.errno];
    this.probes.set(probe, () => registered.unregister());
    return 0;
  }
  private unregister(probe: object): void {
    this.probes.get(probe)?.();
    this.probes.delete(probe);
  }
  readonly api: ModuleApi = {
    printk: (text) => printk(this.machine, text),
    register_kprobe: (probe) =>
      this.register(
        probe,
        { kind: 'k', function: probe.symbol_name, offset: probe.offset ?? 0 },
        probe.pre_handler,
        probe.post_handler,
      ),
    unregister_kprobe: (probe) => this.unregister(probe),
    register_kretprobe: (probe) =>
      this.register(
        probe,
        {
          kind: 'r',
          function: probe.symbol_name,
          ...(probe.maxactive === undefined ? {} : { maxActive: probe.maxactive }),
        },
        probe.handler,
        undefined,
      ),
    unregister_kretprobe: (probe) => this.unregister(probe),
    request_irq: (irq, handler, flags, name) => {
      const { machine } = this;
      const device: KernelObject = { address: machine.arena.allocate(64) };
      const fn = handlerOf(`${this.name}_interrupt`, this.name);
      handlersOf(machine).set(fn.symbol.name, (line) => this.enter(() => handler(line)));
      const error = requestIrq(machine, irq, fn, flags, name, device);
      if (error === 0) this.interrupts.set(name, { irq, device });
      return error;
    },
    free_irq: (irq, name) => {
      const interrupt = this.interrupts.get(name);
      if (interrupt?.irq !== irq) return;
      freeIrq(this.machine, irq, interrupt.device);
      this.interrupts.delete(name);
    },
    local_irq_disable: () => irqDisable(this.machine),
    local_irq_enable: () => irqEnable(this.machine),
    local_irq_save: () => localIrqSave(this.machine),
    local_irq_restore: (flags) => localIrqRestore(this.machine, flags),
    irqs_disabled: () => !this.machine.cpu.interruptsEnabled,
    current: () => ({ pid: this.machine.cpu.current.pid, comm: this.machine.cpu.current.comm }),
    regs_get_kernel_argument: (regs, n) => regs[registerAt(this.machine, this.machine.abi.arguments[n])] ?? 0n,
    regs_return_value: (regs) => regs[registerAt(this.machine, this.machine.abi.result)],
    string: (address) => stringAt(this.machine, address),
    kernel_text: (symbol, count) => {
      const { machine } = this;
      const at = machine.kernelSymbolAddress(symbol);
      const from = at === undefined ? -1 : machine.arena.kernelAddress(at.low, at.high, count);
      return from < 0 ? [] : [...machine.arena.bytes.subarray(from, from + count)];
    },
  };
}

/** The name that a place in pt_regs has. */
function registerAt({ abi }: Machine, offset: number | undefined): keyof Registers {
  return Object.keys(abi.registers).find((name) => abi.registers[name] === offset) as keyof Registers;
}
function registersAt(m: Machine, context: number): Registers {
  const { view } = m.arena;
  return new Proxy({} as Registers, {
    get: (_, name: string) =>
      Object.hasOwn(m.abi.registers, name) ? view.getBigUint64(context + m.abi.registers[name]!, true) : undefined,
  });
}
function stringAt(m: Machine, address: bigint): string {
  const isUser = address < 1n << 47n;
  const at = isUser
    ? (m.cpu.current.process?.mm.find(Number(address), 1) ?? -1)
    : m.arena.kernelAddress(Number(BigInt.asIntN(32, address)), Number(BigInt.asIntN(32, address >> 32n)), 1);
  return at < 0 ? '(fault)' : loadText(m.arena.bytes, at, LONGEST_STRING);
}

type Interrupt = (irq: number) => number;
const handlers = new WeakMap<Machine, Map<string, Interrupt>>();
function handlersOf(m: Machine): Map<string, Interrupt> {
  let map = handlers.get(m);
  if (map === undefined) handlers.set(m, (map = new Map()));
  return map;
}
const declared = new Map<string, KernelFunction<[number, KernelObject | null], number>>();
/** A module's interrupt handler is kernel text with an address, declared once for all machines of the process. */
function handlerOf(name: string, module: string): KernelFunction<[number, KernelObject | null], number> {
  let fn = declared.get(name);
  if (fn === undefined) {
    fn = kernelFunction(
      name,
      150,
      (m, irq: number, _device: KernelObject | null): number => handlersOf(m).get(name)?.(irq) ?? IRQ_NONE,
      { module },
    );
    declared.set(name, fn);
  }
  return fn;
}
