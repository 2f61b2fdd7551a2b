import type { TextSymbol } from '../execution/text.ts';
import { TaskSleep } from './task-sleep.ts';
import type { TraceArray } from './trace-array.ts';
import { flag } from './trace-file.ts';
import type { TraceFile } from './trace-file.ts';
import { attachAll, chosen, currentKey } from './traced-calls.ts';

/** struct ftrace_profile: of one function on one CPU. */
interface Profile {
  readonly name: string;
  hits: number;
  timeNs: number;
  /** Sum of the squares of single times. */
  squares: number;
}
interface OpenCall {
  readonly symbol: TextSymbol;
  readonly timeNs: number;
  readonly sleptNs: number;
  /** What the calls inside have taken, where their time is not its own (the option graph-time is off). */
  insideNs: number;
}

/** Counts and times all functions that the filters leave (function_profile_enabled). */
export class FunctionProfiler {
  private readonly array: TraceArray;
  private profiles: readonly Map<TextSymbol, Profile>[];
  private stop: (() => void) | null = null;

  constructor(array: TraceArray) {
    this.array = array;
    this.profiles = this.empty();
  }
  get isEnabled(): boolean {
    return this.stop !== null;
  }
  /** What was counted before is forgotten when counting begins. */
  enable(on: boolean): void {
    if (on === this.isEnabled) return;
    this.stop?.();
    this.stop = null;
    if (!on) return;
    this.profiles = this.empty();
    this.stop = this.start();
  }
  private empty(): readonly Map<TextSymbol, Profile>[] {
    return this.array.machine.cpuList.map(() => new Map());
  }
  private start(): () => void {
    const { array } = this;
    const { machine, options, filters } = array;
    const functions = chosen(array, filters);
    const stacks = new Map<number, OpenCall[]>();
    const sleep = new TaskSleep(machine, () => !options.get('sleep-time'));
    let isActive = true;
    const callsOf = (): OpenCall[] => {
      const key = currentKey(machine);
      let calls = stacks.get(key);
      if (calls === undefined) stacks.set(key, (calls = []));
      return calls;
    };
    const stopEntries = attachAll(array, functions, 'fentry', (symbol, name) => {
      const { time, id } = machine.cpu;
      callsOf().push({ symbol, timeNs: time, sleptNs: sleep.ofCurrent(), insideNs: 0 });
      const profiles = this.profiles[id]!;
      const profile = profiles.get(symbol);
      if (profile === undefined) profiles.set(symbol, { name, hits: 1, timeNs: 0, squares: 0 });
      else profile.hits += 1;
    });
    const stopExits = attachAll(array, functions, 'fexit', (symbol) => {
      // Calls may end after counting has.
      if (!isActive) return;
      const calls = callsOf();
      const at = calls.findLastIndex((call) => call.symbol === symbol);
      if (at < 0) return;
      const [call] = calls.splice(at);
      const whole = machine.cpu.time - call!.timeNs - sleep.since(call!.sleptNs);
      const outer = calls.at(-1);
      if (outer !== undefined) outer.insideNs += whole;
      const took = options.get('graph-time') ? whole : Math.max(0, whole - call!.insideNs);
      // A call that began on another CPU is none of this one's.
      const profile = this.profiles[machine.cpu.id]!.get(symbol);
      if (profile === undefined) return;
      profile.timeNs += took;
      profile.squares += took * took;
    });
    return () => {
      isActive = false;
      stopEntries();
      stopExits();
      sleep.stop();
    };
  }
  /** The file trace_stat/functionN: what took longest first. */
  text(cpu: number): string {
    const rows = [...this.profiles[cpu]!.values()].sort((a, b) => b.timeNs - a.timeNs);
    const thresholdNs = this.array.latency.thresholdNs;
    return (
      HEADER +
      rows
        .filter((row) => row.timeNs / row.hits >= thresholdNs)
        .map(profileLine)
        .join('')
    );
  }
}

const HEADER =
  '  Function                               Hit    Time            Avg             s^2\n' +
  '  --------                               ---    ----            ---             ---\n';
const NAME_WIDTH = 30;
const GAP = '    ';
/** function_stat_show() */
function profileLine({ name, hits, timeNs, squares }: Profile): string {
  const average = timeNs / hits;
  // Over a thousand only, since the column divides by another.
  const variance = hits <= 1 ? 0 : Math.max(0, (hits * squares - timeNs * timeNs) / (hits * (hits - 1) * 1000));
  const head = `  ${name.slice(0, NAME_WIDTH).padEnd(NAME_WIDTH)}  ${String(hits).padStart(10)}`;
  return `${[head, ...[timeNs, average, variance].map(durationText)].join(GAP)}\n`;
}
/** Digits of a duration; those in front of the point come first. */
const DIGITS = 7;
const WIDTH = 8;
/** trace_print_graph_duration() */
export function durationText(ns: number): string {
  const us = String(Math.floor(ns / 1000));
  const rest = String(Math.floor(ns) % 1000)
    .padStart(3, '0')
    .slice(0, Math.max(0, DIGITS - us.length));
  const text = us.length < DIGITS ? `${us}.${rest}` : us;
  return `${text} us ${' '.repeat(Math.max(0, WIDTH - text.length))}`;
}

/** function_profile_enabled */
export const profileFile: TraceFile = {
  mode: 0o644,
  read: ({ profiler }) => `${profiler.isEnabled ? 1 : 0}\n`,
  write: ({ profiler }, text) => flag(text, (on) => profiler.enable(on)),
};
/** trace_stat/functionN */
export const statFile = (cpu: number): TraceFile => ({ read: ({ profiler }) => profiler.text(cpu) });
