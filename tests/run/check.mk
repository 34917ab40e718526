# Tests on the host: one cmocka program for each tests/host/*/*_test.c, under ASan and UBSan.

HOST := $(BUILD)/host
TSAN := $(BUILD)/tsan
FUZZ := $(BUILD)/fuzz
# cmocka 2 deprecates macros that cmocka 1 has nothing else for.
HOSTED := -std=gnu11 -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all \
	$(WARNINGS) -Wno-deprecated-declarations
HOST_FLAGS := $(HOSTED) -fsanitize=address,undefined
TSAN_FLAGS := $(HOSTED) -fsanitize=thread
FUZZ_FLAGS := $(HOSTED) -fsanitize=fuzzer,address,undefined
HOST_TESTS := $(patsubst tests/host/%.c,$(HOST)/%,$(sort $(wildcard $(HOST_FOLDERS:=/*_test.c))))

# core/, vmx/, svm/, the plain C of efi/ and the fakes go into one archive, of which the linker takes
# what a test calls: a test of the decoder gets core/vm/decode.c, and what needs assembly stays out.
# The rows of tests/vmx/entry and the capabilities' implications are data.
HOST_SOURCES := $(filter core/%.c vmx/%.c svm/%.c efi/options.c efi/options_source.c efi/url.c \
	tests/entry/%.c tests/vmx/entry/%.c tests/vmx/exit/%.c tests/vmx/ept/%.c tests/vmx/apic/%.c \
	tests/vmx/behaviour/%.c tests/svm/entry/%.c tests/vmx/capabilities.c,$(C_SOURCES)) \
	$(sort $(wildcard tests/host/fake/*.c)) tests/host/model/model.c tests/host/model/model_run.c
HOST_LIBS := -lcmocka -lZydis -lpthread

# Not -I, so that no <...> of the system's headers is one of ours.
SEES_HOST_core  := -iquote core
SEES_HOST_vmx   := -iquote core -iquote .
SEES_HOST_svm   := -iquote core -iquote .
SEES_HOST_efi   := -iquote core -iquote .
SEES_HOST_tests := -iquote core -iquote .

check: check-headers check-layers $(HOST_TESTS) $(TSAN)/vm/threads_test $(FUZZERS) ## host tests under the sanitizers
	failed=0; for program in $(HOST_TESTS) $(TSAN)/vm/threads_test; do \
		$$program || failed=1; done; \
	$(MAKE) fuzz-short spin-quick || failed=1; exit $$failed

$(HOST)/flags: FORCE
	mkdir -p $(@D)
	echo "$(CC) $(HOST_FLAGS)" | cmp -s - $@ || echo "$(CC) $(HOST_FLAGS)" >$@

$(HOST)/obj/%.o: % $(HOST)/flags
	$(say) HOSTCC $<
	mkdir -p $(@D)
	$(CC) $(HOST_FLAGS) $(SEES_HOST_$(call wing,$<)) -MMD -MP -c $< -o $@

$(HOST)/assay.a: $(HOST_SOURCES:%=$(HOST)/obj/%.o)
	rm -f $@
	$(AR) rcs $@ $^

$(HOST)/%_test: $(HOST)/obj/tests/host/%_test.c.o $(HOST)/assay.a
	$(say) HOSTLD $@
	mkdir -p $(@D)
	$(CC) $(HOST_FLAGS) $^ $(HOST_LIBS) -o $@
.SECONDARY:

# The same once more under ThreadSanitizer, for the one program that has threads.
$(TSAN)/obj/%.o: % $(HOST)/flags
	$(say) TSANCC $<
	mkdir -p $(@D)
	$(CC) $(TSAN_FLAGS) $(SEES_HOST_$(call wing,$<)) -MMD -MP -c $< -o $@

$(TSAN)/assay.a: $(patsubst %,$(TSAN)/obj/%.o,$(filter core/% tests/host/%,$(HOST_SOURCES)))
	rm -f $@
	$(AR) rcs $@ $^

$(TSAN)/%_test: $(TSAN)/obj/tests/host/%_test.c.o $(TSAN)/assay.a
	$(say) TSANLD $@
	mkdir -p $(@D)
	$(CC) $(TSAN_FLAGS) $^ -lcmocka -lpthread -o $@

# libFuzzer, which is clang's: event sequences against the model, options, an old report. The short
# run of `make check` is the same every time; the long one begins where its corpus ended.
FUZZ_SOURCES := $(filter-out core/suite/suite.c \
	$(addprefix tests/host/fake/,entry_machines.c fake_report.c),$(filter core/% tests/host/%,$(HOST_SOURCES)))
FUZZERS := $(FUZZ)/model $(FUZZ)/options $(FUZZ)/tap
FUZZ_QUIET := -print_final_stats=0 -verbosity=0 -artifact_prefix=$(FUZZ)/
SECONDS ?= 60

$(FUZZ)/obj/%.o: % $(HOST)/flags
	$(say) FUZZCC $<
	mkdir -p $(@D)
	clang $(FUZZ_FLAGS) $(SEES_HOST_$(call wing,$<)) -MMD -MP -c $< -o $@

$(FUZZ)/model: $(FUZZ)/obj/tests/host/model/model_fuzz.c.o
$(FUZZ)/options: $(FUZZ)/obj/tests/host/efi/options_fuzz.c.o
$(FUZZ)/tap: $(FUZZ)/obj/tests/host/suite/tap_fuzz.c.o
$(FUZZERS): $(patsubst %,$(FUZZ)/obj/%.o,$(FUZZ_SOURCES) efi/options.c efi/options_source.c efi/url.c)
	$(say) FUZZLD $@
	clang $(FUZZ_FLAGS) $^ -lpthread -o $@

fuzz-short: $(FUZZERS)
	$(FUZZ)/model -seed=1 -runs=12000 -max_len=2000 $(FUZZ_QUIET)
	for program in options tap; do \
		$(FUZZ)/$$program -seed=1 -runs=20000 -max_len=600 $(FUZZ_QUIET) || exit 1; \
	done

fuzz: $(FUZZERS) ## event sequences against the model, options, old reports; SECONDS=60
	for program in model options tap; do \
		mkdir -p $(FUZZ)/corpus/$$program; \
		$(FUZZ)/$$program -max_total_time=$(SECONDS) -max_len=4000 \
			-artifact_prefix=$(FUZZ)/ $(FUZZ)/corpus/$$program || exit 1; \
	done

spin: ## every interleaving of the mailbox and the kick protocol
	CC='$(CC)' sh tests/run/spin.sh $(BUILD)
spin-quick:
	CC='$(CC)' sh tests/run/spin.sh $(BUILD) quick

mutants: ## change core/ in a thousand ways; do the host tests notice? ONLY=core/vm/ipi.c
	$(PYTHON) tests/run/mutants.py --build $(BUILD) $(if $(ONLY),--only $(ONLY))

# Every header compiles alone.
check-headers: $(HEADERS:%=$(HOST)/%.alone)
$(HOST)/%.h.alone: %.h $(BUILD)/flags
	mkdir -p $(@D)
	$(CC) $(if $(filter tests/host/%,$<),$(HOST_FLAGS) $(SEES_HOST_tests),$(call flags,$<)) \
		-include $< -fsyntax-only -x c /dev/null
	touch $@

# Who may include whom, and no circles.
check-layers:
	$(PYTHON) tests/run/layers.py

.PHONY: check check-headers check-layers fuzz fuzz-short spin spin-quick mutants
-include $(foreach d,$(HOST) $(TSAN) $(FUZZ),$(wildcard $(foreach f,$(FOLDERS) $(HOST_FOLDERS),$(d)/obj/$(f)/*.d)))
