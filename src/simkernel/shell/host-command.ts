import type { UserBody } from '../programs/image.ts';
import type { UserContext } from '../programs/user.ts';
import type { HostRequest, Lab } from './lab.ts';
import { STDERR, STDOUT, writeText } from './output.ts';
import { SIGINT, SIGTERM } from '../tasks/signals.ts';

/** How often the process looks for news, as bpftrace polls its ring buffer. */
const POLL_NS = 20_000_000;

/** What the process of a command does that the host of the lab carries out. */
export function* hostCommand(u: UserContext, lab: Lab, argv: readonly string[]): UserBody {
  const chunks: { readonly text: string; readonly isError: boolean }[] = [];
  let code: number | undefined;
  const request: HostRequest = {
    argv,
    input: () => '',
    write: (text, isError) => void chunks.push({ text, isError }),
    finish(status) {
      code = status;
    },
    interrupt: () => undefined,
  };
  for (const signal of [SIGINT, SIGTERM])
    yield u.onSignal(signal, function* () {
      request.interrupt();
      return 0;
    });
  lab.requests.push(request);
  lab.machine.stop();
  for (;;) {
    for (let chunk = chunks.shift(); chunk !== undefined; chunk = chunks.shift()) {
      const written = yield* writeText(u, chunk.isError ? STDERR : STDOUT, chunk.text);
      if (written < 0) {
        request.interrupt();
        return 1;
      }
    }
    if (code !== undefined && chunks.length === 0) return code;
    yield u.nanosleep(POLL_NS);
  }
}
