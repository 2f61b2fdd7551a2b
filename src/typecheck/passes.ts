import { parseAttachPoints } from './attach-points.ts';
import { checkBeforeTypes } from './before-types.ts';
import { configure } from './config.ts';
import { foldConstants } from './constants.ts';
import type { Pass } from './context.ts';
import { checkControlFlow } from './control-flow.ts';
import { desugar } from './desugar.ts';
import { expandProbes } from './expand-probes.ts';
import { foldLiterals } from './fold.ts';
import { resolveImports } from './imports.ts';
import { returnFromLoops } from './loop-return.ts';
import { expandMacros } from './macros.ts';
import { checkMapUses } from './maps.ts';
import { foldNamedParameters } from './named-parameters.ts';
import { expandCMacros, readPreamble } from './preamble.ts';
import { filterByPid } from './pid-filter.ts';
import { checkContextBuiltins, checkProbeBuiltins } from './probe-builtins.ts';
import { foldScalarMaps } from './scalar-maps.ts';
import { warnUnstable } from './unstable.ts';

/** Everything between the parser and type inference, in order. A pass that reports an error is the last one to run. */
export const PASSES: readonly Pass[] = [
  // The configuration first: later passes ask it how strict to be.
  configure,
  // What is imported obeys all that follows.
  resolveImports,
  // Before macros: the library may use what a script may not.
  warnUnstable,
  parseAttachPoints,
  // Before control flow is checked: a return inside a loop is no longer one afterwards.
  returnFromLoops,
  checkControlFlow,
  desugar,
  expandMacros,
  checkProbeBuiltins,
  expandProbes,
  readPreamble,
  foldLiterals,
  checkContextBuiltins,
  foldConstants,
  expandCMacros,
  checkMapUses,
  foldScalarMaps,
  foldNamedParameters,
  filterByPid,
  // Once more, for the literals that the passes above put in.
  foldLiterals,
  checkBeforeTypes,
];
