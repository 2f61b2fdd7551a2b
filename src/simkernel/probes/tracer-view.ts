import type { Cpu } from '../cpu/cpu.ts';
import type { Arena } from '../memory/arena.ts';
import { storeText, storeWord } from '../memory/arena.ts';
import type { Task } from '../tasks/task.ts';

/** Arena offsets of what helpers without arguments read. */
export interface CurrentPlaces {
  readonly cpu: number;
  readonly time: number;
  readonly task: number;
  readonly pidTgid: number;
  readonly uidGid: number;
  readonly comm: number;
  readonly probedFunction: number;
}

/** Who runs, when and where, as guest memory shows it to the tracer's helpers; refreshed before its handlers run. */
export class TracerView {
  readonly places: CurrentPlaces;
  /** Whom handlers see as current. */
  task: Task | null = null;
  private version = 0;
  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
    const place = arena.allocate(64, 64);
    this.places = {
      time: place,
      task: place + 8,
      pidTgid: place + 16,
      uidGid: place + 24,
      comm: place + 32,
      cpu: place + 48,
      probedFunction: place + 56,
    };
  }
  locate(cpu: Cpu, task: Task, time: number): void {
    const { places } = this;
    const { words, bytes } = this.arena;
    words[places.time >> 2] = time | 0;
    words[(places.time >> 2) + 1] = Math.floor(time / 4294967296);
    words[places.cpu >> 2] = cpu.id;
    if (this.task === task && this.version === task.version) return;
    this.task = task;
    this.version = task.version;
    words[places.pidTgid >> 2] = task.pid;
    words[(places.pidTgid >> 2) + 1] = task.tgid;
    words[places.uidGid >> 2] = task.uid;
    words[(places.uidGid >> 2) + 1] = task.gid;
    storeText(bytes, places.comm, task.comm, 16);
    storeWord(words, places.task, task);
  }
}
