import { AF_INET } from '../net/ip-address.ts';
import type { NetDevice } from '../net/device.ts';
import type { KernelObject } from '../memory/arena.ts';
import { TICK_NS } from '../memory/kernel-data.ts';
import { HARDWARE_BYTES } from '../net/neighbour.ts';
import type { Neighbour } from '../net/neighbour.ts';
import { tracepoint } from './tracepoint.ts';
import type { RecordFields, Tracepoint } from './tracepoint.ts';

const NO_IPV6 = new Uint8Array(16);
const MAX_ADDRESS = 32;
/** References: the table's and the user's. */
const REFERENCES = 2;

/** What every event of an entry says of it. */
function entryFields(f: RecordFields): (n: Neighbour) => void {
  const family = f.number('family');
  const dev = f.text('dev');
  const hardware = f.bytes('lladdr');
  const length = f.number('lladdr_len');
  const [flags, type, dead, refcnt] = [f.number('flags'), f.number('type'), f.number('dead'), f.number('refcnt')];
  const state = f.number('nud_state');
  const [key, key6] = [f.bytes('primary_key4'), f.bytes('primary_key6')];
  const [confirmed, updated, used] = [f.number('confirmed'), f.number('updated'), f.number('used')];
  const padded = new Uint8Array(MAX_ADDRESS);
  return (n) => {
    family(AF_INET);
    dev(n.device.name);
    padded.set(n.hardware);
    hardware(padded);
    length(HARDWARE_BYTES);
    flags(0);
    type(1);
    dead(0);
    refcnt(REFERENCES);
    state(n.state);
    key(n.ip.bytes);
    key6(NO_IPV6);
    confirmed(Math.floor(n.confirmed / TICK_NS));
    updated(Math.floor(n.updated / TICK_NS));
    used(Math.floor(n.used / TICK_NS));
  };
}
export const neighCreate: Tracepoint<
  [tbl: KernelObject & { readonly entries: number }, dev: NetDevice, pkey: KernelObject, n: Neighbour, exempt: number]
> = tracepoint('neigh:neigh_create', 5, (f) => {
  const family = f.number('family');
  const device = f.text('dev');
  const entries = f.number('entries');
  const [created, exemptField] = [f.number('created'), f.number('gc_exempt')];
  const [key, key6] = [f.bytes('primary_key4'), f.bytes('primary_key6')];
  return (tbl, dev, _pkey, n, exempt) => {
    family(AF_INET);
    device(dev.name);
    entries(tbl.entries);
    created(1);
    exemptField(exempt);
    key(n.ip.bytes);
    key6(NO_IPV6);
  };
});
export const neighUpdateEvent: Tracepoint<
  [n: Neighbour, lladdr: KernelObject & { readonly bytes: Uint8Array }, state: number, flags: number, pid: number]
> = tracepoint('neigh:neigh_update', 5, (f) => {
  const entry = entryFields(f);
  const hardware = f.bytes('new_lladdr');
  const [newState, updateFlags, pidField] = [f.number('new_state'), f.number('update_flags'), f.number('pid')];
  const padded = new Uint8Array(MAX_ADDRESS);
  return (n, lladdr, state, flags, pid) => {
    entry(n);
    padded.set(lladdr.bytes);
    hardware(padded);
    newState(state);
    updateFlags(flags);
    pidField(pid);
  };
});
const withError = (f: RecordFields): ((n: Neighbour, err: number) => void) => {
  const entry = entryFields(f);
  const error = f.number('err');
  return (n, err) => {
    entry(n);
    error(err);
  };
};
type EntryEvent = Tracepoint<[n: Neighbour, err: number]>;
export const neighUpdateDone: EntryEvent = tracepoint('neigh:neigh_update_done', 2, withError);
export const neighTimerHandlerEvent: EntryEvent = tracepoint('neigh:neigh_timer_handler', 2, withError);
export const neighEventSendDone: EntryEvent = tracepoint('neigh:neigh_event_send_done', 2, withError);
