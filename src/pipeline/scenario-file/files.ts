import type { FileSpec } from '../../simkernel/scenarios/scenario.ts';
import { part, size } from './quantities.ts';
import { absolutePath, listOf, optional, record, required, text } from './schema.ts';

/** Files of the machine, or of a container. */
export const files = listOf(
  record('a file', {
    path: required(absolutePath),
    size: optional(size),
    text: optional(text),
    cached: optional(part),
  }),
  'files',
);
type Rows = Exclude<ReturnType<typeof files>, undefined>;

export function fileSpecs(rows: Rows): readonly FileSpec[] {
  return rows.map(({ path, size: bytes, text: says, cached }) => ({
    path,
    size: bytes ?? says?.length ?? 0,
    ...(says === undefined ? {} : { text: says }),
    ...(cached === undefined ? {} : { warm: cached }),
  }));
}
