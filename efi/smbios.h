/* What the firmware says the machine is. */
#ifndef EFI_SMBIOS_H
#define EFI_SMBIOS_H

#include "suite/facts.h"

/* Facts "system", "board" and "bios", and their parts as details; nothing without SMBIOS. */
void smbios_identify(struct facts *facts);

#endif
