import type { Cpu } from '../cpu/cpu.ts';
import { hitGuardPage, STACK_MASK } from '../cpu/guard-page.ts';
import type { Machine } from '../machine.ts';
import { KERNEL_HIGH } from '../memory/arena.ts';
import { drive, Pending } from './pending.ts';
import type { Result, Sleeping } from './pending.ts';
import { declareText, returnAddresses } from './text.ts';
import type { TextOptions, TextSymbol } from './text.ts';

/** A declared kernel function: call it with the machine and its C arguments. */
export type KernelFunction<A extends unknown[], R> = ((m: Machine, ...args: A) => R) & { readonly symbol: TextSymbol };

/** A type-erased body; the arguments are Words. */
export type Body = (m: Machine, ...args: unknown[]) => unknown;

/**
 * Declares a kernel function. `ns` is the CPU time of its own code, spent on entry. Each call pushes the return address and
 * the frame pointer on the simulated stack, runs the body and pops; where probes sit on the function the machine takes the
 * long way (`hookedCall`) with registers and text as a CPU would show them.
 */
export function kernelFunction<A extends unknown[], R>(
  name: string,
  ns: number,
  body: (m: Machine, ...args: A) => R,
  options: TextOptions = {},
): KernelFunction<A, R> {
  const symbol = declareText(name, { ...options, arity: body.length - 1 });
  const call = bindArity(symbol, ns, body as unknown as Body, body.length - 1);
  return Object.assign(call, { symbol }) as unknown as KernelFunction<A, R>;
}

/** A function of the kernel's source that its compiler has put into its callers: no text, no frame, nothing to probe. */
export function inlined<A extends unknown[], R>(
  ns: number,
  body: (m: Machine, ...args: A) => R,
): (m: Machine, ...args: A) => R {
  return (m, ...args) => {
    m.spend(ns);
    return body(m, ...args);
  };
}

/** A kernel function whose body is a generator, for those that sleep in the middle of their work. */
export function sleepingFunction<A extends unknown[], T>(
  name: string,
  ns: number,
  body: (m: Machine, ...args: A) => Sleeping<T>,
  options: TextOptions = {},
): KernelFunction<A, Result<T>> {
  const symbol = declareText(name, { ...options, arity: body.length - 1 });
  const start: Body = (m, ...args) => drive(body(m, ...(args as A)), undefined);
  const call = bindArity(symbol, ns, start, body.length - 1);
  return Object.assign(call, { symbol }) as unknown as KernelFunction<A, Result<T>>;
}

/** Pushes the return address and the caller's frame pointer. */
export function pushFrame(m: Machine, cpu: Cpu, fn: TextSymbol): void {
  const { words } = m;
  const caller = cpu.fn;
  const { sp } = cpu;
  const frame = sp - 16;
  const below = frame - fn.frameBytes;
  // Stacks end at multiples of their size.
  if ((((sp - 1) ^ below) & STACK_MASK) !== 0) hitGuardPage(m, cpu, fn, below);
  const at = frame >> 2;
  words[at] = cpu.fp;
  words[at + 1] = KERNEL_HIGH;
  words[at + 2] = (caller.returns ?? returnAddresses(caller))[fn.siteHash + m.siteBase]!;
  words[at + 3] = -1;
  cpu.fp = frame;
  cpu.sp = below;
  cpu.fn = fn;
}

/** What a call that sleeps does when it finally returns. The task may be on another CPU by then. */
function leaveLater(m: Machine, pending: Pending, caller: TextSymbol, sp: number, fp: number): Pending {
  return pending.then((value) => {
    const { cpu } = m;
    cpu.fn = caller;
    cpu.sp = sp;
    cpu.fp = fp;
    return value;
  });
}

