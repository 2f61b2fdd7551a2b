import { badObject, demand } from '../bad-object.ts';
import { DwarfCursor } from './cursor.ts';
import { readForm, type TextSections, type UnitShape } from './forms.ts';

/** A place in the source and where its instructions begin. */
export interface LineRow {
  readonly address: number;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** A good place for a breakpoint. */
  readonly isStatement: boolean;
  /** Nothing is at the address any more: it ends what came before. */
  readonly isEnd: boolean;
}

/** What a unit's line number program says. */
export interface LineTable {
  readonly rows: readonly LineRow[];
  /** Path of a file by its number; empty: there is none. */
  readonly fileName: (index: number) => string;
  /** Bytes that it takes. */
  readonly size: number;
}

interface FileName {
  readonly name: string;
  readonly folder: number;
}
/** DW_LNCT_* */
const CONTENT = { path: 1, folder: 2 } as const;
const OPCODE = {
  copy: 1,
  advancePc: 2,
  advanceLine: 3,
  setFile: 4,
  setColumn: 5,
  negate: 6,
  constAddPc: 8,
  fixedAdvancePc: 9,
} as const;
const EXTENDED = { endSequence: 1, setAddress: 2 } as const;

interface Header {
  readonly version: number;
  readonly instructionLength: number;
  readonly isStatement: boolean;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  readonly operands: readonly number[];
  readonly fileName: (index: number) => string;
}

/** More than any program that is traced by hand has. */
const MAX_ROWS = 0x10_0000;

/** The rows of one unit's line number program (DWARF 5, section 6.2). */
export function readLines(section: Uint8Array, offset: number, folder: string, texts: TextSections): LineTable {
  const c = new DwarfCursor(section, offset);
  const { end, offsetSize } = c.length();
  const header = readHeader(c, offsetSize, folder, texts);
  return { rows: runProgram(c, end, header), fileName: header.fileName, size: end - offset };
}

function readHeader(c: DwarfCursor, offsetSize: 4 | 8, folder: string, texts: TextSections): Header {
  const version = c.u16();
  demand(version >= 2 && version <= 5, `line numbers of version ${version}`);
  if (version >= 5) c.u16();
  const program = c.unsigned(offsetSize);
  const start = c.at + program;
  const instructionLength = c.u8();
  if (version >= 4) c.u8();
  const isStatement = c.u8() !== 0;
  const lineBase = c.s8();
  const lineRange = c.u8();
  demand(lineRange > 0, 'line numbers have no range');
  const opcodeBase = c.u8();
  const operands = Array.from({ length: Math.max(0, opcodeBase - 1) }, () => c.u8());
  const unit: UnitShape = { version, offsetSize, addressSize: 8, start: 0 };
  const fileName = remembered(version >= 5 ? readTables(c, unit, folder, texts) : readOldTables(c, folder));
  c.at = start;
  return { version, instructionLength, isStatement, lineBase, lineRange, opcodeBase, operands, fileName };
}

/** So that rows of one file share its text. */
function remembered(fileName: Header['fileName']): Header['fileName'] {
  const known = new Map<number, string>();
  return (index) => {
    let name = known.get(index);
    if (name === undefined) known.set(index, (name = fileName(index)));
    return name;
  };
}

const join = (folder: string, name: string): string =>
  name.startsWith('/') || folder === '' ? name : `${folder}/${name}`;

function readTables(c: DwarfCursor, unit: UnitShape, folder: string, texts: TextSections): Header['fileName'] {
  const table = (): readonly FileName[] => {
    const shape = Array.from({ length: c.u8() }, () => ({ content: c.uleb(), form: c.uleb() }));
    const count = c.uleb();
    demand(count <= c.bytes.length, 'line numbers name more files than there are bytes');
    return Array.from({ length: count }, () => {
      const row = { name: '', folder: 0 };
      for (const { content, form } of shape) {
        const value = readForm(form, c, unit, texts);
        if (content === CONTENT.path && typeof value === 'string') row.name = value;
        if (content === CONTENT.folder && typeof value === 'number') row.folder = value;
      }
      return row;
    });
  };
  // The first one is the unit's own folder, which an attribute of the unit has as well.
  const folders = table().map(({ name }, i) => (i === 0 && folder !== '' ? folder : join(folder, name)));
  const files = table();
  return (index) => {
    const file = files[index];
    return file === undefined ? '' : join(folders[file.folder] ?? '', file.name);
  };
}

/** Until version 4: lists that an empty name ends, counted from 1; folder 0 is the unit's own. */
function readOldTables(c: DwarfCursor, folder: string): Header['fileName'] {
  const folders = [folder];
  for (let name = c.text(); name !== ''; name = c.text()) folders.push(join(folder, name));
  const files: FileName[] = [];
  for (let name = c.text(); name !== ''; name = c.text()) {
    files.push({ name, folder: c.uleb() });
    c.uleb();
    c.uleb();
  }
  return (index) => {
    const file = files[index - 1];
    return file === undefined ? '' : join(folders[file.folder] ?? '', file.name);
  };
}

function runProgram(c: DwarfCursor, end: number, header: Header): readonly LineRow[] {
  const { instructionLength, lineBase, lineRange, opcodeBase, operands, fileName } = header;
  const rows: LineRow[] = [];
  const first = { address: 0, file: 1, line: 1, column: 0, isStatement: header.isStatement };
  let state = { ...first };
  const emit = (isEnd = false): void => {
    const { address, file, line, column, isStatement } = state;
    demand(rows.length < MAX_ROWS, 'more line numbers than anybody reads');
    rows.push({ address, file: fileName(file), line, column, isStatement, isEnd });
  };
  const advance = (operations: number): void => {
    state.address += operations * instructionLength;
  };
  while (c.at < end) {
    const opcode = c.u8();
    if (opcode >= opcodeBase) {
      const special = opcode - opcodeBase;
      advance(Math.floor(special / lineRange));
      state.line += lineBase + (special % lineRange);
      emit();
    } else if (opcode === 0) {
      const size = c.uleb();
      const next = c.at + size;
      const extended = size === 0 ? badObject('an operation of line numbers is empty') : c.u8();
      if (extended === EXTENDED.endSequence) {
        emit(true);
        state = { ...first };
      } else if (extended === EXTENDED.setAddress) state.address = c.unsigned(size - 1);
      c.at = next;
    } else if (opcode === OPCODE.copy) emit();
    else if (opcode === OPCODE.advancePc) advance(c.uleb());
    else if (opcode === OPCODE.advanceLine) state.line += c.sleb();
    else if (opcode === OPCODE.setFile) state.file = c.uleb();
    else if (opcode === OPCODE.setColumn) state.column = c.uleb();
    else if (opcode === OPCODE.negate) state.isStatement = !state.isStatement;
    else if (opcode === OPCODE.constAddPc) advance(Math.floor((255 - opcodeBase) / lineRange));
    else if (opcode === OPCODE.fixedAdvancePc) state.address += c.u16();
    else for (let i = operands[opcode - 1] ?? 0; i > 0; i -= 1) c.uleb();
  }
  return rows;
}
