import type { Machine } from '../../machine.ts';
import type { Task } from '../../tasks/task.ts';
import { fileName, pathName } from '../d-path.ts';
import { Dentry, Inode } from '../file.ts';
import type { SuperBlock } from '../file.ts';
import { S_IFDIR, S_IFLNK, S_IFREG } from '../file-mode.ts';
import { mapsText } from './maps.ts';
import { mountsText } from './mounts.ts';
import { stackText, statLine, statmText, statusText, wchanText } from './task-text.ts';

/** What the folder of a process or thread says about it; a dead one's group is marked as the kernel does when it has gone. */
const FILES: Readonly<Record<string, (task: Task, m: Machine) => string>> = {
  cgroup: ({ cgroup }) => `0::${cgroup.path}${cgroup.isDead ? ' (deleted)' : ''}\n`,
  comm: ({ comm }) => `${comm}\n`,
  cmdline: ({ process }) => (process === null ? '' : process.argv.map((word) => `${word}\0`).join('')),
  maps: (task, m) => mapsText(m, task),
  mounts: (_, m) => mountsText(m),
  stack: (task, m) => stackText(m, task),
  stat: (task, m) => statLine(m, task),
  statm: statmText,
  status: (task, m) => statusText(m, task),
  wchan: (task, m) => wchanText(m, task),
};
/** Links from there, and where they lead; undefined: there is none, as of kernel threads. */
const LINKS: Readonly<Record<string, (task: Task, m: Machine) => string | undefined>> = {
  cwd: ({ fs }, m) => (fs === null ? undefined : pathName(m, fs.pwd)),
  exe: ({ process }) => process?.image.path,
};

/** Inodes of one process have numbers of their own, so that none depends on who looked at what before. */
const FIRST_INO = 0x2000_0000;
const INODES_PER_PROCESS = 256;
/** Behind those of files and links: of a thread in its process's folder, of the folders in it, and of descriptors. */
const THREAD_INODES = 32;
const FOLDER_INODES = { fd: 64, task: 65 } as const;
const DESCRIPTOR_INODES = 66;

/** /proc/PID and /proc/self: folders that exist as long as their processes do, made when somebody looks. */
export function addProcesses(m: Machine, proc: Dentry): void {
  proc.children = new ProcessFolders(m, proc);
}

const isNumber = (name: string): boolean => /^(0|[1-9]\d*)$/.test(name);

/** A folder whose entries are made when somebody asks for them. */
abstract class MadeEntries extends Map<string, Dentry> {
  protected readonly machine: Machine;
  protected readonly folder: Dentry;
  constructor(m: Machine, folder: Dentry) {
    super(folder.children);
    this.machine = m;
    this.folder = folder;
  }
  protected abstract names(): Iterable<string>;
  protected abstract make(name: string): Dentry | undefined;

  override get(name: string): Dentry | undefined {
    return super.get(name) ?? this.make(name);
  }
  override *values(): MapIterator<Dentry> {
    yield* super.values();
    for (const name of this.names()) {
      const dentry = this.make(name);
      if (dentry !== undefined) yield dentry;
    }
  }
  /** An entry that stays out of the list of those that are always there. */
  protected entry(name: string, inode: Inode): Dentry {
    const dentry = new Dentry(this.machine, name, this.folder, inode);
    this.delete(name);
    dentry.hashed = true;
    return dentry;
  }
  protected get sb(): SuperBlock {
    return this.folder.inode.sb;
  }
  protected newFolder(name: string, ino: number): Dentry {
    return this.entry(name, new Inode(this.machine, ino, S_IFDIR | 0o555, 0, this.sb, this.sb.operations!.directories));
  }
}

/** Links whose targets change: made anew when they have. */
class MadeLinks {
  private readonly machine: Machine;
  private readonly known = new Map<string, { readonly target: string; readonly dentry: Dentry }>();
  constructor(m: Machine) {
    this.machine = m;
  }
  at(name: string, target: string, ino: number, sb: SuperBlock, place: (inode: Inode) => Dentry): Dentry {
    const known = this.known.get(name);
    if (known?.target === target) return known.dentry;
    const inode = new Inode(this.machine, ino, S_IFLNK | 0o777, 0, sb, {});
    inode.setLink(this.machine, target);
    const dentry = place(inode);
    this.known.set(name, { target, dentry });
    return dentry;
  }
}

/** What /proc/PID and /proc/PID/task/TID hold. */
function fillFolder(m: Machine, folder: Dentry, task: Task, first: number): void {
  const { sb } = folder.inode;
  const names = Object.keys(FILES);
  names.forEach((name, i) => {
    const inode = new Inode(m, first + 1 + i, S_IFREG | 0o444, 0, sb, sb.operations!.files);
    inode.contents = () => FILES[name]!(task, m);
    new Dentry(m, name, folder, inode).hashed = true;
  });
  folder.children = new TaskEntries(m, folder, task, first + 1 + names.length);
}

