import { renderLine } from '../source/render.ts';
import type { CliHost } from './host.ts';

const MODES = ['auto', 'always', 'never'];

/** BPFTRACE_COLOR decides; without it, colors go to terminals only. */
export function useColor(host: CliHost): boolean {
  const mode = host.env['BPFTRACE_COLOR'] ?? 'auto';
  return mode === 'always' || (mode !== 'never' && host.isTerminal);
}

/** Says so if BPFTRACE_COLOR is none of the modes. */
export function warnOfColor(host: CliHost): void {
  const mode = host.env['BPFTRACE_COLOR'];
  if (mode === undefined || MODES.includes(mode)) return;
  const message = `Invalid env value! The valid values of \`BPFTRACE_COLOR\` are [auto|always|never]. The current value is ${mode}!`;
  host.stderr(renderLine('warning', message, undefined, { color: useColor(host) }));
}
