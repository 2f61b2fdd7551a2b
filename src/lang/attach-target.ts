/** What the kernel itself is called among its modules. */
export const KERNEL_MODULE = 'vmlinux';

/** Functions that share one program (kprobe.multi, uprobe.multi); `function` is then the pattern that they match. */
interface Shared {
  readonly functions?: readonly string[];
}

/** Where one program attaches, fully resolved: no short names, and no wildcards but where the program is shared. */
export type AttachTarget =
  | { readonly kind: 'begin' | 'end' }
  | { readonly kind: 'self'; readonly signal: string }
  | { readonly kind: 'test' | 'bench'; readonly name: string }
  | ({
      readonly kind: 'kprobe';
      readonly function: string;
      readonly offset: number;
      readonly module?: string;
      readonly address?: bigint;
      /** The program runs at the function's return, too (kprobe.session). */
      readonly session?: true;
    } & Shared)
  | ({ readonly kind: 'kretprobe'; readonly function: string; readonly module?: string } & Shared)
  | { readonly kind: 'fentry' | 'fexit'; readonly function: string; readonly module: string }
  | { readonly kind: 'tracepoint'; readonly category: string; readonly name: string }
  | { readonly kind: 'rawtracepoint'; readonly name: string }
  | ({
      readonly kind: 'uprobe' | 'uretprobe';
      readonly path: string;
      readonly function: string;
      readonly offset: number;
      readonly address?: bigint;
      /** --unsafe: wherever the script says. */
      readonly unchecked?: true;
      /** The script names it as its language does; `function` is the symbol. */
      readonly language?: 'cpp';
    } & Shared)
  | { readonly kind: 'usdt'; readonly path: string; readonly provider: string; readonly name: string }
  /** On every CPU. Frequency in Hz, or a period in ns. */
  | { readonly kind: 'profile'; readonly frequency?: number; readonly periodNs?: number }
  /** On CPU 0. */
  | { readonly kind: 'interval'; readonly frequency?: number; readonly periodNs?: number }
  | { readonly kind: 'software' | 'hardware'; readonly event: string; readonly count: number }
  | { readonly kind: 'watchpoint'; readonly address: bigint; readonly length: number; readonly mode: string }
  | { readonly kind: 'iter'; readonly name: string; readonly pin?: string };
export type AttachKind = AttachTarget['kind'];
