#include "efi/ending.h"

#include "suite/suite.h"
#include "x86/insn.h"

#include "efi/firmware.h"
#include "efi/qr.h"

/*
 * QEMU, docs of "-device isa-debug-exit": a byte written there ends the emulator with status
 * 2 * byte + 1. From 10H on, that is none of QEMU's own: 33 passed, 35 failed, 37 no judgement, 39
 * incomplete. A port that nothing answers at reads as all ones.
 */
enum { FIRST_CODE = 0x10, NOBODY = 0xFF };

struct ending_options ending = { .seconds = WAIT_SECONDS };

static void tell_emulator(int result)
{
	if (!ending.port)
		return;
	if (port_read(ending.port) == NOBODY)
		console_format("assay: no isa-debug-exit at port %xH\n", ending.port);
	else
		port_write(ending.port, (uint8_t)(FIRST_CODE + result));
}

bool ending_goes_back(void)
{
	return ending.how == ENDING_KEY || ending.how == ENDING_RETURN;
}

static void wait_for_person(bool lost)
{
	if (lost)
		console_format("the machine restarts after a key, or in %u s\n", ending.seconds);
	else
		console_format("press a key to go back to the firmware; in %u s it goes back by "
			       "itself\n",
			       ending.seconds);
	qr_show(suite_brief);
	console_wait_key();
}

void ending_reach(int result, bool lost)
{
	EFI_RESET_TYPE how = ending.how == ENDING_SHUTDOWN ? EfiResetShutdown : EfiResetCold;

	tell_emulator(result);
	if (ending.how == ENDING_KEY && (lost || !firmware.from_shell))
		wait_for_person(lost);
	if (lost || !ending_goes_back())
		firmware.runtime->ResetSystem(how, EFI_SUCCESS, 0, NULL);
}
