import { expect, test } from 'vitest';
import { textSymbol } from '../../src/simkernel/execution/text.ts';
import { KERNEL_PROFILES } from '../../src/simkernel/kernel-profiles.ts';
import type { FunctionAlias } from '../../src/simkernel/kernel-profiles.ts';
import { createMachine } from '../../src/simkernel/machine.ts';
import { SCENARIOS } from '../../src/simkernel/scenarios/index.ts';
import { tracepointFormat } from '../../src/simkernel/tracepoint-formats.ts';
import { PT_REGS } from '../../src/btf/pt-regs.ts';
import { runFor, SECOND } from './support.ts';

test('every name of a profile stands for something that the machine has', () => {
  for (const { functions, tracepoints } of Object.values(KERNEL_PROFILES)) {
    const missing = Object.values<FunctionAlias>(functions).filter((alias) => textSymbol(alias.function) === undefined);
    expect(missing).toEqual([]);
    for (const event of Object.values<string>(tracepoints)) {
      const [category, name] = event.split(':');
      expect(tracepointFormat(category!, name!)).toBeDefined();
    }
  }
});

test('a kprobe on an old name sees the arguments in the old order, and other probes theirs', () => {
  const m = createMachine({ scenario: SCENARIOS.build, profile: '5.0-book' });
  const old: number[] = [];
  const own: number[] = [];
  const di = (regs: number): number => m.words[(regs + PT_REGS.di) >> 2]!;
  const si = (regs: number): number => m.words[(regs + PT_REGS.si) >> 2]!;
  m.attach({ kind: 'kprobe', function: 'add_to_page_cache_lru', offset: 0 }, (regs) => old.push(si(regs)));
  m.attach({ kind: 'kprobe', function: 'filemap_add_folio', offset: 0 }, (regs) => own.push(di(regs)));
  runFor(m, 0.2 * SECOND);
  expect(old.length).toBeGreaterThan(10);
  expect(old).toEqual(own);
});
