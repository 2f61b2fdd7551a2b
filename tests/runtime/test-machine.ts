import { ABIS } from '../../src/btf/abi/abis.ts';
import { Memory } from '../../src/jit/web-assembly.ts';
import type { AttachResult, HookHandler, HookTarget, Kernel, SymbolHit } from '../../src/runtime/kernel.ts';

const KERNEL_HIGH = 0xffff_8880 | 0;
const PAGE = 4096;
/** Of WebAssembly, 64 KiB each. */
const PAGES = 1024;

/**
 * The smallest machine that can run programs: memory, a clock with an event queue, one current task, hooks that a test
 * fires itself. User space is the first MiB of addresses, mapped onto the arena page by page by `mapUser`.
 */
export function createTestMachine(options: { cpus?: number } = {}) {
  const wasmMemory = new Memory({ initial: PAGES, maximum: PAGES, shared: true });
  const { buffer } = wasmMemory;
  const bytes = new Uint8Array(buffer);
  const words = new Int32Array(buffer);
  let top = 64 * 1024;
  const allocate = (size: number, align = 8): number => {
    const at = Math.ceil(top / align) * align;
    if (at + size > bytes.length) throw new Error('arena is full');
    top = at + size;
    return at;
  };
  const current = {
    cpu: allocate(8),
    time: allocate(8),
    pidTgid: allocate(8),
    probedFunction: allocate(8),
    uidGid: allocate(8),
    comm: allocate(16),
    task: allocate(8),
  };
  const userPages = new Map<number, number>();
  const hooks = new Map<string, HookHandler[]>();
  const events: { time: number; callback: () => void }[] = [];
  const signals: [number, number][] = [];
  const kernelStack: bigint[] = [];
  const userStack: bigint[] = [];
  const symbols: (SymbolHit & { address: bigint })[] = [];
  const files = new Map<string, Uint8Array>();
  let time = 0;
  let stopped = false;

  const setTime = (ns: number): void => {
    time = ns;
    words[current.time >> 2] = ns | 0;
    words[(current.time >> 2) + 1] = Math.floor(ns / 0x1_0000_0000);
  };
  const writeStack = (stack: readonly bigint[], out: number, limit: number, skip: number): number => {
    const frames = stack.slice(skip, skip + limit);
    frames.forEach((address, i) => new DataView(buffer).setBigUint64(out + i * 8, address, true));
    return frames.length;
  };
  const symbolAt = (low: number, high: number): SymbolHit | undefined => {
    const address = BigInt.asUintN(64, (BigInt(high) << 32n) | BigInt(low >>> 0));
    const hit = symbols.findLast((symbol) => symbol.address <= address && address < symbol.address + 0x1000n);
    return hit && { name: hit.name, module: hit.module, offset: Number(address - hit.address) };
  };

  const kernel: Kernel = {
    abi: ABIS.x86_64,
    memory: {
      buffer,
      wasmMemory,
      kernelHigh: KERNEL_HIGH,
      allocate,
      free: () => undefined,
      kernelAddress: (low, high, size) => (high === KERNEL_HIGH && low > 0 && low + size <= top ? low : -1),
      readKernel(to, size, low, high) {
        if (high !== KERNEL_HIGH || low < PAGE || low + size > top) return -14;
        bytes.copyWithin(to, low, low + size);
        return 0;
      },
      readUser(to, size, low, high) {
        for (let i = 0; i < size; i++) {
          const page = high === 0 ? userPages.get((low + i) >>> 12) : undefined;
          if (page === undefined) return -14;
          bytes[to + i] = bytes[page + ((low + i) & (PAGE - 1))]!;
        }
        return 0;
      },
      writeUser: () => -14,
    },
    cpus: options.cpus ?? 2,
    current,
    now: () => time,
    bootTimeNs: 1_700_000_000_000_000_000,
    run(untilNs) {
      stopped = false;
      while (!stopped) {
        events.sort((a, b) => a.time - b.time);
        if (events[0] === undefined || events[0].time > untilNs) break;
        const event = events.shift()!;
        setTime(Math.max(time, event.time));
        event.callback();
      }
      if (!stopped) setTime(untilNs);
    },
    stop: () => void (stopped = true),
    at: (timeNs, callback) => void events.push({ time: timeNs, callback }),
    asTracer: (body) => body(),
    attach(target: HookTarget, handler: HookHandler): AttachResult {
      const key = hookKey(target);
      if (target.kind === 'kprobe' && target.function.startsWith('missing')) {
        return { ok: false, errno: 'ENOENT', reason: 'no such function' };
      }
      const handlers = hooks.get(key) ?? [];
      hooks.set(key, [...handlers, handler]);
      return {
        ok: true,
        detach: () =>
          void hooks.set(
            key,
            hooks.get(key)!.filter((other) => other !== handler),
          ),
      };
    },
    kernelStack: (out, limit, skip) => writeStack(kernelStack, out, limit, skip),
    userStack: (out, limit, skip) => writeStack(userStack, out, limit, skip),
    kernelSymbol: symbolAt,
    userSymbol: (_pid, low, high) => symbolAt(low, high),
    kernelSymbolAddress: () => undefined,
    readFile: (path) => files.get(path),
    executable: () => undefined,
    hasProcess: () => true,
    spawn: () => 'there are no programs here',
    userName: (uid) => (uid === 0 ? 'root' : undefined),
    sendSignal: (pid, signal) => {
      signals.push([pid, signal]);
      return 0;
    },
    command: (line) => ({ printed: `ran ${line}\n`, status: 0 }),
  };

  return {
    kernel,
    bytes,
    words,
    view: new DataView(buffer),
    signals,
    kernelStack,
    userStack,
    symbols,
    files,
    setTime,
    setCpu: (cpu: number): void => void (words[current.cpu >> 2] = cpu),
    /** Fills in who is running. */
    setTask(pid: number, tgid: number, comm: string): void {
      words[current.pidTgid >> 2] = pid;
      words[(current.pidTgid >> 2) + 1] = tgid;
      bytes.fill(0, current.comm, current.comm + 16);
      bytes.set(new TextEncoder().encode(comm).subarray(0, 15), current.comm);
    },
    mapUser(address: number, content: Uint8Array): void {
      const page = allocate(PAGE, PAGE);
      userPages.set(address >>> 12, page);
      bytes.set(content, page + (address & (PAGE - 1)));
    },
    /** Runs what is attached to a target, in order of attachment. */
    fire(target: HookTarget, context = 0): void {
      for (const handler of hooks.get(hookKey(target)) ?? []) handler(context);
    },
    attachedCount: (): number => [...hooks.values()].reduce((sum, handlers) => sum + handlers.length, 0),
  };
}
export type TestMachine = ReturnType<typeof createTestMachine>;

function hookKey(target: HookTarget): string {
  return JSON.stringify(target);
}
