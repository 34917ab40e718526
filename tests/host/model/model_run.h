/* Drives core/ and the model side by side and compares all that can be seen after every step. */
#ifndef TESTS_HOST_MODEL_MODEL_RUN_H
#define TESTS_HOST_MODEL_MODEL_RUN_H

#include <stddef.h>
#include <stdint.h>

/* A new machine with so many vCPUs, on both sides. */
void both_begin(unsigned vcpus, const uint32_t *ids);
void both_end(void);

void both_icr(unsigned source, uint32_t low, uint32_t destination);
void both_set_base(unsigned vcpu, uint64_t base);
void both_write(unsigned vcpu, uint32_t offset, uint32_t value);
void both_drain(unsigned vcpu);

/* A sequence of events that the bytes say. Ends the program where the two sides differ. */
void both_run(const uint8_t *bytes, size_t size);

#endif
