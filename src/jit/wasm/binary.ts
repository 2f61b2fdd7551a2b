/** The binary format of WebAssembly 1.0 with sign extension, as far as the emitter needs it (webassembly.github.io/spec/core/binary). */

export const TYPE = { i32: 0x7f, i64: 0x7e, f64: 0x7c, none: 0x40 } as const;
export type ValueType = typeof TYPE.i32 | typeof TYPE.i64 | typeof TYPE.f64;

export interface Signature {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

export interface Import {
  readonly module: string;
  readonly name: string;
  readonly signature: Signature;
}

export interface FunctionBody {
  readonly signature: Signature;
  /** Types of the local variables behind the parameters. */
  readonly locals: readonly ValueType[];
  readonly code: readonly number[];
  /** Name under which the module exports it. */
  readonly exported?: string;
}

export interface Module {
  /** Functions that the module imports; they have the first function indices. */
  readonly imports: readonly Import[];
  readonly functions: readonly FunctionBody[];
}

/** Unsigned LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

/** Signed LEB128 of a number or a 64-bit constant. */
export function signed(value: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    const ends = (rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0);
    bytes.push(ends ? low : low | 0x80);
    if (ends) return bytes;
  }
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function text(string: string): number[] {
  const bytes = [...string].map((character) => character.charCodeAt(0));
  return [...unsigned(bytes.length), ...bytes];
}

const SECTION = { type: 1, import: 2, function: 3, export: 7, code: 10 } as const;

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

/** The bytes of a module whose memory, shared and of a fixed number of pages, is imported as `env.memory`. */
export function encodeModule({ imports, functions }: Module, pages: number): Uint8Array {
  const types: number[][] = [];
  const known = new Map<string, number>();
  const typeOf = ({ parameters, results }: Signature): number => {
    const type = [0x60, ...vector(parameters.map((one) => [one])), ...vector(results.map((one) => [one]))];
    const key = type.join(' ');
    const index = known.get(key) ?? types.push(type) - 1;
    known.set(key, index);
    return index;
  };
  const memory = [...text('env'), ...text('memory'), 0x02, 0x03, ...unsigned(pages), ...unsigned(pages)];
  const importRows = imports.map(({ module, name, signature }) => [
    ...text(module),
    ...text(name),
    0x00,
    ...unsigned(typeOf(signature)),
  ]);
  const functionRows = functions.map(({ signature }) => unsigned(typeOf(signature)));
  const exportRows = functions.flatMap(({ exported }, index) =>
    exported === undefined ? [] : [[...text(exported), 0x00, ...unsigned(imports.length + index)]],
  );
  const codeRows = functions.map(({ locals, code }) => {
    const body = [...vector(locals.map((type) => [1, type])), ...code, 0x0b];
    return [...unsigned(body.length), ...body];
  });
  const sections = [
    section(SECTION.type, vector(types)),
    section(SECTION.import, vector([memory, ...importRows])),
    section(SECTION.function, vector(functionRows)),
    section(SECTION.export, vector(exportRows)),
    section(SECTION.code, vector(codeRows)),
  ];
  return Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]);
}
