import { parseAttachPoints } from './attach-points.ts';
import { configure } from './config.ts';
import type { Pass } from './context.ts';
import { desugar } from './desugar.ts';
import { expandProbes } from './expand-probes.ts';
import { foldLiterals } from './fold.ts';
import { checkMapUses } from './maps.ts';

/** Everything between the parser and type inference, in order. A pass that reports an error is the last one to run. */
export const PASSES: readonly Pass[] = [
  // The configuration first: later passes ask it how strict to be.
  configure,
  parseAttachPoints,
  desugar,
  expandProbes,
  foldLiterals,
  checkMapUses,
];
