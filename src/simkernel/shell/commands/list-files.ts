import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, O_DIRECTORY } from '../../fs/fcntl.ts';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } from '../../fs/file-mode.ts';
import { free, malloc } from '../../programs/malloc.ts';
import { USERS } from '../../tasks/users.ts';
import { errorText } from '../error-text.ts';
import { command, joinLines, readOptions } from './command.ts';
import type { CommandContext, Steps } from './command.ts';

/** What a DIR holds: its own fields, and room for entries. */
const DIR_BYTES = 48;
const DIRENT_BYTES = 32_768;
const HEAD_BYTES = 19;
const COLUMNS_WIDTH = 80;
const PATH_MAX = 4096;

/** struct stat. */
const STAT_BYTES = 144;
const STAT = { ino: 8, links: 16, mode: 24, uid: 28, gid: 32, size: 48, blocks: 64 } as const;
const KIND_LETTERS: Readonly<Record<number, string>> = {
  [S_IFREG]: '-',
  [S_IFDIR]: 'd',
  [S_IFLNK]: 'l',
  [S_IFCHR]: 'c',
  [S_IFBLK]: 'b',
  [S_IFIFO]: 'p',
  [S_IFSOCK]: 's',
};
/** No file of the machine has a time. */
const NO_TIME = 'Jan  1  1970';

interface Entry {
  readonly name: string;
  readonly mode: number;
  readonly links: number;
  readonly ino: number;
  readonly size: number;
  readonly blocks: number;
  readonly owner: string;
  readonly group: string;
  /** Where a link leads. */
  readonly target: string | undefined;
}

function* entryOf(c: CommandContext, path: string, name: string): Steps<Entry | undefined> {
  const { u } = c;
  const at = u.buffer(STAT_BYTES);
  if ((yield u.call('newfstatat', AT_FDCWD, u.string(path), at, AT_SYMLINK_NOFOLLOW)) < 0) return undefined;
  const mode = u.load(at + STAT.mode, 4);
  let target: string | undefined;
  if ((mode & S_IFMT) === S_IFLNK) {
    const buffer = u.buffer(PATH_MAX);
    const length = (yield u.call('readlink', u.string(path), buffer, PATH_MAX)) as number;
    target = length < 0 ? '' : u.text(buffer, length);
  }
  const user = (id: number): string => USERS.get(id) ?? String(id);
  return {
    name,
    mode,
    links: u.load(at + STAT.links, 4),
    ino: u.load(at + STAT.ino, 6),
    size: u.load(at + STAT.size, 6),
    blocks: u.load(at + STAT.blocks, 6),
    owner: user(u.load(at + STAT.uid, 4)),
    group: user(u.load(at + STAT.gid, 4)),
    target,
  };
}
const permissions = (mode: number): string =>
  Array.from({ length: 9 }, (_, i) => ((mode & (0o400 >> i)) === 0 ? '-' : 'rwx'[i % 3]!)).join('');

function longLines(entries: readonly Entry[], showsInodes: boolean): string {
  const width = (of: (entry: Entry) => string | number): number =>
    Math.max(...entries.map((row) => String(of(row)).length));
  const [links, owner, group, size] = [
    width((row) => row.links),
    width((row) => row.owner),
    width((row) => row.group),
    width((row) => row.size),
  ];
  return joinLines(
    entries.map((row) => {
      const kind = KIND_LETTERS[row.mode & S_IFMT] ?? '?';
      const name = row.target === undefined ? row.name : `${row.name} -> ${row.target}`;
      return [
        ...(showsInodes ? [String(row.ino)] : []),
        kind + permissions(row.mode),
        String(row.links).padStart(links),
        row.owner.padEnd(owner),
        row.group.padEnd(group),
        String(row.size).padStart(size),
        NO_TIME,
        name,
      ].join(' ');
    }),
  );
}

/** As ls sets them on a terminal of 80 columns. */
function columns(names: readonly string[]): string {
  if (names.length === 0) return '';
  const width = Math.max(...names.map((name) => name.length)) + 2;
  const across = Math.max(1, Math.floor(COLUMNS_WIDTH / width));
  const down = Math.ceil(names.length / across);
  const rows = Array.from({ length: down }, (_, row) =>
    names
      .filter((__, i) => i % down === row)
      .map((name) => name.padEnd(width))
      .join('')
      .trimEnd(),
  );
  return joinLines(rows);
}

/** Names in a directory that is open, as it gives them. */
function* namesIn(c: CommandContext, fd: number): Steps<string[]> {
  const names: string[] = [];
  // opendir()
  const stream = yield* malloc(c.u, DIRENT_BYTES + DIR_BYTES);
  const buffer = stream + DIR_BYTES;
  for (;;) {
    const bytes = yield c.u.call('getdents64', fd, buffer, DIRENT_BYTES);
    if (bytes <= 0) {
      yield* free(c.u, stream);
      return names;
    }
    for (let at = 0; at < bytes;) {
      const length = c.u.load(buffer + at + 16, 2);
      names.push(c.u.cString(buffer + at + HEAD_BYTES));
      at += length;
    }
  }
}

export const LS = command('ls', function* (c, args) {
  const { options, operands } = readOptions(args.filter((arg) => !arg.startsWith('--color')));
  const isLong = options.has('l');
  let status = 0;
  const paths = operands.length === 0 ? ['.'] : operands;
  for (const path of paths) {
    const inode = c.machine.fileSystem.find(path)?.inode;
    const isPlain = options.has('d') || (isLong && inode?.isDirectory !== true && path !== '.');
    const fd = isPlain ? -1 : yield c.u.openat(path, inode?.isDirectory === true || path === '.' ? O_DIRECTORY : 0);
    if (isPlain) {
      const entry = yield* entryOf(c, path, path);
      if (entry === undefined) status = yield* c.complain(`cannot access '${path}': No such file or directory`);
      else yield* c.print(isLong ? longLines([entry], options.has('i')) : `${path}\n`);
      continue;
    }
    if (fd < 0) {
      status = yield* c.complain(`cannot access '${path}': ${errorText(fd)}`);
      continue;
    }
    const isDirectory = c.u.process.files.get(fd)?.inode.isDirectory === true;
    const names = isDirectory ? yield* namesIn(c, fd) : [path];
    yield c.u.close(fd);
    const shown = names.filter((name) => options.has('a') || !isDirectory || !name.startsWith('.')).sort(byName);
    if (paths.length > 1 && isDirectory) yield* c.print(`${path}:\n`);
    if (!isLong) {
      yield* c.print(options.has('1') ? joinLines(shown) : columns(shown));
      continue;
    }
    const entries: Entry[] = [];
    for (const name of shown) {
      const entry = yield* entryOf(c, `${path}/${name}`, name);
      if (entry !== undefined) entries.push(entry);
    }
    yield* c.print(
      `total ${Math.ceil(entries.reduce((sum, { blocks }) => sum + blocks, 0) / 2)}\n${longLines(entries, options.has('i'))}`,
    );
  }
  return status;
});
const byName = (a: string, b: string): number =>
  /^\d+$/.test(a) && /^\d+$/.test(b) ? Number(a) - Number(b) : a < b ? -1 : 1;
