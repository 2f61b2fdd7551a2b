import { PATH_MAX } from '../../functions/fs/filename.ts';
import { AT_FDCWD } from '../../fs/fcntl.ts';
import { errorText } from '../error-text.ts';
import { fileAt } from '../file-at.ts';
import { readPath } from '../output.ts';
import { command, readOptions } from './command.ts';
import type { CommandContext, MakeCommand, Steps } from './command.ts';

/** Commands that make, name, copy and remove files. */

const O_CREATE_TRUNCATED = 0o1101;
const O_CREATE_WRITABLE = 0o101;
const NEW_FILE_MODE = 0o666;
const baseName = (path: string): string => path.replace(/\/+$/, '').split('/').at(-1)!;

/** What is to become of each file: the last operand is a folder, or the new name of the only one. */
function* destinations(
  c: CommandContext,
  operands: readonly string[],
): Steps<readonly (readonly [string, string])[] | undefined> {
  const target = operands.at(-1);
  if (target === undefined || operands.length < 2) {
    yield* c.complain(
      target === undefined ? 'missing file operand' : `missing destination file operand after '${target}'`,
    );
    return undefined;
  }
  const sources = operands.slice(0, -1);
  const isFolder = fileAt(c.machine, c.u.task, target)?.inode.isDirectory === true;
  if (!isFolder && sources.length > 1) {
    yield* c.complain(`target '${target}': No such file or directory`);
    return undefined;
  }
  return sources.map((source) => [source, isFolder ? `${target.replace(/\/$/, '')}/${baseName(source)}` : target]);
}
function* copyFile(c: CommandContext, source: string, target: string): Steps<number> {
  const { u } = c;
  if (fileAt(c.machine, c.u.task, source)?.inode.isDirectory === true)
    return yield* c.complain(`-r not specified; omitting directory '${source}'`);
  const text = yield* readPath(u, source);
  if (typeof text === 'number') return yield* c.complain(`cannot stat '${source}': ${errorText(text)}`);
  const mode = fileAt(c.machine, c.u.task, source)?.inode.mode ?? NEW_FILE_MODE;
  const fd = yield u.openat(target, O_CREATE_TRUNCATED, mode & 0o777);
  if (fd < 0) return yield* c.complain(`cannot create regular file '${target}': ${errorText(fd)}`);
  const written = text === '' ? 0 : yield u.write(fd, u.string(text), text.length);
  yield u.close(fd);
  return written < 0 ? yield* c.complain(`error writing '${target}': ${errorText(written)}`) : 0;
}

/** `u+x`, `go-w`, `a=r`, `755`: the mode that it makes of another; undefined: it is none. */
export function changedMode(text: string, before: number): number | undefined {
  if (/^[0-7]{1,4}$/.test(text)) return Number.parseInt(text, 8);
  let mode = before & 0o7777;
  for (const clause of text.split(',')) {
    const match = /^([ugoa]*)([-+=])([rwxX]*)$/.exec(clause);
    if (match === null) return undefined;
    const [, who = '', sign, letters = ''] = match;
    const places = who === '' || who.includes('a') ? 'ugo' : who;
    const hasExecute = letters.includes('x') || (letters.includes('X') && (mode & 0o111) !== 0);
    const bits = (letters.includes('r') ? 4 : 0) | (letters.includes('w') ? 2 : 0) | (hasExecute ? 1 : 0);
    for (const [place, shift] of [
      ['u', 6],
      ['g', 3],
      ['o', 0],
    ] as const) {
      if (!places.includes(place)) continue;
      if (sign === '=') mode &= ~(7 << shift);
      mode = sign === '-' ? mode & ~(bits << shift) : mode | (bits << shift);
    }
  }
  return mode;
}

