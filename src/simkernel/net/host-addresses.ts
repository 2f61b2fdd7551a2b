import { ipAddress } from './ip-address.ts';

/** The machine's own addresses on its Ethernet card. */
export const HOST_V4 = ipAddress('10.0.2.15');
export const HOST_V6 = ipAddress('fd00::2:15');
