import type { KernelObject } from '../memory/arena.ts';
import { tracepoint } from './tracepoint.ts';
import type { Tracepoint } from './tracepoint.ts';

type Skb = KernelObject & { readonly len: number; readonly device: { readonly name: string } };
/** The initial network namespace. */
const NET_COOKIE = 1;
const ETH_P_IP = 0x0800;

export const netifReceiveSkbEvent: Tracepoint<[skb: Skb]> = tracepoint('net:netif_receive_skb', 1, (f) => {
  const address = f.pointer('skbaddr');
  const len = f.number('len');
  const name = f.text('name');
  const cookie = f.number('net_cookie');
  return (skb) => {
    address(skb);
    len(skb.len);
    name(skb.device.name);
    cookie(NET_COOKIE);
  };
});
export const kfreeSkb: Tracepoint<[skb: Skb, location: KernelObject, reason: number, rxSk: null]> = tracepoint(
  'skb:kfree_skb',
  4,
  (f) => {
    const address = f.pointer('skbaddr');
    const place = f.pointer('location');
    const sk = f.pointer('rx_sk');
    const protocol = f.number('protocol');
    const reasonField = f.number('reason');
    return (skb, location, reason, rxSk) => {
      address(skb);
      place(location);
      sk(rxSk);
      protocol(ETH_P_IP);
      reasonField(reason);
    };
  },
);
type Napi = KernelObject & { readonly device: { readonly name: string } };
export const napiPollEvent: Tracepoint<[napi: Napi, work: number, budget: number]> = tracepoint(
  'napi:napi_poll',
  3,
  (f) => {
    const napiField = f.pointer('napi');
    const name = f.text('dev_name');
    const workField = f.number('work');
    const budgetField = f.number('budget');
    return (napi, work, budget) => {
      napiField(napi);
      name(napi.device.name);
      workField(work);
      budgetField(budget);
    };
  },
);
