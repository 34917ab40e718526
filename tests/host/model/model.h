/*
 * What a VM's state machine, local APICs and IPIs must do, written once more and apart from core/:
 * from the specification of guest SMP and the SDM, with sets as arrays of truth values, no masks,
 * no tables, no threads. It knows nothing of core/'s headers.
 */
#ifndef TESTS_HOST_MODEL_MODEL_H
#define TESTS_HOST_MODEL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

enum { MODEL_VCPUS = 8, MODEL_QUEUE = 64 };

enum model_mode { MODEL_OFF, MODEL_XAPIC, MODEL_X2APIC };

struct model_message {
	char kind; /* F fixed, L lowest priority, N NMI, I INIT, S SIPI, E ExtINT; or an event */
	uint8_t vector;
	bool level;
};

struct model_vcpu {
	char state; /* C R H W P S */
	uint32_t id;
	bool bsp;
	enum model_mode mode;
	bool enabled; /* in software */
	uint8_t spurious;
	uint8_t tpr;
	uint8_t ldr;   /* xAPIC mode */
	uint8_t model; /* DFR bits 31:28 */
	bool irr[256], isr[256], tmr[256];
	uint8_t esr, errors; /* as read, and since the last write */
	uint8_t error_vector;
	bool error_masked;
	bool nmi;
	int extint; /* -1: none */
	uint8_t sipi_vector;
	struct model_message queue[MODEL_QUEUE];
	unsigned queued;
	uint64_t sent, received, delivered, coalesced, dropped, inits, sipis_ignored;
	bool refused; /* the last control event was not allowed */
};

struct model {
	unsigned vcpus;
	struct model_vcpu vcpu[MODEL_VCPUS];
	uint64_t refused;
};

void model_reset(struct model *m, unsigned vcpus, const uint32_t *ids);

/*
 * A guest's ICR write. Which of several equals gets a lowest-priority IPI is open: winner is who
 * got it from the other side, -1 if nobody did. False: that cannot be.
 */
bool model_icr(struct model *m, unsigned source, uint32_t low, uint32_t destination, int winner);

/* A control message into the queue: G start, P pause, R resume, X stop. */
void model_post(struct model *m, unsigned vcpu, char kind);

/* All that is in the queue, in order. */
void model_drain(struct model *m, unsigned vcpu);

/* H halt, w wake. */
void model_event(struct model *m, unsigned vcpu, char event);

void model_write_tpr(struct model *m, unsigned vcpu, uint8_t value);
void model_write_svr(struct model *m, unsigned vcpu, bool enabled, uint8_t vector);
void model_write_ldr(struct model *m, unsigned vcpu, uint8_t value);
void model_write_dfr(struct model *m, unsigned vcpu, uint8_t value);
void model_write_esr(struct model *m, unsigned vcpu);
void model_write_error_lvt(struct model *m, unsigned vcpu, bool masked, uint8_t vector);
void model_eoi(struct model *m, unsigned vcpu);
bool model_set_mode(struct model *m, unsigned vcpu, enum model_mode mode, bool bsp);

/* The vector that could be taken now, -1: none. */
int model_deliverable(const struct model *m, unsigned vcpu);
void model_take(struct model *m, unsigned vcpu);

uint8_t model_ppr(const struct model *m, unsigned vcpu);

#endif
