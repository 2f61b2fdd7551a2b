import { tracepoint } from './tracepoint.ts';
import type { Tracepoint } from './tracepoint.ts';

export const tlbFlush: Tracepoint<[reason: number, pages: number]> = tracepoint('tlb:tlb_flush', 2, (f) => {
  const reasonField = f.number('reason');
  const pagesField = f.number('pages');
  return (reason, pages) => {
    reasonField(reason);
    pagesField(pages);
  };
});
