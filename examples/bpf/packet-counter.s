; Counts packets by the first byte of their network header: xdp, a packet, a map.
;
;   tsbpftrace bpf verify examples/bpf/packet-counter.s
;   tsbpftrace bpf run --mem 'ffffffffffff 000000000000 0800 45000014' examples/bpf/packet-counter.s
;
; Read `bpf verify -v` beside this text: it shows what the verifier knows at each step.

.type xdp
.map counts array 4 8 256

        r2 = *(u32 *)(r1 +0)            ; xdp_md.data: the packet's first byte
        r3 = *(u32 *)(r1 +4)            ; xdp_md.data_end: the byte behind its last

; Nothing may be read before a comparison with the end has proved that it is there. On the branch that goes on,
; the verifier notes for r2 and all its copies: 15 bytes may be read (`r=15` in the log).
        r4 = r2
        r4 += 15
        if r4 > r3 goto short
        r6 = *(u8 *)(r2 +14)            ; behind the 14 bytes of the Ethernet header

; A key lives on the stack; the helper gets its address. u8 loads are zero-extended, so r6 is between 0 and 255,
; which is below the 256 entries; yet any lookup may give null, as far as the verifier can tell.
        *(u32 *)(r10 -4) = r6
        r1 = map[counts]
        r2 = r10
        r2 += -4
        call map_lookup_elem
        if r0 == 0 goto pass            ; without this line: R0 invalid mem access 'map_value_or_null'

; Other CPUs count too: add in one step.
        r1 = 1
        lock *(u64 *)(r0 +0) += r1
        r0 = *(u64 *)(r0 +0)            ; so that a single run has something to show
        exit

pass:
        r0 = 2                          ; XDP_PASS
        exit
short:
        r0 = 0                          ; XDP_ABORTED
        exit
