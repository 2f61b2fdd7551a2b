import { measureAgreement, readRecorded } from '../tests/verifier/recorded.ts';

/** Compares the verifier with recorded verdicts: `npx tsx scripts/verifier-agreement.ts FILE.jsonl [CATEGORY]`. */
const [path, category] = process.argv.slice(2);
if (path === undefined) {
  console.error('usage: verifier-agreement.ts FILE.jsonl [CATEGORY]');
  process.exit(2);
}
const programs = readRecorded(path).filter((r) => category === undefined || r.category === category);
const result = measureAgreement(programs);
const percent = (part: number, whole: number): string => `${((100 * part) / Math.max(whole, 1)).toFixed(2)}%`;
for (const line of result.differences) console.log(line);
console.log(`same verdict ${result.sameVerdict}/${result.programs} (${percent(result.sameVerdict, result.programs)})`);
console.log(`same message ${result.sameMessage}/${result.refusals} (${percent(result.sameMessage, result.refusals)})`);
console.log(`same number of instructions walked ${result.sameCount}/${result.programs}`);
console.log(`accepted though Linux refuses: ${result.tooLenient.length}`);
process.exit(result.tooLenient.length === 0 ? 0 : 1);
