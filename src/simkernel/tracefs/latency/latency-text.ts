import { KERNEL_RELEASE } from '../../version.ts';
import { recordsOf } from '../ring-buffer.ts';
import type { TraceEntry, TraceRing } from '../ring-buffer.ts';
import { shownSymbol } from '../symbol-style.ts';
import type { TraceArray } from '../trace-array.ts';
import { CLOCKS } from '../trace-clock.ts';
import { eventText, flagsText } from '../trace-text.ts';
import type { LongestLatency } from './latency.ts';

/** preempt_model_str() */
const PREEMPT_MODEL = 'PREEMPT(lazy)';
const RULE = '#    -----------------\n';
/** Of the columns between PID and time (print_lat_help_header). */
const COLUMNS =
  '#                    _------=> CPU#            \n' +
  '#                   / _-----=> irqs-off/BH-disabled\n' +
  '#                  | / _----=> need-resched    \n' +
  '#                  || / _---=> hardirq/softirq \n' +
  '#                  ||| / _--=> preempt-depth   \n' +
  '#                  |||| / _-=> migrate-disable \n' +
  '#                  ||||| /     delay           \n' +
  '#  cmd     pid     |||||| time  |   caller     \n' +
  '#     \\   /        ||||||  \\    |    /       \n';

const microseconds = (ns: number): number => Math.floor((ns + 500) / 1000);

/** print_trace_header(): of the longest latency; of plain records there is none. */
function header(array: TraceArray, longest: LongestLatency | null, count: number, total: number): string {
  const { machine } = array;
  const model = `(M:${PREEMPT_MODEL} VP:0, KP:0, SP:0 HP:0 #P:${machine.cpus})`;
  const { comm, pid, uid, nice, realTime } = longest?.task ?? NOBODY;
  const policy = realTime > 0 ? 1 : 0;
  return (
    `# ${array.tracerName} latency trace v1.1.5 on ${KERNEL_RELEASE}\n# ${'-'.repeat(68)}\n` +
    `# latency: ${microseconds(longest?.latencyNs ?? 0)} us, #${count}/${total}, CPU#${longest?.cpu ?? 0} | ${model}\n${RULE}` +
    `#    | task: ${comm.slice(0, 16)}-${pid} (uid:${uid} nice:${nice} policy:${policy} rt_prio:${realTime})\n${RULE}` +
    `${criticalText(array, longest)}#\n${COLUMNS}`
  );
}
const NOBODY: LongestLatency['task'] = { comm: '', pid: 0, uid: 0, nice: 0, realTime: 0 };
function criticalText(array: TraceArray, longest: LongestLatency | null): string {
  if (longest === null || longest.critical === null) return '';
  const { start, end } = longest.critical;
  return `#  => started at: ${shownSymbol(array, start)}\n#  => ended at:   ${shownSymbol(array, end)}\n#\n`;
}

/** What is above what a line waits for: `!` for 100 microseconds, `+` for one. */
function delayMark(ns: number): string {
  const us = microseconds(ns);
  return us > 100 ? '!' : us > 1 ? '+' : ' ';
}
/** trace_print_lat_context() */
function line(array: TraceArray, entry: TraceEntry, next: TraceEntry | undefined, startNs: number): string {
  const { shared, clock } = array;
  const { pid, cpu, data, timeNs } = entry;
  const task = `${shared.commOf(pid).slice(0, 8).padStart(8)}-${String(pid).padEnd(7)} ${String(cpu).padStart(3)}`;
  const place = `${task}${flagsText(data)}`;
  const time = CLOCKS[clock].isTime
    ? ` ${String(microseconds(timeNs - startNs)).padStart(4)}us${delayMark((next?.timeNs ?? timeNs) - timeNs)}: `
    : ` ${String(timeNs).padStart(4)}: `;
  return `${place}${time}${eventText(array, entry)}\n`;
}

/** The option latency-format: times from the first record on, and no date; of a longest latency only what belongs to it. */
export function latencyText(array: TraceArray, rings: readonly TraceRing[]): string {
  const longest = array.tracer?.showsLongest === true ? array.latency.record : null;
  const shown = array.tracer?.showsLongest === true ? (array.snapshotRings ?? []) : rings;
  const all = recordsOf(shown);
  const entries =
    longest === null
      ? all
      : all.filter(({ timeNs, cpu }) => timeNs >= longest.startNs && !(longest.isOfOneCpu && cpu !== longest.cpu));
  const title = `# tracer: ${array.tracerName}\n#\n`;
  if (entries.length === 0 || (array.tracer?.showsLongest === true && longest === null)) return title;
  const startNs = longest?.startNs ?? entries[0]!.timeNs;
  const lines = entries.map((entry, i) => line(array, entry, entries[i + 1], startNs));
  return title + header(array, longest, entries.length, entries.length) + lines.join('');
}
