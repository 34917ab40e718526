/* One status for every function that can fail. An error is logged where it is found. */
#ifndef CORE_LIB_STATUS_H
#define CORE_LIB_STATUS_H

#define STATUS_LIST(S)                                                                             \
	S(OK, "ok")                                                                                \
	S(NO_MEMORY, "out of memory")                                                              \
	S(UNSUPPORTED, "not supported by this machine")                                            \
	S(INVALID, "invalid argument, or a folder for a file")                                     \
	S(NOT_FOUND, "not found")                                                                  \
	S(BAD_STATE, "not allowed in this state")                                                  \
	S(TIMEOUT, "deadline passed")                                                              \
	S(DEVICE, "device or firmware error")                                                      \
	S(READ_ONLY, "volume is read-only")                                                        \
	S(VOLUME_FULL, "volume is full")                                                           \
	S(VM_FAIL_INVALID, "VMfailInvalid")                                                        \
	S(VM_FAIL_VALID, "VMfailValid")                                                            \
	S(REFUSED, "the firmware does not start it beside the boot processor")                     \
	S(HANGS, "the machine did not survive its start the last time")                            \
	S(NOT_ON, "switching its virtualization on raised an exception")                           \
	S(DIFFERENT, "its virtualization differs from the boot processor's")                       \
	S(NO_NMI, "an NMI that was sent to it has not arrived")                                    \
	S(FAULT, "processor exception")

enum status {
#define STATUS_ENUM(name, text) STATUS_##name,
	STATUS_LIST(STATUS_ENUM)
#undef STATUS_ENUM
};

/* The text of a status, for people. Never NULL. */
const char *status_text(enum status status);

#endif
