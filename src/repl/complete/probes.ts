import { PROBES, PROBE_KINDS, type ProbeKind } from '../../lang/probes.ts';
import type { Target } from '../../lang/target.ts';
import { listProbes } from '../../pipeline/list.ts';
import { PROBE_HELP } from '../help/words.ts';
import type { Candidate } from './rank.ts';

/** `char *buf` where lists of probes say `char * buf`. */
export const parameterList = (parameters: readonly string[]): string => parameters.join(', ').replaceAll('* ', '*');

const nothing = (): string => '';

/** How often clocks are usually told to fire, by the unit. */
const USUAL_COUNTS: Readonly<Record<string, readonly string[]>> = {
  hz: ['99', '49', '999'],
  s: ['1', '5', '10'],
  ms: ['10', '100', '500'],
  us: ['100', '500'],
};

/** What may stand in place of an attach point's last part, with everything before it typed already. */
export function probeCandidates(target: Target, text: string): readonly Candidate[] {
  const parts = text.split(':');
  if (parts.length === 1) return kinds();
  const kind = kindNamed(parts[0]!);
  if (kind === undefined) return [];
  const typed = parts.slice(1, -1);
  if (kind === 'interval' || kind === 'profile')
    return typed.length === 0
      ? Object.keys(USUAL_COUNTS).map((unit) => ({ text: unit, detail: nothing }))
      : (USUAL_COUNTS[typed[0]!] ?? []).map((count) => ({ text: count, detail: nothing }));
  if (kind === 'uprobe' || kind === 'uretprobe')
    return typed.length === 0
      ? target.userFiles().map((path) => ({ text: path, detail: nothing }))
      : [...new Set((target.userFile(typed[0]!)?.symbols ?? []).map(({ name }) => name))].map((name) => ({
          text: name,
          detail: nothing,
        }));
  if (kind === 'tracepoint' && typed.length === 0) return categories(target);
  return listed(target, kind, typed);
}

function kinds(): readonly Candidate[] {
  return PROBE_KINDS.map((kind) => ({
    text: PROBES[kind].target === '' ? kind : `${kind}:`,
    detail: () => PROBE_HELP[kind],
  }));
}

function kindNamed(word: string): ProbeKind | undefined {
  return PROBE_KINDS.find((kind) => kind === word || (PROBES[kind].aliases as readonly string[]).includes(word));
}

function categories(target: Target): readonly Candidate[] {
  const counts = new Map<string, number>();
  for (const { category } of target.tracepoints()) counts.set(category, (counts.get(category) ?? 0) + 1);
  return [...counts].map(([category, count]) => ({ text: `${category}:`, detail: () => `${count} tracepoints` }));
}

function listed(target: Target, kind: ProbeKind, typed: readonly string[]): readonly Candidate[] {
  const pattern = [kind, ...typed, '*'].join(':');
  return listProbes(target, pattern).map(({ name, parameters }) => ({
    text: name.slice(name.lastIndexOf(':', name.length - 2) + 1),
    detail: () => parameterList(parameters()),
  }));
}
