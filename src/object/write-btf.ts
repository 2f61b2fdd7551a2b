import type { LineInfo, MapDefinition } from '../abi/program-image.ts';
import { BtfWriter, type SectionVariable } from '../btf/encode.ts';
import type { CType, FunctionProtoType, IntType } from '../btf/types.ts';
import { SLOT_BYTES } from '../isa/codec.ts';
import { encodeBtfExt } from './btf-ext.ts';
import type { KernelSymbol } from './kernel-symbols.ts';
import { INT, type MapTypes, mapVariableType } from './map-btf.ts';

/** A function in its section; `offset` and the lines' slots in bytes and slots of the section and the function. */
export interface DescribedFunction {
  readonly name: string;
  readonly section: string;
  readonly offset: number;
  /** Called by other functions only. */
  readonly isStatic: boolean;
  readonly lines: readonly LineInfo[];
}

export interface DescribedMap {
  readonly name: string;
  readonly map: MapDefinition;
  readonly types: MapTypes | undefined;
}

export interface DescribedData {
  readonly section: string;
  readonly name: string;
  /** Bytes when nothing is known. */
  readonly type: CType | undefined;
  readonly size: number;
  readonly readOnly: boolean;
}

export interface Description {
  /** That the programs name. */
  readonly kernelSymbols: readonly KernelSymbol[];
  readonly functions: readonly DescribedFunction[];
  readonly maps: readonly DescribedMap[];
  readonly data: readonly DescribedData[];
  readonly license: { readonly section: string; readonly name: string; readonly size: number };
}

const CHAR: IntType = { kind: 'int', name: 'char', size: 1, signed: true, bool: false, char: false };
const chars = (length: number): CType => ({ kind: 'array', element: CHAR, length });
const constant = (type: CType): CType => ({ kind: 'qualifier', qualifier: 'const', type });

/** `int (void *ctx)` */
const PROGRAM: FunctionProtoType = {
  kind: 'function',
  returns: INT,
  parameters: [{ name: 'ctx', type: { kind: 'pointer', to: { kind: 'void' } } }],
  variadic: false,
};
/** The kernel checks static functions by what callers pass, not by their types; parameters would be guesses. */
const SUBPROGRAM: FunctionProtoType = { kind: 'function', returns: INT, parameters: [], variadic: false };

/** The contents of .BTF and .BTF.ext, and where each map stands in .maps. */
export function writeBtf({ kernelSymbols, functions, maps, data, license }: Description): {
  readonly btf: Uint8Array;
  readonly btfExt: Uint8Array;
  readonly mapOffsets: readonly number[];
  readonly mapSizes: readonly number[];
} {
  const writer = new BtfWriter();
  const variables = maps.map(({ name, map, types }) => {
    const type = mapVariableType(map, types);
    return { variable: writer.variable(name, type), size: type.size };
  });
  const mapOffsets: number[] = [];
  let mapsSize = 0;
  for (const { size } of variables) {
    mapOffsets.push(mapsSize);
    mapsSize += size;
  }
  const types = functions.map(({ name, isStatic }) =>
    writer.func(name, isStatic ? SUBPROGRAM : PROGRAM, isStatic ? 'static' : 'global'),
  );
  const section = (name: string, size: number, rows: readonly SectionVariable[]): void => {
    if (rows.length > 0) writer.dataSection(name, size, rows);
  };
  section(
    '.maps',
    mapsSize,
    variables.map((row, index) => ({ ...row, offset: mapOffsets[index]! })),
  );
  for (const { section: name, name: variable, size, type = chars(size), readOnly } of data) {
    const id = writer.variable(variable, readOnly ? constant(type) : type);
    section(name, size, [{ variable: id, offset: 0, size }]);
  }
  section(license.section, license.size, [
    { variable: writer.variable(license.name, chars(license.size)), offset: 0, size: license.size },
  ]);

  // Without size and place: libbpf makes what it needs of it.
  section(
    '.ksyms',
    0,
    kernelSymbols.map(({ name, type }) => ({
      variable:
        type.kind === 'function' ? writer.func(name, type, 'extern') : writer.variable(name, constant(type), 'extern'),
      offset: 0,
      size: 0,
    })),
  );

  const sections = [...new Set(functions.map((row) => row.section))].map((name) => {
    const own = functions.map((row, index) => ({ ...row, type: types[index]! })).filter((row) => row.section === name);
    return {
      section: writer.string(name),
      functions: own.map(({ offset, type }) => ({ offset, type })),
      lines: own.flatMap(({ offset, lines }) =>
        lines.map(({ slot, sourceName, line, column, text }) => ({
          offset: offset + slot * SLOT_BYTES,
          file: writer.string(withoutNul(sourceName)),
          text: writer.string(withoutNul(text)),
          line,
          column,
        })),
      ),
    };
  });
  return {
    btfExt: encodeBtfExt(sections),
    btf: writer.finish(),
    mapOffsets,
    mapSizes: variables.map(({ size }) => size),
  };
}

/** NUL ends a string of BTF. */
const withoutNul = (text: string): string => text.replaceAll('\0', '');
