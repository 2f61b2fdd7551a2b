/** Writes docs/tsbpftrace.1 from the option rows: npx tsx scripts/generate-manual.ts */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { manualPage } from '../src/cli/manual.ts';

writeFileSync(join(import.meta.dirname, '..', 'docs', 'tsbpftrace.1'), manualPage());
