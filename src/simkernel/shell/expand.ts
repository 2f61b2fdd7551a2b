import { glob } from '../tracefs/glob.ts';
import type { UserContext } from '../programs/user.ts';
import { evaluateArithmetic } from './arithmetic.ts';
import { readWhole, STDOUT } from './output.ts';
import { fork, makePipe, setDescriptor, waitFor } from './processes.ts';
import { runScript } from './shell.ts';
import { subshell, type ShellState, type Steps } from './state.ts';
import type { Script, Word, WordPart } from './syntax.ts';

/** Words as programs get them: variables and commands replaced, cut at blanks, patterns matched with files. */
export function* expandAll(u: UserContext, state: ShellState, words: readonly Word[]): Steps<string[]> {
  const result: string[] = [];
  for (const word of words) {
    const fields: { text: string; pattern: string; exists: boolean }[] = [{ text: '', pattern: '', exists: false }];
    for (const part of word) {
      // "$@" is as many words as there are parameters.
      if (part.kind === 'variable' && part.name === '@' && part.quoted) {
        state.parameters.forEach((piece, i) => {
          if (i > 0) fields.push({ text: '', pattern: '', exists: true });
          const field = fields.at(-1)!;
          field.text += piece;
          field.pattern += quotedPattern(piece);
          field.exists = true;
        });
        continue;
      }
      const text = yield* expandPart(u, state, part);
      const isWhole = part.quoted || part.kind === 'text';
      const pieces = isWhole ? [text] : text.replace(/\n+$/, '').split(/\s+/);
      pieces.forEach((piece, i) => {
        if (i > 0) fields.push({ text: '', pattern: '', exists: false });
        const field = fields.at(-1)!;
        field.text += piece;
        field.pattern += part.quoted ? quotedPattern(piece) : piece;
        field.exists ||= part.quoted || piece !== '';
      });
    }
    for (const { text, pattern, exists } of fields) {
      if (!exists) continue;
      const matches = /(^|[^\\])[*?]/.test(pattern) ? matchFiles(u, state, pattern) : [];
      result.push(...(matches.length === 0 ? [text] : matches));
    }
  }
  return result;
}

const quotedPattern = (text: string): string => text.replace(/[*?[\\]/g, '\\$&');
/** One word that is neither cut nor searched for files: of a here-document, and behind `case`. */
export function* expandText(u: UserContext, state: ShellState, word: Word): Steps<string> {
  let text = '';
  for (const part of word) text += yield* expandPart(u, state, part);
  return text;
}
/** The same as a pattern, in which quoted signs mean themselves. */
export function* expandPattern(u: UserContext, state: ShellState, word: Word): Steps<string> {
  let text = '';
  for (const part of word) {
    const piece = yield* expandPart(u, state, part);
    text += part.quoted ? quotedPattern(piece) : piece;
  }
  return text;
}

function* expandPart(u: UserContext, state: ShellState, part: WordPart): Steps<string> {
  switch (part.kind) {
    case 'text':
      return part.quoted ? part.text : part.text.replace(/^~(?=\/|$)/, state.variables.get('HOME') ?? '~');
    case 'variable':
      return variable(state, part.name);
    case 'arithmetic': {
      const text = part.text.replace(/\$(\w+)/g, (_, name: string) => variable(state, name));
      return String(evaluateArithmetic(text, (name) => variable(state, name)));
    }
    case 'command':
      return yield* substitute(u, state, part.script);
  }
}
function variable(state: ShellState, name: string): string {
  if (name === '?') return String(state.status);
  if (name === '$') return String(state.shellPid);
  if (name === '!') return String(state.lastBackground);
  if (name === '#') return String(state.parameters.length);
  if (name === '@' || name === '*') return state.parameters.join(' ');
  if (name === '0') return 'bash';
  if (/^\d+$/.test(name)) return state.parameters[Number(name) - 1] ?? '';
  return state.variables.get(name) ?? '';
}
function* substitute(u: UserContext, state: ShellState, script: Script): Steps<string> {
  const [readEnd, writeEnd] = yield* makePipe(u);
  const pid = yield* fork(u, function* (child) {
    yield* setDescriptor(child, STDOUT, child.process.files.get(writeEnd));
    yield child.close(readEnd);
    yield child.close(writeEnd);
    return yield* runScript(child, subshell(state), script);
  });
  yield u.close(writeEnd);
  const text = yield* readWhole(u, readEnd);
  yield u.close(readEnd);
  state.status = yield* waitFor(u, state.lab.machine.tasks.get(pid)!);
  return typeof text === 'number' ? '' : text.replace(/\n+$/, '');
}

/** Paths that a pattern matches, sorted. */
function matchFiles(u: UserContext, { lab }: ShellState, pattern: string): string[] {
  const { fileSystem } = lab.machine;
  const isAbsolute = pattern.startsWith('/');
  const start = isAbsolute ? fileSystem.find('/') : (u.task.fs?.dentry ?? undefined);
  let found = start === undefined ? [] : [{ path: isAbsolute ? '' : '.', dentry: start }];
  for (const component of pattern.split('/').filter((part) => part !== '')) {
    const test = glob(component);
    const isPattern = /[*?]/.test(component);
    found = found.flatMap(({ path, dentry }) => {
      const directory = dentry.mounted?.root ?? dentry;
      const child = isPattern ? [...directory.children.values()] : [directory.children.get(component)];
      return child.flatMap((entry) =>
        entry === undefined || !test.test(entry.name) || (isPattern && entry.name.startsWith('.'))
          ? []
          : [{ path: path === '.' ? entry.name : `${path}/${entry.name}`, dentry: entry }],
      );
    });
  }
  return found.map(({ path }) => path).sort();
}
