import { parseAttachPoints } from './attach-points.ts';
import { checkCalls } from './calls.ts';
import { configure } from './config.ts';
import type { Pass } from './context.ts';
import { checkControlFlow } from './control-flow.ts';
import { desugar } from './desugar.ts';
import { expandProbes } from './expand-probes.ts';
import { foldLiterals } from './fold.ts';
import { returnFromLoops } from './loop-return.ts';
import { checkMapUses } from './maps.ts';
import { checkVariables } from './variables.ts';

/** Everything between the parser and type inference, in order. A pass that reports an error is the last one to run. */
export const PASSES: readonly Pass[] = [
  // The configuration first: later passes ask it how strict to be.
  configure,
  parseAttachPoints,
  // Before control flow is checked: a return inside a loop is no longer one afterwards.
  returnFromLoops,
  checkControlFlow,
  desugar,
  expandProbes,
  foldLiterals,
  checkMapUses,
  checkVariables,
  checkCalls,
];
