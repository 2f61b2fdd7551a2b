import type { Machine } from '../../machine.ts';
import type { Task } from '../../tasks/task.ts';
import { Dentry, Inode } from '../file.ts';
import type { SuperBlock } from '../file.ts';
import { S_IFDIR, S_IFREG } from '../file-mode.ts';

/** What the folder of a process says about it; a dead one's group is marked as the kernel does when it has gone. */
const FILES: Readonly<Record<string, (task: Task) => string>> = {
  cgroup: ({ cgroup }) => `0::${cgroup.path}${cgroup.isDead ? ' (deleted)' : ''}\n`,
  comm: ({ comm }) => `${comm}\n`,
};
/** Inodes of one process have numbers of their own, so that none depends on who looked at what before. */
const FIRST_INO = 0x2000_0000;
const INODES_PER_PROCESS = 16;

/** /proc/PID and /proc/self: folders that exist as long as their processes do, made when somebody looks. */
export function addProcesses(m: Machine, proc: Dentry): void {
  proc.children = new ProcessFolders(m, proc);
}

class ProcessFolders extends Map<string, Dentry> {
  private readonly machine: Machine;
  private readonly proc: Dentry;
  private readonly folders = new WeakMap<Task, Dentry>();
  constructor(m: Machine, proc: Dentry) {
    super(proc.children);
    this.machine = m;
    this.proc = proc;
  }
  override get(name: string): Dentry | undefined {
    const known = super.get(name);
    if (known !== undefined) return known;
    const { tasks, currentTask, cpu } = this.machine;
    if (name === 'self') return this.folderOf(cpu.current === cpu.idle ? currentTask : cpu.current);
    const task = /^[1-9]\d*$/.test(name) ? tasks.get(Number(name)) : undefined;
    return task === undefined ? undefined : this.folderOf(task);
  }
  override *values(): MapIterator<Dentry> {
    yield* super.values();
    for (const task of this.machine.tasks.values()) if (task.pid === task.tgid) yield this.folderOf(task);
  }
  private folderOf(task: Task): Dentry {
    let folder = this.folders.get(task);
    if (folder === undefined) this.folders.set(task, (folder = this.makeFolder(task)));
    return folder;
  }
  private makeFolder(task: Task): Dentry {
    const m = this.machine;
    const { sb } = this.proc.inode;
    const operations = sb.operations!;
    const first = FIRST_INO + task.pid * INODES_PER_PROCESS;
    const inode = new Inode(m, first, S_IFDIR | 0o555, 0, sb, operations.directories);
    const folder = new Dentry(m, String(task.pid), this.proc, inode);
    // The task says how long its name is there.
    this.delete(folder.name);
    folder.hashed = true;
    Object.entries(FILES).forEach(([name, contents], i) =>
      this.makeFile(folder, name, first + 1 + i, sb, () => contents(task)),
    );
    return folder;
  }
  private makeFile(folder: Dentry, name: string, ino: number, sb: SuperBlock, contents: () => string): void {
    const inode = new Inode(this.machine, ino, S_IFREG | 0o444, 0, sb, sb.operations!.files);
    inode.contents = contents;
    new Dentry(this.machine, name, folder, inode).hashed = true;
  }
}
