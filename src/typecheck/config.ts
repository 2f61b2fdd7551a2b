import type { ConfigAssignment, Program } from '../ast/nodes.ts';
import { CONFIG } from '../lang/config.ts';
import type { ChoiceRow, Config, ConfigName, ConfigRow } from '../lang/config.ts';
import type { Pass, PassContext } from './context.ts';
import { readInteger } from './integer-text.ts';
import { error, warning } from './messages.ts';

const RENAMED: ReadonlyMap<string, ConfigName> = new Map([
  ['strlen', 'max_strlen'],
  ['no_cpp_demangle', 'cpp_demangle'],
  ['map_keys_max', 'max_map_keys'],
  ['cat_bytes_max', 'max_cat_bytes'],
]);
const DEPRECATED: ReadonlySet<string> = new Set([
  'symbol_source',
  'max_type_res_iterations',
  'unstable_addr',
  'unstable_import',
  'unstable_macro',
  'unstable_map_decl',
]);
const ONLY_ENVIRONMENT: ReadonlySet<string> = new Set(['btf', 'kernel_build', 'kernel_source', 'vmlinux']);
const ENVIRONMENT_PREFIX = 'BPFTRACE_';
// In the order in which bpftrace's message names them: that of a hash table.
const LICENSES = ['Dual MIT/GPL', 'Dual BSD/GPL', 'Dual MPL/GPL', 'GPL and additional rights', 'GPL v2', 'GPL'];

/** The defaults, changed by the script's `config = { ... }` block and then by the environment. */
export const configure: Pass = {
  name: 'config',
  run(program: Program, context: PassContext): Program {
    const values: Record<string, string | number | boolean> = { ...defaultConfig() };
    for (const assignment of program.config?.assignments ?? []) configureOne(assignment, values, context);
    for (const [name, row] of Object.entries(CONFIG)) {
      const text = context.env[ENVIRONMENT_PREFIX + name.toUpperCase()];
      if (text === undefined) continue;
      const parsed = parseValue(name, row, text);
      if ('problem' in parsed) {
        // bpftrace's pass fails as a whole: at the first such variable, and without a severity in front.
        context.report({ ...error('bad-environment', undefined, parsed.problem), verbatim: true });
        break;
      }
      values[name] = parsed.value;
    }
    context.config = values as Config;
    return program;
  },
};

export function defaultConfig(): Config {
  return Object.fromEntries(Object.entries(CONFIG).map(([name, row]) => [name, row.default])) as Config;
}

function configureOne(
  assignment: ConfigAssignment,
  values: Record<string, string | number | boolean>,
  context: PassContext,
): void {
  const { name, span } = assignment;
  if (DEPRECATED.has(name)) {
    context.report(warning('deprecated-config', span, `${name} is deprecated and has no effect`));
    return;
  }
  const plain = name.toLowerCase().replace(/^bpftrace_/, '');
  if (ONLY_ENVIRONMENT.has(plain)) {
    context.report(error('environment-only', span, `${name}: can only be set as an environment variable`));
    return;
  }
  const key = RENAMED.get(plain) ?? plain;
  if (!Object.hasOwn(CONFIG, key)) {
    context.report(error('unknown-config', span, `${name}: not a known configuration option`));
    return;
  }
  // Messages say what the script says, unless that is an old name.
  const called = key === plain ? name : key;
  const value = typeof assignment.value === 'boolean' ? BigInt(assignment.value) : assignment.value;
  const parsed = parseValue(called, CONFIG[key as ConfigName], value);
  if ('problem' in parsed) {
    context.report(error('bad-config', span, parsed.problem));
    return;
  }
  values[key] = parsed.value;
  if (key !== plain) {
    context.report(warning('renamed-config', span, `${name} has been renamed, please use ${key}`));
  }
}

type Parsed = { readonly value: string | number | boolean } | { readonly problem: string };

function parseValue(name: string, row: ConfigRow, value: string | bigint): Parsed {
  const text = String(value);
  switch (row.type) {
    case 'number': {
      const number = typeof value === 'bigint' ? value : readInteger(text);
      if (typeof number === 'bigint') return { value: Number(number) };
      return { problem: `${name}: expecting a number, got ${text}` };
    }
    case 'bool':
      if (typeof value === 'bigint') return { value: value !== 0n };
      if (/^(true|1|on|yes)$/i.test(text)) return { value: true };
      if (/^(false|0|off|no)$/i.test(text)) return { value: false };
      return { problem: `${name}: Invalid bool value: valid values are true, false, 1 or 0.` };
    case 'license':
      return LICENSES.includes(text) ? { value: text } : { problem: licenseProblem(text) };
    case 'string':
      return { value: text };
    case 'choice':
      return parseChoice(name, row, value);
  }
}

function licenseProblem(text: string): string {
  return (
    `Invalid value for license. Found: ${text}. Valid values: ${LICENSES.join(', ')}. ` +
    'Read more about BPF programs and licensing: ' +
    'https://docs.kernel.org/bpf/bpf_licensing.html#using-bpf-programs-in-the-linux-kernel'
  );
}

function parseChoice(name: string, row: ChoiceRow, value: string | bigint): Parsed {
  const word = typeof value === 'bigint' ? String(Number(value !== 0n)) : value;
  const same = (choice: string): boolean =>
    row.exact === true ? choice === word : choice.toLowerCase() === word.toLowerCase();
  const found = row.choices.find(same) ?? row.words?.[word.toLowerCase()];
  return found === undefined ? { problem: `${name}: ${row.problem}` } : { value: found };
}
