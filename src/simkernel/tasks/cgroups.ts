import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeNumber, storeText, storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import type { Task } from './task.ts';
import { TASK } from './task.ts';

const CSS_SET = structFields('css_set', { defaultCgroup: 'dfl_cgrp', tasks: 'nr_tasks' });
const CGROUP = structFields('cgroup', {
  kn: 'kn',
  self: 'self.cgroup',
  parent: 'self.parent',
  level: 'level',
  root: 'root',
  descendants: 'nr_descendants',
  ancestors: 'ancestors',
});
const CGROUP_ROOT_STRUCT = structFields('cgroup_root', {
  hierarchy: 'hierarchy_id',
  cgroups: 'nr_cgrps',
  group: 'cgrp',
});
const KERNFS_NODE = structFields('kernfs_node', { id: 'id', name: 'name', parent: '__parent', priv: 'priv' });

const ROOT_ID = 1;
/** The v2 hierarchy is the first one. */
export const DEFAULT_HIERARCHY = 0;
/** Inode numbers go up by one for the folder and one for each of its files. */
export const CGROUP_FILES = [
  'cgroup.controllers',
  'cgroup.events',
  'cgroup.max.depth',
  'cgroup.max.descendants',
  'cgroup.procs',
  'cgroup.stat',
  'cgroup.subtree_control',
  'cgroup.threads',
  'cgroup.type',
  'io.max',
] as const;
/** What the root has of them. */
export const ROOT_FILES: readonly (typeof CGROUP_FILES)[number][] = CGROUP_FILES.filter(
  (name) => name !== 'cgroup.events' && name !== 'cgroup.type' && name !== 'io.max',
);

/** struct cgroup of the v2 hierarchy, with its folder and the css_set of the tasks in it. */
export class Cgroup implements KernelObject {
  readonly address: number;
  readonly kn: KernelObject;
  readonly cssSet: KernelObject;
  readonly id: number;
  readonly name: string;
  readonly parent: Cgroup | null;
  readonly level: number;
  readonly children = new Map<string, Cgroup>();
  readonly tasks = new Set<Task>();
  /** Children that have tasks, in them or below. */
  populatedChildren = 0;
  isDead = false;
  /** Tasks that have it, dead ones too that nobody has forgotten yet; what happens when a dead group has lost the last. */
  users = 0;
  whenUnused: (() => void) | null = null;
  /** Its path as functions take it that want a `const char *`. */
  readonly pathText: KernelObject & { readonly path: string };

  constructor(m: Machine, address: number, id: number, name: string, parent: Cgroup | null) {
    const { arena, words } = m;
    this.address = address;
    this.id = id;
    this.name = name;
    this.parent = parent;
    this.level = parent === null ? 0 : parent.level + 1;
    this.kn = { address: arena.allocate(KERNFS_NODE.size, 64) };
    this.cssSet = { address: arena.allocate(CSS_SET.size, 64) };
    const { path } = this;
    this.pathText = { address: arena.allocate(path.length + 1), path };
    storeText(arena.bytes, this.pathText.address, path, path.length + 1);
    const nameAt = arena.allocate(name.length + 1);
    storeText(arena.bytes, nameAt, name, name.length + 1);
    const { kn } = this;
    storeNumber(words, kn.address + KERNFS_NODE.id, id);
    storeWord(words, kn.address + KERNFS_NODE.name, { address: nameAt });
    storeWord(words, kn.address + KERNFS_NODE.parent, parent?.kn ?? null);
    storeWord(words, kn.address + KERNFS_NODE.priv, this);
    storeWord(words, address + CGROUP.kn, kn);
    storeWord(words, address + CGROUP.self, this);
    storeWord(words, address + CGROUP.parent, parent);
    words[(address + CGROUP.level) >> 2] = this.level;
    for (let level = 0; level <= this.level; level++) {
      storeWord(words, address + CGROUP.ancestors + 8 * level, this.ancestor(level));
    }
    storeWord(words, this.cssSet.address + CSS_SET.defaultCgroup, this);
    parent?.children.set(name, this);
  }
  get path(): string {
    return this.parent === null ? '/' : `${this.parent.parent === null ? '' : this.parent.path}/${this.name}`;
  }
  get isPopulated(): boolean {
    return this.tasks.size > 0 || this.populatedChildren > 0;
  }
  get descendants(): number {
    let count = this.children.size;
    for (const child of this.children.values()) count += child.descendants;
    return count;
  }
  /** The group above (or this one) at a level; null where the tree does not reach. */
  ancestor(level: number): Cgroup | null {
    if (this.level === level) return this;
    return this.level < level ? null : (this.parent?.ancestor(level) ?? null);
  }
}

/** The array behind struct cgroup: those above it and itself. */
const ancestorBytes = (level: number): number => 8 * (level + 1);

/** The tree of control groups. */
export class Cgroups {
  readonly root: Cgroup;
  private readonly machine: Machine;
  private readonly rootStruct: number;
  private readonly byId = new Map<number, Cgroup>();
  private nextId = ROOT_ID;

