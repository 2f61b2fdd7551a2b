import { HELPERS } from '../abi/helpers.ts';
import { MAX_PROCESSED } from '../verifier/limits.ts';
import type { Simulation } from './simulation.ts';
import { VERSION } from './version.ts';

/** Libraries that bpftrace can be built with; none of them is here. */
const LIBRARIES = [
  'bfd',
  'libdw (DWARF support)',
  'libsystemd (systemd notify support)',
  'blazesym (advanced symbolization)',
  'dwunwind (DWARF stack unwinding)',
] as const;

/** Helpers that bpftrace asks the kernel for. */
const HELPERS_ASKED_FOR = {
  dpath: 'd_path',
  get_tai_ns: 'ktime_get_tai_ns',
  get_func_ip: 'get_func_ip',
  lookup_percpu_elem: 'map_lookup_percpu_elem',
  loop: 'loop',
} as const;

/** Ways of attaching; --no-feature takes some away. */
const PROBE_TYPES = { kprobe_multi: true, uprobe_multi: true, kprobe_session: false, iter: false } as const;

const CELL = 35;
const yesOrNo = (value: boolean): string => (value ? 'yes' : 'no');

/** Two cells a line, padded as bpftrace's are. */
function table(title: string, rows: readonly (readonly [name: string, value: string])[]): string {
  const cells = rows.map(([name, value]) => `${name}: ${value}`);
  let text = `${title}\n`;
  for (let i = 0; i < cells.length; i += 2) {
    text += `  ${cells[i]!}`.padEnd(CELL) + (cells[i + 1] ?? '').padEnd(i + 1 < cells.length ? CELL : 0) + '\n';
  }
  return `${text}\n`;
}

/** What --info prints of a machine and of this build. */
export function describeSystem({ kernel }: Simulation, withoutFeatures: readonly string[]): string {
  const helpers = Object.entries(HELPERS_ASKED_FOR).map(
    ([shown, name]) => [shown, yesOrNo(Object.hasOwn(HELPERS, name))] as const,
  );
  const probeTypes = Object.entries(PROBE_TYPES).map(
    ([name, supported]) => [name, yesOrNo(supported && !withoutFeatures.includes(name))] as const,
  );
  const system = `System\n  OS: ${kernel.command('uname -srv').printed.trim()}\n  Arch: ${kernel.abi.machine}\n\n`;
  const build = [`version: v${VERSION}`, 'LLVM: no', ...LIBRARIES.map((name) => `${name}: no`)];
  return (
    `${system}Build\n${build.map((line) => `  ${line}\n`).join('')}\n` +
    table('Kernel helpers', helpers) +
    table('Kernel features', [
      ['Instruction limit', String(MAX_PROCESSED)],
      ['btf', 'yes'],
      ['module btf', 'no'],
    ]) +
    table('Probe types', probeTypes)
  );
}