class TaskEntries extends MadeEntries {
  private readonly task: Task;
  private readonly firstLink: number;
  private readonly links: MadeLinks;
  private readonly folders = new Map<string, Dentry>();
  constructor(m: Machine, folder: Dentry, task: Task, firstLink: number) {
    super(m, folder);
    this.task = task;
    this.firstLink = firstLink;
    this.links = new MadeLinks(m);
  }
  protected override names(): Iterable<string> {
    return [...Object.keys(LINKS), ...Object.keys(FOLDER_INODES)];
  }
  protected override make(name: string): Dentry | undefined {
    if (Object.hasOwn(LINKS, name)) {
      const target = LINKS[name]!(this.task, this.machine);
      const ino = this.firstLink + Object.keys(LINKS).indexOf(name);
      return target === undefined
        ? undefined
        : this.links.at(name, target, ino, this.sb, (inode) => this.entry(name, inode));
    }
    // A thread has no threads of its own.
    const isThread = this.folder.parent?.name === 'task';
    if (!Object.hasOwn(FOLDER_INODES, name) || (name === 'task' && isThread)) return undefined;
    let folder = this.folders.get(name);
    if (folder === undefined) {
      const first = FIRST_INO + this.task.pid * INODES_PER_PROCESS;
      folder = this.newFolder(name, first + FOLDER_INODES[name as keyof typeof FOLDER_INODES]);
      folder.children =
        name === 'fd' ? new Descriptors(this.machine, folder, this.task) : new Threads(this.machine, folder, this.task);
      this.folders.set(name, folder);
    }
    return folder;
  }
}

/** /proc/PID/fd: a link for each descriptor. */
class Descriptors extends MadeEntries {
  private readonly task: Task;
  private readonly links: MadeLinks;
  constructor(m: Machine, folder: Dentry, task: Task) {
    super(m, folder);
    this.task = task;
    this.links = new MadeLinks(m);
  }
  protected override *names(): Iterable<string> {
    const files = this.task.process?.files.files ?? [];
    for (const [fd, file] of files.entries()) if (file !== null) yield String(fd);
  }
  protected override make(name: string): Dentry | undefined {
    const file = (isNumber(name) && this.task.process?.files.get(Number(name))) || null;
    if (file === null) return undefined;
    const ino = FIRST_INO + this.task.pid * INODES_PER_PROCESS + DESCRIPTOR_INODES + Number(name);
    return this.links.at(name, fileName(this.machine, file), ino, this.sb, (inode) => this.entry(name, inode));
  }
}

/** /proc/PID/task: a folder for each thread. */
class Threads extends MadeEntries {
  private readonly task: Task;
  private readonly folders = new WeakMap<Task, Dentry>();
  constructor(m: Machine, folder: Dentry, task: Task) {
    super(m, folder);
    this.task = task;
  }
  private get threads(): readonly Task[] {
    return this.task.process?.threads ?? [this.task];
  }
  protected override names(): Iterable<string> {
    return this.threads.map(({ pid }) => String(pid));
  }
  protected override make(name: string): Dentry | undefined {
    const thread = this.threads.find(({ pid }) => String(pid) === name);
    if (thread === undefined) return undefined;
    let folder = this.folders.get(thread);
    if (folder === undefined) {
      const first = FIRST_INO + thread.pid * INODES_PER_PROCESS + THREAD_INODES;
      this.folders.set(thread, (folder = this.newFolder(name, first)));
      fillFolder(this.machine, folder, thread, first);
    }
    return folder;
  }
}

class ProcessFolders extends MadeEntries {
  private readonly folders = new WeakMap<Task, Dentry>();

  protected override *names(): Iterable<string> {
    for (const task of this.machine.tasks.values()) if (task.pid === task.tgid) yield String(task.pid);
  }
  protected override make(name: string): Dentry | undefined {
    const { tasks, currentTask, cpu } = this.machine;
    if (name === 'self') return this.folderOf(cpu.current === cpu.idle ? currentTask : cpu.current);
    const task = isNumber(name) ? tasks.get(Number(name)) : undefined;
    return task === undefined ? undefined : this.folderOf(task);
  }
  private folderOf(task: Task): Dentry {
    let folder = this.folders.get(task);
    if (folder === undefined) {
      const first = FIRST_INO + task.pid * INODES_PER_PROCESS;
      this.folders.set(task, (folder = this.newFolder(String(task.pid), first)));
      fillFolder(this.machine, folder, task, first);
    }
    return folder;
  }
}