  constructor(m: Machine) {
    this.machine = m;
    this.rootStruct = m.arena.allocate(CGROUP_ROOT_STRUCT.size + ancestorBytes(0), 64);
    m.words[(this.rootStruct + CGROUP_ROOT_STRUCT.hierarchy) >> 2] = DEFAULT_HIERARCHY;
    this.root = this.make('', null, this.rootStruct + CGROUP_ROOT_STRUCT.group);
    for (const path of ['/init.scope', '/system.slice', '/user.slice']) this.create(path);
  }
  private make(name: string, parent: Cgroup | null, address: number): Cgroup {
    const { words } = this.machine;
    const cgroup = new Cgroup(this.machine, address, this.nextId, name, parent);
    this.nextId += 1 + (parent === null ? ROOT_FILES : CGROUP_FILES).length;
    this.byId.set(cgroup.id, cgroup);
    storeWord(words, address + CGROUP.root, { address: this.rootStruct });
    this.storeCounts(parent);
    return cgroup;
  }
  private storeCounts(changed: Cgroup | null): void {
    const { words } = this.machine;
    for (let at = changed; at !== null; at = at.parent) words[(at.address + CGROUP.descendants) >> 2] = at.descendants;
    words[(this.rootStruct + CGROUP_ROOT_STRUCT.cgroups) >> 2] = this.byId.size;
  }
  /** A new folder in a group. */
  add(parent: Cgroup, name: string): Cgroup {
    const bytes = CGROUP.size + ancestorBytes(parent.level + 1);
    return this.make(name, parent, this.machine.arena.allocate(bytes, 64));
  }
  /** The group with this path, made with those above it where there is none: what was there before anybody looked. */
  create(path: string): Cgroup {
    let at = this.root;
    for (const name of path.split('/')) if (name !== '') at = at.children.get(name) ?? this.add(at, name);
    return at;
  }
  remove(cgroup: Cgroup): void {
    cgroup.parent?.children.delete(cgroup.name);
    cgroup.isDead = true;
    this.byId.delete(cgroup.id);
    this.storeCounts(cgroup.parent);
  }
  find(path: string): Cgroup | undefined {
    let at: Cgroup | undefined = this.root;
    for (const name of path.split('/')) if (name !== '') at = at?.children.get(name);
    return at;
  }
  withId(id: number): Cgroup | undefined {
    return this.byId.get(id);
  }
  /** Which group a task has; it counts there from `enter` to `leave`, and a dead one keeps the name of its group. */
  assign(task: Task, cgroup: Cgroup): void {
    const before = task.cgroup as Cgroup | undefined;
    cgroup.users += 1;
    task.cgroup = cgroup;
    storeWord(this.machine.words, task.address + TASK.cgroups, cgroup.cssSet);
    if (before !== undefined) this.drop(before);
  }
  /** put_css_set(): of a task that is freed, or has another group now. */
  drop(cgroup: Cgroup): void {
    cgroup.users -= 1;
    if (cgroup.users === 0) cgroup.whenUnused?.();
  }
  /** The memory of a group that is gone and that nobody has any more. */
  free({ address, kn, cssSet, name, level, pathText }: Cgroup): void {
    const { arena, words } = this.machine;
    arena.free(words[(kn.address + KERNFS_NODE.name) >> 2]!, name.length + 1);
    arena.free(kn.address, KERNFS_NODE.size);
    arena.free(cssSet.address, CSS_SET.size);
    arena.free(pathText.address, pathText.path.length + 1);
    arena.free(address, CGROUP.size + ancestorBytes(level));
  }
  /** Returns the groups that have tasks from now on. */
  enter(task: Task): readonly Cgroup[] {
    const to = task.cgroup;
    const was = to.isPopulated;
    to.tasks.add(task);
    this.countTasks(to);
    return was ? [] : this.spread(to, 1);
  }
  /** Returns the groups that have no tasks from now on. */
  leave(task: Task, from = task.cgroup): readonly Cgroup[] {
    if (!from.tasks.delete(task)) return [];
    this.countTasks(from);
    return from.isPopulated ? [] : this.spread(from, -1);
  }
  move(task: Task, to: Cgroup): readonly Cgroup[] {
    const from = task.cgroup;
    if (from === to) return [];
    this.assign(task, to);
    return [...this.enter(task), ...this.leave(task, from)];
  }
  private countTasks({ cssSet, tasks }: Cgroup): void {
    this.machine.words[(cssSet.address + CSS_SET.tasks) >> 2] = tasks.size;
  }
  /** cgroup_update_populated() */
  private spread(from: Cgroup, change: 1 | -1): Cgroup[] {
    const changed = [from];
    for (let at = from.parent; at !== null; at = at.parent) {
      const was = at.isPopulated;
      at.populatedChildren += change;
      if (at.isPopulated === was) break;
      changed.push(at);
    }
    return changed;
  }
}

/** Where systemd puts a process: services into units of their own, what people run into their sessions. */
export function unitOf(uid: number, name: string): string {
  const isPerson = uid >= FIRST_PERSON && uid < NOBODY;
  return isPerson
    ? `/user.slice/user-${uid}.slice/session-${SESSION}.scope`
    : `/system.slice/${name.replace(/[^\w.@-]/g, '_')}.service`;
}
const FIRST_PERSON = 1000;
const NOBODY = 65_534;
const SESSION = 1;
