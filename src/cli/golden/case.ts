import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { CommandFailure } from '../commands/script.ts';

/** A script with what it must print beside it: NAME.bt with NAME.out and, where they matter, NAME.err and NAME.rc. */
export interface GoldenCase {
  /** As reports call it: the script's path as it was found. */
  readonly name: string;
  readonly script: string;
  /** Path of the expectations without their endings; where the script is, unless they are kept apart. */
  readonly base: string;
}

export interface Expected {
  readonly stdout: Buffer;
  /** Absent: standard error may say anything. */
  readonly stderr?: Buffer;
  readonly exitCode: number;
}

const SCRIPT_ENDING = '.bt';
const baseOf = (script: string): string => script.slice(0, -SCRIPT_ENDING.length);

/** The cases in files and folders; `pending` ones too, which have no expectations yet, if their script is named itself. */
export function findCases(paths: readonly string[], directory: string): readonly GoldenCase[] {
  const cases = paths.flatMap((path) => {
    const full = resolve(directory, path);
    const status = statSync(full, { throwIfNoEntry: false });
    if (status === undefined) throw new CommandFailure(`failed to open file '${path}': No such file or directory`);
    if (!status.isDirectory()) return [{ name: path, script: full, base: baseOf(full) }];
    return scriptsIn(full)
      .map((file) => ({ name: join(path, file), script: join(full, file), base: baseOf(join(full, file)) }))
      .filter(({ base }) => existsSync(`${base}.out`));
  });
  return [...new Map(cases.map((found) => [found.script, found])).values()];
}

const IGNORED = new Set(['node_modules', '.git']);

function scriptsIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      if (entry.isDirectory())
        return IGNORED.has(entry.name) ? [] : scriptsIn(join(folder, entry.name)).map((file) => join(entry.name, file));
      return entry.name.endsWith(SCRIPT_ENDING) ? [entry.name] : [];
    })
    .sort();
}

const readIfThere = (path: string): Buffer | undefined => (existsSync(path) ? readFileSync(path) : undefined);

/** What a case must print; undefined when nothing was recorded yet. */
export function readExpected({ base }: GoldenCase): Expected | undefined {
  const stdout = readIfThere(`${base}.out`);
  if (stdout === undefined) return undefined;
  const stderr = readIfThere(`${base}.err`);
  return {
    stdout,
    ...(stderr === undefined ? {} : { stderr }),
    exitCode: Number(readIfThere(`${base}.rc`)?.toString() ?? 0),
  };
}

/** Words of a shell line, with single or double quotes around spaces. */
function splitWords(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3]!);
}

/** `// tsbpftrace: --scenario idle --duration 5s` among the comments that a script starts with. */
function headerOptions(script: string): string[] {
  const lines = script.split('\n');
  const start = lines.findIndex((line) => !/^\s*(\/\/|\/\*|\*|#!|#\s*tsbpftrace:|$)/.test(line));
  return lines
    .slice(0, start === -1 ? lines.length : start)
    .flatMap((line) => /^(?:\/\/|#)\s*tsbpftrace:\s*(.*)$/.exec(line)?.[1] ?? [])
    .flatMap(splitWords);
}

export interface CaseCommand {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
}

/**
 * The command line of a case: options of the header, then NAME.args (`{}` is the script, which otherwise comes last), run
 * in the script's folder with the variables of NAME.env only.
 */
export function commandOf({ script, base }: GoldenCase): CaseCommand {
  const file = basename(script);
  const words = splitWords(readIfThere(`${base}.args`)?.toString() ?? '').map((word) => (word === '{}' ? file : word));
  const variables = (readIfThere(`${base}.env`)?.toString() ?? '')
    .split('\n')
    .filter((line) => line.includes('='))
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  return {
    args: [...headerOptions(readFileSync(script, 'utf8')), ...(words.includes(file) ? words : [...words, file])],
    env: Object.fromEntries(variables) as Record<string, string>,
    directory: dirname(script),
  };
}
