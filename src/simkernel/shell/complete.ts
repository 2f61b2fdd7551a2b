import type { Dentry } from '../fs/file.ts';
import { BUILTINS } from './builtins.ts';
import type { Lab } from './lab.ts';
import { SEARCH_PATH } from './search-path.ts';

/** What may stand at the end of a line, and which part of the line it replaces. */
export interface Completion {
  readonly word: string;
  readonly matches: readonly string[];
}

/** Words that begin at these are parts of a command of their own. */
const COMMAND_START = /(?:^|[|;&(`{]|\b(?:do|then|else|while|if|until)\s)\s*$/;
const WORD = /[^\s|;&<>()'"`=$]*$/;
const SUBCOMMANDS: Readonly<Record<string, readonly string[]>> = {
  perf: ['list', 'probe', 'record', 'report', 'script', 'stat'],
};

/** Tab: names of commands where one begins, else of files. */
export function complete(lab: Lab, line: string): Completion {
  const [word = ''] = WORD.exec(line) ?? [];
  const before = line.slice(0, line.length - word.length);
  if (word.includes('/') || !COMMAND_START.test(before)) {
    const command = /(?:^|[|;&(])\s*(\w+)\s+$/.exec(before)?.[1] ?? '';
    const subcommands = Object.hasOwn(SUBCOMMANDS, command) ? SUBCOMMANDS[command]! : [];
    const named = subcommands.filter((name) => name.startsWith(word)).map((name) => `${name} `);
    return { word, matches: named.length > 0 ? named : files(lab, word) };
  }
  const programs = [...lab.machine.images.values()].flatMap(({ path, main }) => {
    const folder = SEARCH_PATH.find((place) => path.startsWith(`${place}/`));
    return main === null || folder === undefined ? [] : [path.slice(folder.length + 1)];
  });
  const names = [...new Set([...Object.keys(BUILTINS), ...programs])].filter((name) => name.startsWith(word));
  return { word, matches: names.sort().map((name) => `${name} `) };
}

function files(lab: Lab, word: string): readonly string[] {
  const { fileSystem } = lab.machine;
  const slash = word.lastIndexOf('/') + 1;
  const [folder, start] = [word.slice(0, slash), word.slice(slash)];
  const found: Dentry | undefined =
    folder === '' ? lab.directory : folder.startsWith('/') ? fileSystem.find(folder) : walk(lab.directory, folder);
  const directory = found?.mounted?.root ?? found;
  const entries = [...(directory?.children.values() ?? [])].filter(
    ({ name }) => name.startsWith(start) && (start !== '' || !name.startsWith('.')),
  );
  return entries.map((entry) => `${folder}${entry.name}${entry.inode.isDirectory ? '/' : ' '}`).sort();
}

function walk(from: Dentry | undefined, path: string): Dentry | undefined {
  let at = from;
  for (const part of path.split('/').filter((name) => name !== '' && name !== '.')) {
    const directory: Dentry | undefined = at?.mounted?.root ?? at;
    at = part === '..' ? (directory?.parent ?? undefined) : directory?.children.get(part);
  }
  return at;
}
