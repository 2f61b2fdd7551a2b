import { printAst } from '../ast/print.ts';
import { generateIr } from '../bytecode/generate.ts';
import { listBytecode } from '../bytecode/listing.ts';
import { printIr } from '../bytecode/print-ir.ts';
import { typeName } from '../lang/type-name.ts';
import { lex } from '../lexer/lex.ts';
import { generatedSource } from '../runtime/engines.ts';
import type { Source } from '../source/source.ts';
import type { Compilation } from './compile.ts';
import type { DebugStage } from './settings.ts';

/** What -d prints of each stage; undefined when the script did not come so far. */
const PRINTERS: Record<DebugStage, (source: Source, compilation: Compilation) => string | undefined> = {
  tokens: (source) =>
    lex(source.text)
      .tokens.map((token) => `${token.tokenType.name} ${JSON.stringify(token.image)}\n`)
      .join(''),
  ast: (_, { program }) => program && printAst(program),
  types: (_, { typed }) => typed && printTypes(typed),
  ir: (_, { typed }) => {
    const ir = typed && generateIr(typed);
    return ir?.programs.map((program) => printIr(program, ir.maps)).join('\n');
  },
  bytecode(source, { generated, typed }) {
    const variableName = (id: number): string | undefined => typed?.target.types.perCpuVariable(id)?.name;
    const { programs, maps } = generated?.image ?? { programs: undefined, maps: [] };
    return programs?.map((program) => listBytecode(program, maps, source, variableName)).join('\n');
  },
  verifier: (_, { verifierLogs }) =>
    verifierLogs?.map(({ program, lines }) => `${program}:\n${lines.join('\n')}\n`).join('\n'),
  js: (_, { verified }) => verified && generatedSource(verified),
};

function printTypes(typed: NonNullable<Compilation['typed']>): string {
  const maps = [...typed.maps.values()].map(
    ({ name, key, value }) => `@${name}${key === undefined ? '' : `[${typeName(key)}]`}: ${typeName(value)}\n`,
  );
  const variables = [...new Set(typed.variables.values())].map(({ name, type }) => `$${name}: ${typeName(type)}\n`);
  return [...maps, ...variables].join('');
}

/** The text of a stage. With several stages asked for, each has its heading. */
export function dump(stages: readonly DebugStage[], source: Source, compilation: Compilation): string {
  const parts = stages.flatMap((stage) => {
    const text = PRINTERS[stage](source, compilation);
    if (text === undefined) return [];
    return [stages.length === 1 ? text : `=== ${stage} ===\n${text}`];
  });
  return parts.join('\n');
}
