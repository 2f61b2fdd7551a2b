import type { Folio } from '../fs/folios.ts';
import { frameOf } from '../fs/folios.ts';
import { tracepoint } from './tracepoint.ts';
import type { RecordFields, Tracepoint } from './tracepoint.ts';

function folioRecord(f: RecordFields): (folio: Folio) => void {
  const ino = f.number('i_ino');
  const pfn = f.number('pfn');
  const index = f.number('index');
  const dev = f.number('s_dev');
  const order = f.number('order');
  return (folio) => {
    ino(folio.inode?.ino ?? 0);
    pfn(frameOf(folio));
    index(folio.index);
    dev(folio.inode?.sb.device ?? 0);
    order(0);
  };
}
type OfFolio = Tracepoint<[folio: Folio]>;
export const mmFilemapAddToPageCache: OfFolio = tracepoint('filemap:mm_filemap_add_to_page_cache', 1, folioRecord);
export const mmFilemapDeleteFromPageCache: OfFolio = tracepoint(
  'filemap:mm_filemap_delete_from_page_cache',
  1,
  folioRecord,
);
