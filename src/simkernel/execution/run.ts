import { checkDebugTraps, look, trapFlagChanged } from '../cpu/debug-registers.ts';
import { nextLook, refresh, takeInterrupt } from '../cpu/local-apic.ts';
import { FLAGS_IF } from '../cpu/registers.ts';
import { account, storeTaskTimes } from '../cpu/accounting.ts';
import type { Cpu } from '../cpu/cpu.ts';
import { setKernelStack } from '../cpu/descriptor-tables.ts';
import { deliver } from '../cpu/deliver.ts';
import { storeCurrent } from '../cpu/per-cpu.ts';
import { KERNEL_HIGH } from '../memory/arena.ts';
import type { Machine } from '../machine.ts';
import { TASK } from '../tasks/task.ts';
import { makeTaskDead } from '../functions/kernel/exit.ts';
import { runUserProgram } from '../programs/run-user.ts';
import { Pending, resume } from './pending.ts';
import { TaskDied } from './halt.ts';
import { leave } from './hand-over.ts';
import { callSites, declareText } from './text.ts';

/** Direct cost of switching tasks: registers, address space, cold caches. */
const CONTEXT_SWITCH_NS = 700;
/** Steps after which `run` gives the host a chance to see a Ctrl-C: some 30 ms of host time, a step being a system call or an interrupt. */
const STEPS_PER_TURN = 8_000;

/**
 * The main loop. The earliest of all device events and CPUs goes next; a CPU then runs one segment: an interrupt, a system
 * call up to its end or its sleep, or the rest of a kernel thread's work. Within a segment the CPU's own time advances and its
 * interrupts are delivered exactly where they fall (`Machine.catchUp`); other CPUs wait. Whatever one CPU does to another
 * travels as an interrupt with a time, or lies in memory with one (hand-over.ts), so no effect precedes its cause although
 * segments overlap by a few microseconds.
 */
export function runUntil(m: Machine, untilNs: number): void {
  const { cpuList: cpus, events } = m;
  for (let steps = 0; steps < STEPS_PER_TURN && !m.stopped; steps += 1) {
    let earliest = events.nextTime;
    let chosen: Cpu | null = null;
    for (let i = 0; i < cpus.length; i += 1) {
      const cpu = cpus[i]!;
      let ready = cpu.busyUntil < cpu.nextArrival ? cpu.busyUntil : cpu.nextArrival;
      if (ready < cpu.time) ready = cpu.time;
      if (ready < earliest) {
        earliest = ready;
        chosen = cpu;
      }
    }
    if (earliest > untilNs) {
      m.clock = untilNs;
      return;
    }
    m.clock = earliest;
    if (chosen === null) {
      events.runNext();
      continue;
    }
    m.cpu = chosen;
    try {
      step(m, chosen);
    } catch (error) {
      if (!(error instanceof TaskDied)) throw error;
      rewindStackAndMakeDead(m, chosen, error.signal);
    }
  }
}

/** An oops killed the running task: its kernel stack is started afresh for its exit. */
function rewindStackAndMakeDead(m: Machine, cpu: Cpu, signal: number): void {
  const task = cpu.current;
  cpu.userMode = false;
  cpu.irqRegs = 0;
  cpu.sp = task.userRegs.address;
  cpu.fp = task.userRegs.address | 1;
  cpu.fn = rewindStack;
  task.rethooks.length = 0;
  cpu.flags = FLAGS_IF;
  trapFlagChanged(cpu);
  refresh(m, cpu);
  settle(m, cpu, makeTaskDead(m, signal));
}
const rewindStack = declareText('rewind_stack_and_make_dead', { traceable: false });

