import type { ProbeKind } from '../../lang/probes.ts';
import type { AddressSpace } from '../../lang/types.ts';

const SPACES: Readonly<Record<ProbeKind, AddressSpace>> = {
  kprobe: 'kernel',
  kretprobe: 'kernel',
  fentry: 'kernel',
  fexit: 'kernel',
  tracepoint: 'kernel',
  rawtracepoint: 'kernel',
  iter: 'kernel',
  uprobe: 'user',
  uretprobe: 'user',
  usdt: 'user',
  begin: 'none',
  end: 'none',
  self: 'none',
  test: 'none',
  bench: 'none',
  profile: 'none',
  interval: 'none',
  software: 'none',
  hardware: 'none',
  watchpoint: 'none',
};

/** Where addresses that a probe hands out lie, as far as its kind tells. */
export function probeSpace(kind: ProbeKind | undefined): AddressSpace {
  return kind === undefined ? 'none' : SPACES[kind];
}
