import { BPF_SUBCOMMANDS } from './bpf-command-line.ts';
import { BPF_OPTIONS } from './bpf-options.ts';
import { GOLDEN_OPTIONS } from './golden/options.ts';
import { SUBCOMMANDS } from './help.ts';
import { LAB_OPTIONS } from './lab-options.ts';
import { REPL_OPTIONS } from './repl/options.ts';
import { OPTIONS, type OptionRow as MainOptionRow } from './options.ts';
import type { OptionRow } from './subcommand.ts';

/** What follows an option, as shells complete it. */
interface Flag {
  readonly names: readonly string[];
  readonly help: string;
  readonly choices?: readonly string[];
  readonly path?: 'file' | 'directory';
  readonly takesValue: boolean;
}

const mainFlags = (): readonly Flag[] =>
  Object.values<MainOptionRow>(OPTIONS).flatMap(({ short, long, help, choices, path, value }) =>
    help === undefined
      ? []
      : [
          {
            names: [...(short === undefined ? [] : [`-${short}`]), ...(long === undefined ? [] : [`--${long}`])],
            help: help[0]!,
            takesValue: value !== undefined,
            ...(choices === undefined ? {} : { choices }),
            ...(path === undefined ? {} : { path }),
          },
        ],
  );

const commanderFlags = (options: Readonly<Record<string, OptionRow<unknown>>>): readonly Flag[] =>
  Object.values(options).flatMap(({ flags, help, choices, hidden }) =>
    hidden === true
      ? []
      : [
          {
            names: flags.split(/[, ]+/).filter((word) => word.startsWith('-')),
            help,
            takesValue: flags.includes('<'),
            ...(choices === undefined ? {} : { choices }),
          },
        ],
  );

/** What follows a subcommand: options of its own, and the words that its first operand may be. */
interface Subcommand {
  readonly flags: readonly Flag[];
  readonly words?: readonly string[];
}
const OF_SUBCOMMANDS = {
  golden: { flags: commanderFlags(GOLDEN_OPTIONS) },
  repl: { flags: commanderFlags(REPL_OPTIONS) },
  lab: { flags: commanderFlags(LAB_OPTIONS) },
  bpf: { flags: commanderFlags(BPF_OPTIONS), words: Object.keys(BPF_SUBCOMMANDS) },
  completion: { flags: [], words: ['bash', 'zsh', 'fish'] },
} as const satisfies Record<string, Subcommand>;
const SUBCOMMAND_ROWS: readonly [string, Subcommand][] = Object.entries(OF_SUBCOMMANDS);

const names = (flags: readonly Flag[]): string => flags.flatMap((flag) => flag.names).join(' ');
const commands = Object.entries(SUBCOMMANDS);

function bash(): string {
  const values = (flags: readonly Flag[]): string =>
    flags
      .filter(({ takesValue }) => takesValue)
      .map(({ names, choices, path }) => {
        const words =
          choices !== undefined
            ? `COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$word"))`
            : path === 'directory'
              ? 'COMPREPLY=($(compgen -d -- "$word"))'
              : path === 'file'
                ? 'COMPREPLY=($(compgen -f -- "$word"))'
                : 'COMPREPLY=()';
        return `        ${names.join('|')}) ${words}; return ;;`;
      })
      .join('\n');
  return `# bash completion for tsbpftrace
_tsbpftrace() {
    local word=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} options='${names(mainFlags())}'
${SUBCOMMAND_ROWS.map(
  ([name, { flags, words }], i) => `    ${i === 0 ? 'if' : 'elif'} [[ \${COMP_WORDS[1]} == ${name} ]]; then
        options='${names(flags)}'
        case $previous in
${values(flags)}
        esac${
          words === undefined
            ? ''
            : `
        ((COMP_CWORD == 2)) && COMPREPLY=($(compgen -W '${words.join(' ')}' -- "$word")) && return`
        }`,
).join('\n')}
    else
        case $previous in
${values(mainFlags())}
        esac
    fi
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$word"))
        return
    fi
    COMPREPLY=($(compgen -f -- "$word"))
    if ((COMP_CWORD == 1)); then
        COMPREPLY+=($(compgen -W '${commands.map(([name]) => name).join(' ')}' -- "$word"))
    fi
}
complete -o filenames -F _tsbpftrace tsbpftrace
`;
}

/** In single quotes of zsh, with what its argument specifications treat specially taken away. */
const zshText = (text: string): string => text.replaceAll("'", '').replace(/[[\]:]/g, '\\$&');

function zsh(): string {
  const specifications = (flags: readonly Flag[]): string =>
    flags
      .map(({ names, help, choices, path, takesValue }) => {
        const value = !takesValue
          ? ''
          : choices !== undefined
            ? `:value:(${choices.join(' ')})`
            : path === 'directory'
              ? ':directory:_directories'
              : path === 'file'
                ? ':file:_files'
                : ':value:';
        const prefix = names.length > 1 ? `'(${names.join(' ')})'{${names.join(',')}}` : `'${names[0]!}`;
        const rest = `[${zshText(help)}]${value}'`;
        return `        ${names.length > 1 ? `${prefix}'${rest}` : prefix + rest}`;
      })
      .join(' \\\n');
  const described = commands.map(([name, { help }]) => `'${name}:${zshText(help)}'`).join(' ');
  return `#compdef tsbpftrace
# zsh completion for tsbpftrace
_tsbpftrace() {
    local -a commands=(${described})
${SUBCOMMAND_ROWS.map(
  ([name, { flags, words }]) => `    if [[ $words[2] == ${name} ]]; then
        _arguments -s \\
${[
  ...(flags.length === 0 ? [] : [specifications(flags)]),
  ...(words === undefined ? [] : [`        '2:word:(${words.join(' ')})'`]),
].join(' \\\n')} \\
        '*:script:_files'
        return
    fi
`,
).join('')}    ((CURRENT == 2)) && _describe -t commands command commands
    _arguments -s \\
${specifications(mainFlags())} \\
        '*:script:_files'
}
compdef _tsbpftrace tsbpftrace
`;
}

function fish(): string {
  const quoted = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;
  const lines = (flags: readonly Flag[], condition: string): string[] =>
    flags.map(({ names, help, choices, path, takesValue }) => {
      const shown = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
      const value = !takesValue
        ? ''
        : choices !== undefined
          ? ` -x -a ${quoted(choices.join(' '))}`
          : path === 'directory'
            ? " -x -a '(__fish_complete_directories)'"
            : path === 'file'
              ? ' -r'
              : ' -x';
      return `complete -c tsbpftrace -n ${quoted(condition)} ${shown.join(' ')}${value} -d ${quoted(help)}`;
    });
  const all = commands.map(([name]) => name).join(' ');
  return [
    '# fish completion for tsbpftrace',
    ...commands.map(
      ([name, { help }]) => `complete -c tsbpftrace -n '__fish_is_first_arg' -a ${quoted(name)} -d ${quoted(help)}`,
    ),
    ...lines(mainFlags(), `not __fish_seen_subcommand_from ${all}`),
    ...SUBCOMMAND_ROWS.flatMap(([name, { flags, words = [] }]) => [
      ...words.map((word) => `complete -c tsbpftrace -n ${quoted(`__fish_seen_subcommand_from ${name}`)} -a ${word}`),
      ...lines(flags, `__fish_seen_subcommand_from ${name}`),
    ]),
    '',
  ].join('\n');
}

/** The completion script of each shell, made from the option rows. */
export const COMPLETIONS = { bash, zsh, fish } as const satisfies Record<string, () => string>;
