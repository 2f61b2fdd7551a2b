import type { Macro } from '../ast/nodes.ts';
import { bug } from '../source/bug.ts';
import { hasErrors } from '../source/diagnostic.ts';
import { createSource } from '../source/source.ts';
import type { PassContext } from './context.ts';
import { desugarTree } from './desugar.ts';
import { LIBRARY_MACROS } from './library-macros.ts';
import { rewriteChildren } from './rewrite.ts';

/** Macros that come with the language; parsed when a script first names them. */
export class StandardLibrary {
  private readonly context: PassContext;
  private readonly parsed = new Map<string, readonly Macro[]>();
  private readonly macros = new Set<Macro>();

  constructor(context: PassContext) {
    this.context = context;
  }

  has(macro: Macro): boolean {
    return this.macros.has(macro);
  }

  get(name: string): readonly Macro[] {
    const known = this.parsed.get(name);
    if (known !== undefined) return known;
    const text = Object.hasOwn(LIBRARY_MACROS, name) ? LIBRARY_MACROS[name as keyof typeof LIBRARY_MACROS] : undefined;
    const macros = text === undefined || this.context.parse === undefined ? [] : this.parseMacros(name, text);
    this.parsed.set(name, macros);
    for (const macro of macros) this.macros.add(macro);
    return macros;
  }

  private parseMacros(name: string, text: string): readonly Macro[] {
    const { program, diagnostics } = this.context.parse!(createSource(`stdlib/${name}.bt`, text));
    if (program === undefined || hasErrors(diagnostics)) {
      return bug(`the library's ${name} does not parse: ${diagnostics.map((each) => each.message).join('; ')}`);
    }
    return program.macros.map((macro) => rewriteChildren(macro, desugarTree));
  }
}
