import { parseAttachPoints } from './attach-points.ts';
import { configure } from './config.ts';
import type { Pass } from './context.ts';
import { expandProbes } from './expand-probes.ts';

/** Everything between the parser and type inference, in order. A pass that reports an error is the last one to run. */
export const PASSES: readonly Pass[] = [
  // The configuration first: later passes ask it how strict to be.
  configure,
  parseAttachPoints,
  expandProbes,
];
