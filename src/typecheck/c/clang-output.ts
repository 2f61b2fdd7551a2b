import type { Diagnostic } from '../../source/diagnostic.ts';
import { renderMessage } from './messages.ts';
import type { CMessage } from './messages.ts';

/**
 * How often bpftrace has clang parse the preamble, and clang print its messages each time: once to see a conflict with BTF (and then once without BTF);
 * else again to find incomplete types, after adding them, to find unknown typedefs (twice when there are any), after adding those, and in the end.
 */
const PARSES = { conflict: 2, unknownType: 7, other: 6 } as const;

/** clang's messages as bpftrace shows them; none if there is no error. */
export function clangDiagnostics(messages: readonly CMessage[]): readonly Diagnostic[] {
  if (!messages.some(({ severity }) => severity === 'error' || severity === 'fatal error')) return [];
  const has = (pattern: RegExp): boolean => messages.some(({ text }) => pattern.test(text));
  const isFatal = messages.some(({ severity }) => severity === 'fatal error');
  const isConflict = !isFatal && has(/redefinition/);
  const isUnknown = !isFatal && !isConflict && has(/^(unknown type name|use of undeclared identifier) '/);
  const parses = isConflict ? PARSES.conflict : isUnknown ? PARSES.unknownType : PARSES.other;
  const lines = Array.from({ length: parses }, () => messages.map(renderMessage)).flat();
  if (isConflict) {
    lines.push(
      'WARNING: Cannot take type definitions from BTF since there is a redefinition conflict with user-defined types.',
    );
  } else if (isUnknown) {
    lines.push('ERROR: Include headers with missing type definitions or install BTF information to your system.');
  }
  lines.push('Clang parse error');
  return [
    { code: 'clang-parse-error', severity: 'error', message: lines.join('\n'), verbatim: true, hints: [], related: [] },
  ];
}
