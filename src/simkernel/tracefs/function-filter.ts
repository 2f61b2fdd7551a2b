import type { Architecture } from '../arch/architecture.ts';
import { textSymbols } from '../execution/text.ts';
import type { TextSymbol } from '../execution/text.ts';
import type { Machine } from '../machine.ts';
import { glob } from './glob.ts';

const MODULE = ':mod:';
/** `vfs_*`, `*write*:mod:raid1`, `:mod:raid1` */
export function matcher(text: string): (row: TracedFunction) => boolean {
  const [name = '', module] = text.split(MODULE);
  const pattern = glob(name === '' ? '*' : name);
  return (row) => pattern.test(row.name) && (module === undefined || row.symbol.module === module);
}

/** set_ftrace_filter, set_ftrace_notrace, set_graph_function: patterns as they were written. */
export class FunctionFilter {
  patterns: string[] = [];
  private readonly arch: Architecture;

  constructor(arch: Architecture) {
    this.arch = arch;
  }
  /** False when no function has such a name. */
  add(text: string): boolean {
    if (text.startsWith('!')) {
      this.patterns = this.patterns.filter((pattern) => pattern !== text.slice(1));
      return true;
    }
    if (!traceable(this.arch).some(matcher(text))) return false;
    this.patterns.push(text);
    return true;
  }
  /** Names of the functions it stands for; null: no filter is set. */
  names(): ReadonlySet<string> | null {
    if (this.patterns.length === 0) return null;
    const matchers = this.patterns.map(matcher);
    const found = traceable(this.arch).filter((row) => matchers.some((matches) => matches(row)));
    return new Set(found.map(({ name }) => name));
  }
}
export interface FunctionFilters {
  readonly only: FunctionFilter;
  readonly not: FunctionFilter;
  /** set_graph_function, set_graph_notrace: calls of these functions begin a graph, or are left out with all below. */
  readonly graph: FunctionFilter;
  readonly graphNot: FunctionFilter;
}
export function createFunctionFilters({ arch }: Machine): FunctionFilters {
  const none = (): FunctionFilter => new FunctionFilter(arch);
  return { only: none(), not: none(), graph: none(), graphNot: none() };
}
/** A function under its name on the machine's architecture. */
export interface TracedFunction {
  readonly name: string;
  readonly symbol: TextSymbol;
}
export function traceable(arch: Architecture): readonly TracedFunction[] {
  return textSymbols().flatMap((symbol) => {
    const name = symbol.traceable ? arch.ownName(symbol.name) : undefined;
    return name === undefined ? [] : [{ name, symbol }];
  });
}
