/*
 * Starting application processors by ourselves, by INIT-SIPI-SIPI, where MP Services refuse to let
 * them run beside the boot processor: SDM vol. 3A, "MP Initialization Example".
 */
#ifndef EFI_CPU_STARTUP_H
#define EFI_CPU_STARTUP_H

#include "lib/base.h"
#include "lib/status.h"

struct efi_cpu;

/*
 * Starts each of efi_cpus but the first, which calls: they run procedure on their own stacks, in
 * long mode, with the caller's page tables, GDT and IDT. Those that do not come are left alone.
 * Error: STATUS_NO_MEMORY below 1 MiB, STATUS_UNSUPPORTED if CR3 has more than 32 bits, or if an id
 * of theirs, as the firmware lists it, does not name one processor.
 */
enum status startup_all(void (*procedure)(struct efi_cpu *own));

/*
 * Once all procedures have returned: an INIT for each processor, which then waits for a SIPI as
 * after a reset and runs nothing of ours.
 */
void startup_end(void);

/* startup_asm.S */
extern const uint8_t startup_page[], startup_page_end[];
void startup_arrive(void);

#endif
