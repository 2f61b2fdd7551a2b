import { layOut } from './format.ts';
import type { Program } from './nodes.ts';
import { Trivia } from './trivia.ts';

/** The program as a script without comments: what `-d ast` shows, and what two equal trees have in common. */
export function printAst(program: Program): string {
  return layOut(program, new Trivia([]));
}