// One closure per arity: a rest parameter would allocate an array for every call.
function bindArity(symbol: TextSymbol, ns: number, body: Body, arity: number): (...args: never[]) => unknown {
  const { index } = symbol;
  switch (arity) {
    case 0:
      return (m: Machine) => {
        if (m.hooked[index] !== 0) return m.hookedCall(symbol, ns, body, []);
        const { cpu } = m;
        const { fn, sp, fp } = cpu;
        pushFrame(m, cpu, symbol);
        const cost = ns * cpu.pace;
        if ((cpu.time += cost) >= cpu.horizon) m.catchUp(cpu, cost);
        const result = body(m);
        if (typeof result === 'object' && result instanceof Pending) return leaveLater(m, result, fn, sp, fp);
        cpu.fn = fn;
        cpu.sp = sp;
        cpu.fp = fp;
        return result;
      };
    case 1:
      return (m: Machine, a: unknown) => {
        if (m.hooked[index] !== 0) return m.hookedCall(symbol, ns, body, [a]);
        const { cpu } = m;
        const { fn, sp, fp } = cpu;
        pushFrame(m, cpu, symbol);
        const cost = ns * cpu.pace;
        if ((cpu.time += cost) >= cpu.horizon) m.catchUp(cpu, cost);
        const result = body(m, a);
        if (typeof result === 'object' && result instanceof Pending) return leaveLater(m, result, fn, sp, fp);
        cpu.fn = fn;
        cpu.sp = sp;
        cpu.fp = fp;
        return result;
      };
    case 2:
      return (m: Machine, a: unknown, b: unknown) => {
        if (m.hooked[index] !== 0) return m.hookedCall(symbol, ns, body, [a, b]);
        const { cpu } = m;
        const { fn, sp, fp } = cpu;
        pushFrame(m, cpu, symbol);
        const cost = ns * cpu.pace;
        if ((cpu.time += cost) >= cpu.horizon) m.catchUp(cpu, cost);
        const result = body(m, a, b);
        if (typeof result === 'object' && result instanceof Pending) return leaveLater(m, result, fn, sp, fp);
        cpu.fn = fn;
        cpu.sp = sp;
        cpu.fp = fp;
        return result;
      };
    case 3:
      return (m: Machine, a: unknown, b: unknown, c: unknown) => {
        if (m.hooked[index] !== 0) return m.hookedCall(symbol, ns, body, [a, b, c]);
        const { cpu } = m;
        const { fn, sp, fp } = cpu;
        pushFrame(m, cpu, symbol);
        const cost = ns * cpu.pace;
        if ((cpu.time += cost) >= cpu.horizon) m.catchUp(cpu, cost);
        const result = body(m, a, b, c);
        if (typeof result === 'object' && result instanceof Pending) return leaveLater(m, result, fn, sp, fp);
        cpu.fn = fn;
        cpu.sp = sp;
        cpu.fp = fp;
        return result;
      };
    case 4:
      return (m: Machine, a: unknown, b: unknown, c: unknown, d: unknown) => {
        if (m.hooked[index] !== 0) return m.hookedCall(symbol, ns, body, [a, b, c, d]);
        const { cpu } = m;
        const { fn, sp, fp } = cpu;
        pushFrame(m, cpu, symbol);
        const cost = ns * cpu.pace;
        if ((cpu.time += cost) >= cpu.horizon) m.catchUp(cpu, cost);
        const result = body(m, a, b, c, d);
        if (typeof result === 'object' && result instanceof Pending) return leaveLater(m, result, fn, sp, fp);
        cpu.fn = fn;
        cpu.sp = sp;
        cpu.fp = fp;
        return result;
      };
    case 5:
    case 6:
      return (m: Machine, a: unknown, b: unknown, c: unknown, d: unknown, e: unknown, f: unknown) => {
        if (m.hooked[index] !== 0) return m.hookedCall(symbol, ns, body, [a, b, c, d, e, f].slice(0, arity));
        const { cpu } = m;
        const { fn, sp, fp } = cpu;
        pushFrame(m, cpu, symbol);
        const cost = ns * cpu.pace;
        if ((cpu.time += cost) >= cpu.horizon) m.catchUp(cpu, cost);
        const result = body(m, a, b, c, d, e, f);
        if (typeof result === 'object' && result instanceof Pending) return leaveLater(m, result, fn, sp, fp);
        cpu.fn = fn;
        cpu.sp = sp;
        cpu.fp = fp;
        return result;
      };
    // More than six pass through the stack; such functions are rare.
    default:
      return (
        m: Machine,
        a: unknown,
        b: unknown,
        c: unknown,
        d: unknown,
        e: unknown,
        f: unknown,
        ...rest: unknown[]
      ) => {
        if (m.hooked[index] !== 0) return m.hookedCall(symbol, ns, body, [a, b, c, d, e, f, ...rest].slice(0, arity));
        const { cpu } = m;
        const { fn, sp, fp } = cpu;
        pushFrame(m, cpu, symbol);
        const cost = ns * cpu.pace;
        if ((cpu.time += cost) >= cpu.horizon) m.catchUp(cpu, cost);
        const result = body(m, a, b, c, d, e, f, ...rest);
        if (typeof result === 'object' && result instanceof Pending) return leaveLater(m, result, fn, sp, fp);
        cpu.fn = fn;
        cpu.sp = sp;
        cpu.fp = fp;
        return result;
      };
  }
}
