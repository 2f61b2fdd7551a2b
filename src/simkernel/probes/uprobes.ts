import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { layoutOf } from '../programs/image-layout.ts';
import type { Image } from '../programs/image.ts';
import type { AddressSpace } from '../tasks/address-space.ts';
import type { TextProbe } from '../tasks/process-text.ts';
import type { Attachment } from './attach.ts';
import type { Handler } from './handler.ts';
import { without } from './handler.ts';
import { isUserBoundary } from './user-instruction.ts';

/** struct uprobe: one place of one file, with everybody who listens there. */
export interface Uprobe extends TextProbe {
  handlers: readonly Handler[];
  returns: readonly Handler[];
}

export interface UprobeRequest {
  readonly image: Image;
  /** From where the image is loaded. */
  readonly offset: number;
  readonly list: 'handlers' | 'returns';
  readonly handler: Handler;
  /** A counter to hold up while attached, from where the image is loaded. */
  readonly semaphore?: number;
}

/** The tree of uprobes, and the text of all processes kept as it says. */
export class Uprobes {
  private readonly machine: Machine;
  private readonly byImage = new Map<Image, Map<number, Uprobe>>();
  /** Counters by image: how many listeners hold each up. */
  private readonly semaphores = new Map<Image, Map<number, number>>();
  /** Set by functions/kernel/uretprobe.ts, which knows the functions that ask for it. */
  handleTrampoline: (m: Machine, regs: KernelObject) => void = () => undefined;

  constructor(m: Machine) {
    this.machine = m;
  }
  /** uprobe_register. */
  attach(request: UprobeRequest): Attachment {
    const { image, offset, list, handler, semaphore = 0 } = request;
    const inText = layoutOf(image).segments.some(
      (row) => row.executable && offset >= row.offset && offset < row.offset + row.size,
    );
    if (!inText) {
      return {
        ok: false,
        errno: 'EINVAL',
        reason: `offset 0x${offset.toString(16)} is outside the text of ${image.path}`,
      };
    }
    if (offset % this.machine.abi.alignment !== 0) {
      return { ok: false, errno: 'EINVAL', reason: `${image.path}:0x${offset.toString(16)} is not aligned` };
    }
    if (!isUserBoundary(this.machine.arch, image, offset)) {
      return {
        ok: false,
        errno: 'EILSEQ',
        reason: `${image.path}:0x${offset.toString(16)} is not the start of an instruction`,
      };
    }
    const rows = this.byImage.get(image) ?? new Map<number, Uprobe>();
    this.byImage.set(image, rows);
    const known = rows.get(offset);
    const uprobe: Uprobe = known ?? { image, offset, handlers: [], returns: [] };
    rows.set(offset, uprobe);
    uprobe[list] = [...uprobe[list], handler];
    if (known === undefined) this.eachSpace((mm) => this.install(mm, uprobe));
    if (semaphore !== 0) this.count(image, semaphore, 1);
    return {
      ok: true,
      detach: () => {
        uprobe[list] = without(uprobe[list], handler);
        if (semaphore !== 0) this.count(image, semaphore, -1);
        if (uprobe.handlers.length + uprobe.returns.length > 0) return;
        rows.delete(offset);
        this.eachSpace((mm) => this.uninstall(mm, uprobe));
      },
    };
  }
  /** uprobe_mmap: a process has mapped its images. */
  mapped(mm: AddressSpace): void {
    if (this.byImage.size === 0) return;
    for (const { image } of [...mm.mappings]) {
      if (image === null) continue;
      for (const uprobe of this.byImage.get(image)?.values() ?? []) this.install(mm, uprobe);
      for (const [semaphore, listeners] of this.semaphores.get(image) ?? []) this.add(mm, image, semaphore, listeners);
    }
  }
  private count(image: Image, semaphore: number, by: number): void {
    const rows = this.semaphores.get(image) ?? new Map<number, number>();
    this.semaphores.set(image, rows);
    rows.set(semaphore, (rows.get(semaphore) ?? 0) + by);
    this.eachSpace((mm) => this.add(mm, image, semaphore, by));
  }
  private add(mm: AddressSpace, image: Image, semaphore: number, by: number): void {
    const base = mm.imageBase(image);
    const at = base === 0 ? -1 : mm.find(base + semaphore, 2);
    const { view } = this.machine.arena;
    if (at >= 0) view.setUint16(at, view.getUint16(at, true) + by, true);
  }
  private install(mm: AddressSpace, uprobe: Uprobe): void {
    const mapping = mm.mappings.find(({ image }) => image === uprobe.image);
    if (mapping !== undefined) mm.text.insert(mapping, uprobe);
  }
  private uninstall(mm: AddressSpace, uprobe: Uprobe): void {
    const mapping = mm.mappings.find(({ image }) => image === uprobe.image);
    if (mapping !== undefined) mm.text.remove(mapping, uprobe);
  }
  private eachSpace(visit: (mm: AddressSpace) => void): void {
    const spaces = new Set(
      [...this.machine.tasks.values()].flatMap(({ process }) => (process === null ? [] : [process.mm])),
    );
    for (const mm of spaces) visit(mm);
  }
}
