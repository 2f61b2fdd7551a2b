import type { Expression, Node, Statement, Variable } from '../../ast/nodes.ts';
import { sizeOf } from '../../lang/layout.ts';
import type { TypedProbe, VariableSymbol } from '../../lang/typed-program.ts';
import type { Type } from '../../lang/types.ts';
import { bug } from '../../source/bug.ts';
import { Builder } from '../ir/builder.ts';
import { type Block, type IrFunction, type Value, newFunction } from '../ir/ir.ts';
import { lowerCondition } from './conditions.ts';
import { reportFailedRead } from './events.ts';
import { lowerExpression } from './expressions.ts';
import { asValue, materialize, storeOperand } from './memory.ts';
import type { Filling, Operand, Place } from './operand.ts';
import { lowerStatement } from './statements.ts';
import type { Unit } from './unit.ts';

/** Where `break` and `continue` go in the loop being lowered. */
export interface LoopTargets {
  readonly onBreak: () => void;
  readonly onContinue: () => void;
}

/** What is being lowered: a probe, or a function of the script. */
export interface Origin {
  readonly probe: TypedProbe | undefined;
  /** Index in Resources.attachments. */
  readonly attachment: number;
  /** What the program returns when the script says nothing. */
  readonly result: number;
  /** The other functions of the program, to which loops add their callbacks. */
  readonly functions: IrFunction[];
}

/** Lowers the statements of one function: the current place in the code, and where the variables are. */
export class Lowerer {
  readonly unit: Unit;
  readonly origin: Origin;
  readonly b: Builder;
  /** The context register, in main programs. */
  readonly context: Value | undefined;
  readonly variables = new Map<VariableSymbol, Place>();
  readonly loops: LoopTargets[] = [];
  /** How `return` leaves this function. */
  onReturn: (value: Value | undefined) => void;

  /** `within`: goes on in the function that this one lowers. */
  constructor(unit: Unit, origin: Origin, fn: IrFunction, hasContext: boolean, within?: Lowerer) {
    this.unit = unit;
    this.origin = origin;
    this.b = within?.b ?? new Builder(fn);
    // What no statement asked for is the probe's own.
    this.b.span = origin.probe?.span;
    this.context = within?.context ?? (hasContext ? this.b.param(0) : undefined);
    if (unit.reportHelperErrors) this.b.onCall = (helper, result, args) => reportFailedRead(this, helper, result, args);
    this.onReturn = (value) => this.b.return(value ?? origin.result);
  }

  /** A lowerer for another function of the same program. */
  nested(name: string, parameters: number): Lowerer {
    const fn = newFunction(name, parameters);
    this.origin.functions.push(fn);
    return new Lowerer(this.unit, this.origin, fn, false);
  }

  typeOf(node: Node): Type {
    return this.unit.typed.types.get(node) ?? bug(`${node.kind} has no type`);
  }

  expression(node: Expression): Operand {
    const operand = this.b.at(node.span, () => lowerExpression(this, node));
    if (operand.kind !== 'producer') return operand;
    // What writes itself later does so on the expression's behalf: a read that fails is reported there.
    return { ...operand, write: (to, filling) => this.b.at(node.span, () => operand.write(to, filling)) };
  }

  /** The expression as a register value. */
  value(node: Expression): Value {
    return asValue(this.b, this.typeOf(node), this.expression(node));
  }

  /** The expression's bytes, somewhere the program can read them. */
  place(node: Expression, filling: Filling = 'exact'): Place {
    return materialize(this.b, this.typeOf(node), this.expression(node), filling);
  }

  storeTo(node: Expression, to: Place, filling: Filling): void {
    storeOperand(this.b, to, this.typeOf(node), this.expression(node), filling);
  }

  /** Branches on the expression's truth. */
  condition(node: Expression, then: Block, otherwise: Block): void {
    this.b.at(node.span, () => lowerCondition(this, node, then, otherwise));
  }

  statement(node: Statement): void {
    this.b.at(node.span, () => lowerStatement(this, node));
  }

  statements(nodes: readonly Statement[]): void {
    for (const node of nodes) this.statement(node);
  }

  symbol(node: Variable): VariableSymbol {
    return this.unit.typed.variables.get(node) ?? bug(`variable $${node.name} has no symbol`);
  }

  /** Where the variable lives; its bytes start as zeros. */
  variable(symbol: VariableSymbol): Place {
    const known = this.variables.get(symbol);
    if (known !== undefined) return known;
    return this.declare(symbol);
  }

  declare(symbol: VariableSymbol): Place {
    const known = this.variables.get(symbol);
    if (known !== undefined) return known;
    const place: Place = { base: this.b.slot(`$${symbol.name}`, Math.max(1, sizeOf(symbol.type))), offset: 0 };
    this.variables.set(symbol, place);
    return place;
  }
}
