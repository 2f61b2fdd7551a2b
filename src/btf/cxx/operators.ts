/** How an operator is written, and where in an expression: before its operand, between two, or in a way of its own. */
interface OperatorRow {
  readonly text: string;
  readonly place: 'prefix' | 'infix' | 'own';
}
const prefix = (text: string): OperatorRow => ({ text, place: 'prefix' });
const infix = (text: string): OperatorRow => ({ text, place: 'infix' });
const own = (text: string): OperatorRow => ({ text, place: 'own' });

/** Operators by their two letters (Itanium C++ ABI, 5.1.3 and 5.1.6). */
export const OPERATORS: Readonly<Record<string, OperatorRow>> = {
  nw: own('new'),
  na: own('new[]'),
  dl: prefix('delete'),
  da: prefix('delete[]'),
  aw: prefix('co_await'),
  ps: prefix('+'),
  ng: prefix('-'),
  ad: prefix('&'),
  de: prefix('*'),
  co: prefix('~'),
  pl: infix('+'),
  mi: infix('-'),
  ml: infix('*'),
  dv: infix('/'),
  rm: infix('%'),
  an: infix('&'),
  or: infix('|'),
  eo: infix('^'),
  aS: infix('='),
  pL: infix('+='),
  mI: infix('-='),
  mL: infix('*='),
  dV: infix('/='),
  rM: infix('%='),
  aN: infix('&='),
  oR: infix('|='),
  eO: infix('^='),
  ls: infix('<<'),
  rs: infix('>>'),
  lS: infix('<<='),
  rS: infix('>>='),
  eq: infix('=='),
  ne: infix('!='),
  lt: infix('<'),
  gt: infix('>'),
  le: infix('<='),
  ge: infix('>='),
  ss: infix('<=>'),
  nt: prefix('!'),
  aa: infix('&&'),
  oo: infix('||'),
  pp: prefix('++'),
  mm: prefix('--'),
  cm: infix(','),
  pm: infix('->*'),
  pt: own('->'),
  cl: own('()'),
  ix: own('[]'),
  qu: own('?'),
};