function step(m: Machine, cpu: Cpu): void {
  refresh(m, cpu);
  if (cpu.attentive) look(m, cpu);
  if (cpu.nextArrival <= cpu.busyUntil) {
    interruptIdleOrUser(m, cpu);
    return;
  }
  if (cpu.busyUntil > cpu.time) cpu.time = cpu.busyUntil;
  const task = cpu.current;
  const { pending } = task;
  if (pending === null) {
    task.workLeft = 0;
    settle(m, cpu, runUserProgram(m, cpu, task));
  } else {
    task.pending = null;
    settle(m, cpu, resume(pending, 0));
  }
}

/** An interrupt finds the CPU halted, in user mode, or in kernel work that was declared with `busy`. */
function interruptIdleOrUser(m: Machine, cpu: Cpu): void {
  if (cpu.nextArrival > cpu.time) cpu.time = cpu.nextArrival;
  const started = cpu.time;
  const { userMode, halted, busyUntil, current } = cpu;
  const vector = takeInterrupt(m, cpu);
  if (userMode) current.workLeft = Math.max(0, busyUntil - started);
  cpu.halted = false;
  // `hlt` has been executed: the interrupted instruction is the one behind it.
  const left = deliver(m, cpu, vector, halted ? cpu.fn.entry + callSites(cpu.fn)[m.siteBase]! : 0);
  if (left !== undefined) {
    settle(m, cpu, left);
  } else if (halted) {
    cpu.busyUntil = cpu.time;
  } else {
    cpu.busyUntil = userMode ? cpu.time + current.workLeft : busyUntil + (cpu.time - started);
  }
}

/** A segment ended: the task sleeps, keeps the CPU busy, or is back in user mode. */
function settle(m: Machine, cpu: Cpu, outcome: unknown): void {
  const task = cpu.current;
  if (outcome instanceof Pending) {
    task.pending = outcome;
    if (cpu.next !== null) switchTo(m, cpu);
    return;
  }
  if (!cpu.userMode) {
    account(cpu);
    cpu.userMode = true;
  }
  cpu.busyUntil = cpu.time + task.workLeft;
}

/** The machine's half of context_switch(): stack, registers and memory now belong to the next task. */
function switchTo(m: Machine, cpu: Cpu): void {
  const prev = cpu.current;
  const next = cpu.next!;
  const { words } = m;
  account(cpu);
  storeTaskTimes(words, prev);
  prev.sp = cpu.sp;
  prev.fp = cpu.fp;
  prev.fn = cpu.fn;
  words[(prev.address + TASK.threadSp) >> 2] = cpu.sp;
  words[(prev.address + TASK.threadSp + 4) >> 2] = KERNEL_HIGH;
  m.arena.bytes[prev.address + TASK.onCpu] = 0;
  m.arena.bytes[next.address + TASK.onCpu] = 1;
  cpu.sp = next.sp;
  cpu.fp = next.fp;
  cpu.fn = next.fn;
  cpu.previous = prev;
  cpu.current = next;
  storeCurrent(words, cpu, next);
  cpu.next = null;
  cpu.userMode = false;
  if (cpu.attentive) look(m, cpu);
  leave(m, prev);
  setKernelStack(m.arena, cpu.tss, next.stackTop);
  cpu.time += CONTEXT_SWITCH_NS;
  cpu.busyUntil = cpu.time;
}

/** Interrupts and device events that fall into the `ns` just spent by kernel code on this CPU, each at its own time. */
export function catchUp(m: Machine, cpu: Cpu, ns: number): void {
  if (cpu.attentive) checkDebugTraps(m, cpu);
  let start = cpu.time - ns;
  while (nextLook(m, cpu) <= cpu.time) {
    const { events } = m;
    if (events.nextTime <= cpu.time && events.nextTime <= cpu.nextArrival) {
      events.runNext();
      refresh(m, cpu);
      continue;
    }
    const at = Math.max(cpu.nextArrival, start);
    const rest = cpu.time - at;
    cpu.time = at;
    deliver(m, cpu, takeInterrupt(m, cpu));
    start = cpu.time;
    cpu.time += rest;
  }
}
