import type { Call, Macro, MacroParameter, Node } from '../ast/nodes.ts';
import { withRelated } from '../source/diagnostic.ts';
import type { PassContext } from './context.ts';
import { error } from './messages.ts';
import { StandardLibrary } from './standard-library.ts';

/** Missing or surplus arguments count for more than any number of arguments of the wrong kind. */
const WRONG_COUNT = 1024;

/** The script's macros and the standard library's, several of one name if their parameters differ in kind. */
export class MacroRegistry {
  private readonly own = new Map<string, Macro[]>();
  private readonly library: StandardLibrary;
  private readonly context: PassContext;

  constructor(macros: readonly Macro[], context: PassContext) {
    this.context = context;
    this.library = new StandardLibrary(context);
    for (const macro of macros) this.add(macro);
  }

  isLibrary(macro: Macro): boolean {
    return this.library.has(macro);
  }

  private add(macro: Macro): void {
    const existing = this.own.get(macro.name) ?? [];
    const original = existing.find((candidate) => distance(candidate, parametersAsArguments(macro)) === 0);
    if (original !== undefined) {
      const redefined = error('macro-redefined', macro.span, `Redefinition of macro: ${macro.name}`);
      this.context.report(withRelated(redefined, 'This is the original definition.', original.span));
      return;
    }
    if (this.hasDuplicateParameter(macro)) return;
    this.own.set(macro.name, [...existing, macro]);
  }

  private hasDuplicateParameter(macro: Macro): boolean {
    const words = { variable: 'Variable', map: 'Map', expression: 'Ident', type: 'Ident' } as const;
    const sigils = { variable: '$', map: '@', expression: '', type: '' } as const;
    const seen = new Set<string>();
    for (const parameter of macro.parameters) {
      const name = sigils[parameter.mode] + parameter.name;
      if (seen.has(name)) {
        const text = `${words[parameter.mode]} for macro argument has already been used: ${name}`;
        this.context.report(error('macro-parameter', parameter.span, text));
        return true;
      }
      seen.add(name);
    }
    return false;
  }

  /** The macro that a call means: the script's before the library's; the library does not see the script's. */
  find(name: string, args: Call['args'], insideLibrary: boolean): Macro | undefined {
    const own = insideLibrary ? [] : (this.own.get(name) ?? []);
    const matches = (macro: Macro): boolean => distance(macro, args) === 0;
    return own.find(matches) ?? this.library.get(name).find(matches);
  }

  /** Says what is wrong with a call whose name is a macro's but whose arguments suit none. */
  reportMismatch(node: Node & { readonly name: string }, args: Call['args'], insideLibrary: boolean): void {
    const own = insideLibrary ? [] : (this.own.get(node.name) ?? []);
    const candidates = [...own, ...this.library.get(node.name)];
    if (candidates.length === 0) return;
    const closest = candidates.reduce((best, macro) => (distance(macro, args) < distance(best, args) ? macro : best));
    const text = `Call to ${node.name}() has arguments that do not match any definition.`;
    const mismatch = error('macro-arguments', node.span, text);
    if (closest.parameters.length !== args.length) {
      const counts = `Expected: ${closest.parameters.length} but got ${args.length}`;
      const why = `The closest definition of ${closest.name}() has a different number of arguments. ${counts}`;
      this.context.report(withRelated(mismatch, why, closest.span));
      return;
    }
    this.context.report(mismatch);
    for (const [index, parameter] of closest.parameters.entries())
      this.reportArgument(closest, parameter, args[index]!);
  }

  /** Of arguments that suit their parameters, too: bpftrace calls those expressions. */
  private reportArgument(macro: Macro, parameter: MacroParameter, argument: Call['args'][number]): void {
    if (parameter.mode !== 'map' && parameter.mode !== 'variable') return;
    const wanted = parameter.mode === 'map' ? `a map for arg @` : `a variable for arg $`;
    const other = parameter.mode === 'map' ? 'variable' : 'map';
    const got = argument.kind === other ? `a ${other}` : 'an expression';
    const text = `Mismatched arg. ${macro.name}() expects ${wanted}${parameter.name} but got ${got}.`;
    const mismatch = error('macro-argument', argument.span, text);
    this.context.report(withRelated(mismatch, 'This is the argument in the closest definition.', parameter.span));
  }
}

function distance(macro: Macro, args: readonly { readonly kind: string }[]): number {
  let total = WRONG_COUNT * Math.abs(macro.parameters.length - args.length);
  for (const [index, parameter] of macro.parameters.entries()) {
    const argument = args[index];
    if (argument === undefined) break;
    const strict = parameter.mode === 'map' || parameter.mode === 'variable';
    if (strict && argument.kind !== parameter.mode) total += 1;
  }
  return total;
}

function parametersAsArguments(macro: Macro): readonly { readonly kind: string }[] {
  return macro.parameters.map((parameter) => ({
    kind: parameter.mode === 'expression' ? 'identifier' : parameter.mode,
  }));
}
