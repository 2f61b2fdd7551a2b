import type { Request } from './request.ts';

/** struct blk_plug: requests that a task gathers before the disk hears of them. */
export interface Plug {
  readonly address: number;
  readonly requests: Request[];
  /** Nested plugs do nothing. */
  depth: number;
}
