# Tests on the host: one cmocka program for each tests/host/*_test.c, under ASan and UBSan.

HOST := $(BUILD)/host
HOST_FLAGS := -std=gnu11 -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all -DASSAY_VERSION='"$(VERSION)"' $(WARNINGS)
HOST_TESTS := $(patsubst tests/host/%.c,$(HOST)/%,$(sort $(wildcard tests/host/*_test.c)))

# core/, vmx/, the plain C of efi/ and the fakes go into one archive, of which the linker takes what
# a test calls: a test of the decoder gets vmx/decode.c, and what needs assembly stays out.
HOST_SOURCES := $(filter core/%.c vmx/%.c efi/options.c,$(C_SOURCES)) \
	$(sort $(wildcard tests/host/fake_*.c))
HOST_LIBS := -lcmocka -lZydis -lpthread

# Not -I: <pthread.h> includes a <sched.h> that is not ours.
SEES_HOST_core  := -iquote core
SEES_HOST_vmx   := -iquote vmx -iquote core
SEES_HOST_efi   := -iquote efi -iquote core
SEES_HOST_tests := -iquote tests/host -iquote core -iquote vmx -iquote efi

check: check-headers check-layers $(HOST_TESTS) ## host tests under ASan and UBSan
	failed=0; for program in $(HOST_TESTS); do $$program || failed=1; done; exit $$failed

$(HOST)/flags: FORCE
	mkdir -p $(@D)
	echo "$(CC) $(HOST_FLAGS)" | cmp -s - $@ || echo "$(CC) $(HOST_FLAGS)" >$@

$(HOST)/obj/%.o: % $(HOST)/flags
	$(say) HOSTCC $<
	mkdir -p $(@D)
	$(CC) $(HOST_FLAGS) $(SEES_HOST_$(call folder,$<)) -MMD -MP -c $< -o $@

$(HOST)/assay.a: $(HOST_SOURCES:%=$(HOST)/obj/%.o)
	rm -f $@
	$(AR) rcs $@ $^

$(HOST)/%_test: $(HOST)/obj/tests/host/%_test.c.o $(HOST)/assay.a
	$(say) HOSTLD $@
	$(CC) $(HOST_FLAGS) $^ $(HOST_LIBS) -o $@
.SECONDARY:

# Every header compiles alone.
CHECKED_HEADERS := $(filter-out tests/host/%,$(HEADERS))
check-headers: $(CHECKED_HEADERS:%=$(HOST)/%.alone)
$(HOST)/%.h.alone: %.h $(BUILD)/flags
	mkdir -p $(@D)
	$(CC) $(call flags,$<) -include $< -fsyntax-only -x c /dev/null
	touch $@

# The include paths hold the direction of dependencies; a path in an #include would go around them.
check-layers:
	! grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"[^"]*/' \
		$(C_SOURCES) $(S_SOURCES) $(GUEST_SOURCES) $(HEADERS)

.PHONY: check check-headers check-layers
-include $(wildcard $(HOST)/obj/*/*.d $(HOST)/obj/*/*/*.d)