export const FILE_COMMANDS: readonly MakeCommand[] = [
  command('rm', function* (c, args) {
    let status = 0;
    const { options, operands } = readOptions(args);
    for (const path of operands) {
      const error = yield c.u.paths('unlink', [path]);
      if (error < 0 && !options.has('f')) status = yield* c.complain(`cannot remove '${path}': ${errorText(error)}`);
    }
    return status;
  }),
  command('mkdir', function* (c, args) {
    let status = 0;
    for (const path of readOptions(args).operands) {
      const error = yield c.u.call('mkdir', c.u.string(path), 0o755);
      if (error < 0) status = yield* c.complain(`cannot create directory '${path}': ${errorText(error)}`);
    }
    return status;
  }),
  command('rmdir', function* (c, args) {
    let status = 0;
    for (const path of readOptions(args).operands) {
      const error = yield c.u.paths('rmdir', [path]);
      if (error < 0) status = yield* c.complain(`failed to remove '${path}': ${errorText(error)}`);
    }
    return status;
  }),
  command('ln', function* (c, args) {
    const { options, operands } = readOptions(args);
    const [target = '', name = target.slice(target.lastIndexOf('/') + 1)] = operands;
    const kind = options.has('s') ? 'symlink' : 'link';
    const error = yield c.u.paths(kind, [target, name]);
    const what = kind === 'symlink' ? 'symbolic link' : 'hard link';
    return error < 0 ? yield* c.complain(`failed to create ${what} '${name}': ${errorText(error)}`) : 0;
  }),
  command('readlink', function* (c, args) {
    let status = 0;
    const buffer = c.u.buffer(PATH_MAX);
    for (const path of readOptions(args).operands) {
      const length = (yield c.u.call('readlink', c.u.string(path), buffer, PATH_MAX)) as number;
      if (length < 0) status = 1;
      else yield* c.print(`${c.u.text(buffer, length)}\n`);
    }
    return status;
  }),
  command('cp', function* (c, args) {
    const { options, operands } = readOptions(args);
    if (yield* c.refusesOptions(options, 'fipv')) return 1;
    let status = 0;
    for (const [source, target] of (yield* destinations(c, operands)) ?? [['', '']]) {
      if (source === '') return 1;
      if (source === target) status = yield* c.complain(`'${source}' and '${target}' are the same file`);
      else status ||= yield* copyFile(c, source, target);
      if (options.has('v') && status === 0) yield* c.print(`'${source}' -> '${target}'\n`);
    }
    return status;
  }),
  command('mv', function* (c, args) {
    const { options, operands } = readOptions(args);
    if (yield* c.refusesOptions(options, 'fiv')) return 1;
    let status = 0;
    for (const [source, target] of (yield* destinations(c, operands)) ?? [['', '']]) {
      if (source === '') return 1;
      const error = yield c.u.paths('rename', [source, target]);
      if (error === -2) status = yield* c.complain(`cannot stat '${source}': ${errorText(error)}`);
      else if (error < 0) status = yield* c.complain(`cannot move '${source}' to '${target}': ${errorText(error)}`);
      else if (options.has('v')) yield* c.print(`renamed '${source}' -> '${target}'\n`);
    }
    return status;
  }),
  command('chmod', function* (c, args) {
    // A mode like -x is none of its options.
    const [mode, ...paths] = args;
    if (mode === undefined) return yield* c.complain("missing operand\nTry 'chmod --help' for more information.");
    if (changedMode(mode, 0) === undefined) return yield* c.complain(`invalid mode: '${mode}'`);
    if (paths.length === 0)
      return yield* c.complain(`missing operand after '${mode}'\nTry 'chmod --help' for more information.`);
    let status = 0;
    for (const path of paths) {
      const before = fileAt(c.machine, c.u.task, path)?.inode.mode ?? 0;
      const error = yield c.u.call('fchmodat', AT_FDCWD, c.u.string(path), changedMode(mode, before)!, 0);
      if (error === -2) status = yield* c.complain(`cannot access '${path}': ${errorText(error)}`);
      else if (error < 0) status = yield* c.complain(`changing permissions of '${path}': ${errorText(error)}`);
    }
    return status;
  }),
  command('touch', function* (c, args) {
    const { operands } = readOptions(args);
    if (operands.length === 0)
      return yield* c.complain("missing file operand\nTry 'touch --help' for more information.");
    let status = 0;
    for (const path of operands) {
      const fd = yield c.u.openat(path, O_CREATE_WRITABLE, NEW_FILE_MODE);
      if (fd < 0) status = yield* c.complain(`cannot touch '${path}': ${errorText(fd)}`);
      else yield c.u.close(fd);
    }
    return status;
  }),
];
