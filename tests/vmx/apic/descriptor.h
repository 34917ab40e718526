/* The posted-interrupt descriptor of the guests. */
#ifndef TESTS_VMX_APIC_DESCRIPTOR_H
#define TESTS_VMX_APIC_DESCRIPTOR_H

#include "tests/probe/mode.h"

/* The descriptor: 256 bits of requests, then "outstanding notification" and what software likes. */
enum { POSTED_AT = 0x800, POSTED_VECTOR = 0xF2 };
#define POSTED_REQUESTS(n) GUEST_AT(GUEST_APIC, POSTED_AT + 8 * (n))
#define POSTED_CONTROL GUEST_AT(GUEST_APIC, POSTED_AT + 32)
#define POSTED_OTHERS 0x123456789ABCDEF0 /* bits beside bit 0 */

#endif
