/* I/O instructions. */
#include "tests/vmx/exit/needs.h"
#include "tests/vmx/exit/row_macros.h"
#include "tests/vmx/exit/sections.h"

/* Exit qualification: SDM vol. 3C, "Exit Qualification for I/O Instructions". DX is 1212H in every
 * mode's state, immediate ports are 71H. */
enum { IN = 1 << 3, STRING = 1 << 4, REP = 1 << 5, IMMEDIATE = 1 << 6 };
#define DX 0x12120000ull
#define PORT 0x710000ull

/* Instruction information of INS and OUTS. */
enum {
	SIZE_16 = 0 << 7,
	SIZE_32 = 1 << 7,
	SIZE_64 = 2 << 7,
	SIZE_MASK = 7 << 7,
	SEGMENT_MASK = 7 << 15
};
#define SEGMENT(n) (uint64_t)(n) << 15
#define ES_DI GUEST_AT(GUEST_DATA, 0x80)
#define DS_SI GUEST_AT(GUEST_DATA, 0x40)

/* clang-format off */
/* At CPL 3 with IOPL 3; virtual-8086 mode goes by the bitmap in the TSS alone. */
#define MODES (MODES_ALL & ~(1 << MODE_V86))
#define ON BEFORE(PRIMARY_ON(IO), OR(GUEST_RFLAGS, 3 << 12))
#define SIZES(flags) RESULTS_OF(EXIT_QUALIFICATION, (flags) | 0, (flags) | 1, (flags) | 3)
#define HAS_INFO IF(has_io_info, "instruction information of INS and OUTS")
#define LINEAR(address) SET(GUEST_LINEAR_ADDRESS, address)

/* The three sizes of data. */
#define STRINGS(name, flags, address) \
	{ "exit.30.io", MODES, FRAGMENT_##name##_8, EXIT_BY(IO), ON, FRAGMENTS(3), SIZES(DX | STRING | (flags)), AFTER(LINEAR(address)) }
/* The sizes of addresses. */
#define INFO(name, modes, size, qualification, address) \
	{ "exit.30.string", MODES & (modes), FRAGMENT_##name, EXIT_BY(IO), ON, .info_mask = SIZE_MASK, HAS_INFO, \
	  AFTER(QUALIFICATION(DX | STRING | (qualification)), SET(EXIT_INSTRUCTION_INFO, size), LINEAR(address)) }
#define SEGMENTS_OF(modes, size) \
	{ "exit.30.string", MODES & (modes), FRAGMENT_OUTS_8, EXIT_BY(IO), ON, .info_mask = SIZE_MASK | SEGMENT_MASK, HAS_INFO, \
	  AFTER(QUALIFICATION(DX | STRING), SET(EXIT_INSTRUCTION_INFO, size | SEGMENT(DS)), LINEAR(DS_SI)) }
#define OVERRIDE(name, modes, size, segment, address) \
	{ "exit.30.string", MODES & (modes), FRAGMENT_OUTS_##name, EXIT_BY(IO), ON, .info_mask = SIZE_MASK | SEGMENT_MASK, HAS_INFO, \
	  AFTER(QUALIFICATION(DX | STRING), SET(EXIT_INSTRUCTION_INFO, size | SEGMENT(segment)), LINEAR(address)) }

static const struct guest_row rows[] = {
	{ "exit.30.io", MODES, FRAGMENT_IN_8_IMMEDIATE, EXIT_BY(IO), ON, FRAGMENTS(3), SIZES(PORT | IN | IMMEDIATE) },
	{ "exit.30.io", MODES, FRAGMENT_OUT_8_IMMEDIATE, EXIT_BY(IO), ON, FRAGMENTS(3), SIZES(PORT | IMMEDIATE) },
	{ "exit.30.io", MODES, FRAGMENT_IN_8, EXIT_BY(IO), ON, FRAGMENTS(3), SIZES(DX | IN) },
	{ "exit.30.io", MODES, FRAGMENT_OUT_8, EXIT_BY(IO), ON, FRAGMENTS(3), SIZES(DX) },
	{ "exit.30.io", MODES, FRAGMENT_OUT_8, EXIT_BY(IO), ON, VALUES_OF_REG(RDX, 0, 0x8000, 0xFFFF, 0x12340080),
	  RESULTS_OF(EXIT_QUALIFICATION, 0, 0x80000000, 0xFFFF0000, 0x800000) },
	STRINGS(INS, IN, ES_DI),
	STRINGS(OUTS, 0, DS_SI),
	STRINGS(REP_INS, IN | REP, ES_DI),
	STRINGS(REP_OUTS, REP, DS_SI),

	INFO(INS_8, MODES_64, SIZE_64, IN, ES_DI),
	INFO(INS_8, MODES_CODE_32, SIZE_32, IN, ES_DI),
	INFO(INS_8, MODES_CODE_16, SIZE_16, IN, ES_DI),
	INFO(INS_OTHER_SIZE, MODES_64, SIZE_32, IN, ES_DI),
	INFO(INS_OTHER_SIZE, MODES_CODE_32, SIZE_16, IN, ES_DI & 0xFFFF),
	INFO(INS_OTHER_SIZE, MODES_CODE_16, SIZE_32, IN, ES_DI),
	INFO(OUTS_OTHER_SIZE, MODES_64, SIZE_32, 0, DS_SI),
	INFO(OUTS_OTHER_SIZE, MODES_CODE_32, SIZE_16, 0, DS_SI & 0xFFFF),
	INFO(OUTS_OTHER_SIZE, MODES_CODE_16, SIZE_32, 0, DS_SI),
	SEGMENTS_OF(MODES_64, SIZE_64),
	SEGMENTS_OF(MODES_CODE_32, SIZE_32),
	SEGMENTS_OF(MODES_CODE_16, SIZE_16),
	OVERRIDE(ES, MODES_CODE_32, SIZE_32, ES, DS_SI),
	OVERRIDE(CS, MODES_CODE_32, SIZE_32, CS, DS_SI),
	OVERRIDE(SS, MODES_CODE_32, SIZE_32, SS, DS_SI),
	OVERRIDE(FS, MODES_CODE_32, SIZE_32, FS, DS_SI + 0x1000),
	OVERRIDE(GS, MODES_CODE_32, SIZE_32, GS, DS_SI + 0x2000),
	OVERRIDE(FS, MODES_64, SIZE_64, FS, DS_SI + 0x1000),
	OVERRIDE(GS, MODES_64, SIZE_64, GS, DS_SI + 0x2000),
	OVERRIDE(ES, MODES_CODE_16, SIZE_16, ES, DS_SI),
	OVERRIDE(FS, MODES_16, SIZE_16, FS, DS_SI + 0x1000),
	OVERRIDE(FS, 1 << MODE_REAL, SIZE_16, FS, DS_SI),
};
/* clang-format on */

const struct guest_section exit_io = { rows, ARRAY_SIZE(rows) };
