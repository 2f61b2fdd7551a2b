import type { KernelCode } from '../arch/architecture.ts';
import type { Arena } from '../memory/arena.ts';
import { textSymbolAt, writeText } from './text.ts';
import type { TextSymbol } from './text.ts';

/** Which functions have their bytes in guest memory: those that somebody has looked at or put a breakpoint into. */
export class VisibleText {
  private readonly shown = new Set<TextSymbol>();
  private readonly code: KernelCode;

  constructor(code: KernelCode) {
    this.code = code;
  }

  /** Makes the bytes of the kernel text around a place real. */
  showRange(arena: Arena, offset: number, size: number): void {
    for (let at = offset; at < offset + size;) {
      const symbol = textSymbolAt(at);
      if (symbol !== undefined) this.show(arena, symbol);
      at = symbol === undefined ? at + 16 : symbol.entry + symbol.size;
    }
  }
  show(arena: Arena, symbol: TextSymbol): void {
    if (this.shown.has(symbol)) return;
    this.shown.add(symbol);
    writeText(this.code, symbol, arena.bytes, arena.view);
  }
  /** As compiled, without breakpoints. */
  restore(arena: Arena, symbol: TextSymbol): void {
    this.shown.add(symbol);
    writeText(this.code, symbol, arena.bytes, arena.view);
  }
}
