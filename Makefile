# Assay: build/assay.efi and build/assay.img. `make help` lists what else there is.
#
# core/ is compiled with -Icore and sees nothing else; the other wings see the whole tree and say
# whose header they include. tests/run/layers.py holds which folder may include which. Emulators,
# host tests, sticks and benchmarks are in tests/run/*.mk.

# A misspelt variable would change nothing and say nothing.
VARIABLES := CC LD AR OBJCOPY PYTHON CLANG_FORMAT BUILD V SABOTAGE VERSION COMMIT \
	SOURCE_DATE_EPOCH EFI_DIR EFI_INCLUDE QRCODEGEN OVMF BOCHS_SHARE INSTALL CPUS EMULATOR \
	MODEL MEMORY BOOT ICOUNT ARGS ONLY N SECONDS SUITE SUITE_ROOT DEV FORCE PREFIX DESTDIR
UNKNOWN := $(filter-out $(VARIABLES),$(foreach v,$(.VARIABLES), \
	$(if $(filter command line,$(origin $(v))),$(if $(filter-out MAKE% -*%,$(v)),$(v)))))
ifneq ($(UNKNOWN),)
$(error There is no variable $(UNKNOWN) here; there are: $(VARIABLES))
endif

VERSION := 0.1
BUILD   ?= build$(if $(SABOTAGE),/sabotage)
OBJ     := $(BUILD)/obj
GEN     := $(BUILD)/gen
OBJCOPY ?= objcopy
PYTHON  ?= python3
CLANG_FORMAT ?= clang-format
.DEFAULT_GOAL := all
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:
.SUFFIXES:
export LC_ALL := C

# The same dates in every build of a commit; the fallback is for a tree without git.
ifndef SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH := $(shell git -c safe.directory='*' log -1 --format=%ct 2>/dev/null)
ifeq ($(SOURCE_DATE_EPOCH),)
SOURCE_DATE_EPOCH := 1700000000
endif
endif
export SOURCE_DATE_EPOCH
ifndef COMMIT
COMMIT := $(shell git -c safe.directory='*' describe --always --dirty --abbrev=10 2>/dev/null)
COMMIT := $(or $(COMMIT),unknown)
endif
export COMMIT
export TZ := UTC
export PYTHONDONTWRITEBYTECODE := 1

all: $(BUILD)/assay.efi $(BUILD)/assay.img $(BUILD)/tests.json compile_commands.json ## build the image (the default)

# --- sources -------------------------------------------------------------------------------------

WINGS := efi core vmx svm tests
FOLDERS := efi efi/cpu core core/x86 core/lib core/vlapic core/vm core/suite vmx vmx/model svm \
	svm/model tests/lib tests/probe tests/smp tests/vcpu tests/machine tests/entry tests/vmx \
	tests/vmx/entry tests/vmx/exit tests/vmx/ept tests/vmx/apic tests/vmx/behaviour tests/svm \
	tests/svm/entry
HOST_FOLDERS := $(addprefix tests/host/,fake model lib x86 vlapic vm suite vmx svm efi)
C_SOURCES := $(filter-out %/asm-offsets.c $(if $(SABOTAGE),,tests/machine/sabotage.c), \
	$(sort $(wildcard $(FOLDERS:=/*.c))))
S_SOURCES := $(sort $(wildcard $(FOLDERS:=/*.S)))
GUEST_SOURCES := $(sort $(wildcard tests/guest/*.c tests/guest/*.S))
HEADERS := $(sort $(wildcard $(FOLDERS:=/*.h) tests/guest/*.h $(HOST_FOLDERS:=/*.h)))
OBJECTS := $(patsubst %,$(OBJ)/%.o,$(C_SOURCES) $(S_SOURCES))
GUEST_OBJECTS := $(GUEST_SOURCES:%=$(OBJ)/%.o)
OFFSETS := $(patsubst %.c,$(GEN)/%.h,$(wildcard $(FOLDERS:=/asm-offsets.c)))

# --- flags ---------------------------------------------------------------------------------------

# The last is part of -Wextra in newer clang; ours add enums on purpose: AT_GPR + RAX.
WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Werror -Wno-enum-enum-conversion
COMMON := -std=gnu11 -O2 -g -ffreestanding -fno-stack-protector -fno-strict-aliasing \
	-fno-omit-frame-pointer -mgeneral-regs-only -fcf-protection=none \
	-fno-asynchronous-unwind-tables '-ffile-prefix-map=$(CURDIR)=.' $(WARNINGS)
TESTS_FLAGS := $(if $(SABOTAGE),-DASSAY_SABOTAGE)

# One image of position-independent code in which nothing is exported. -fno-pic guests follow.
IMAGE_FLAGS := $(COMMON) -fpic -fshort-wchar -mno-red-zone -fvisibility=hidden
VERSION_FLAGS := -DASSAY_VERSION='"$(VERSION)"' -DASSAY_COMMIT='"$(COMMIT)"'
ifeq ($(findstring clang,$(CC)),)
# gnu-efi asks gcc for the first, for calls with the Microsoft ABI; the second packs static arrays.
IMAGE_FLAGS += -maccumulate-outgoing-args -malign-data=abi
endif
EFI_INCLUDE ?= /usr/include/efi
GNU_EFI := -DGNU_EFI_USE_MS_ABI -isystem $(EFI_INCLUDE) -isystem $(EFI_INCLUDE)/x86_64
GUEST_FLAGS := $(COMMON) -m32 -march=i686 -fno-pic -Icore

SEES_core  := -Icore
SEES_vmx   := -Icore -I.
SEES_svm   := -Icore -I.
SEES_efi   := -Icore -I. $(GNU_EFI)
SEES_tests := -Icore -I. $(TESTS_FLAGS)

wing = $(firstword $(subst /, ,$(1)))
flags = $(strip $(if $(filter tests/guest/%,$(1)),$(GUEST_FLAGS),$(IMAGE_FLAGS) \
	$(SEES_$(call wing,$(1))) \
	$(if $(filter core/suite/version.c,$(1)),$(VERSION_FLAGS))) \
	$(if $(filter %.S,$(1)),-I$(GEN) -Wa$(,)-I$(BUILD)))
, := ,
compile = $(CC) $(call flags,$(1)) -MMD -MP -c $(1) -o $(OBJ)/$(1).o

# Everything is rebuilt when a flag changes: another compiler, another version, SABOTAGE=1.
FLAGS_NOW := $(CC) $(IMAGE_FLAGS) $(foreach w,$(WINGS),$(SEES_$(w))) $(GUEST_FLAGS)
ifneq ($(file <$(BUILD)/flags),$(FLAGS_NOW))
$(shell mkdir -p $(BUILD))
$(file >$(BUILD)/flags,$(FLAGS_NOW))
endif

# One file knows the version and the commit.
ifneq ($(file <$(BUILD)/version),$(VERSION) $(COMMIT))
$(file >$(BUILD)/version,$(VERSION) $(COMMIT))
endif
$(OBJ)/core/suite/version.c.o: $(BUILD)/version

# The files in the image have the commit's date.
ifneq ($(file <$(BUILD)/epoch),$(SOURCE_DATE_EPOCH))
$(file >$(BUILD)/epoch,$(SOURCE_DATE_EPOCH))
endif

# --- objects -------------------------------------------------------------------------------------

ifdef V
say = @:
else
say = @printf '  %-8s %s\n'
.SILENT:
endif

$(OBJ)/%.o: % $(BUILD)/flags
	$(say) CC $<
	mkdir -p $(@D)
	$(call compile,$<)

$(filter %.S.o,$(OBJECTS)): $(OFFSETS)
$(filter $(OBJ)/tests/%.S.o,$(OBJECTS)): $(BUILD)/guest.bin

# Constants that assembly needs from C: lines `.ascii "->NAME value"` in compiled assembly become
# #define lines; the compiler may print the value as an immediate ($ or #).
$(GEN)/%/asm-offsets.h: %/asm-offsets.c $(BUILD)/flags
	$(say) GEN $@
	mkdir -p $(@D)
	$(CC) $(call flags,$<) -MMD -MP -MT $@ -MF $(@:.h=.d) -S $< -o $(@:.h=.s)
	{ echo '/* Generated from $<. */'; \
	  sed -n 's/^[[:space:]]*\.ascii[[:space:]]*"->\([A-Za-z0-9_]*\) *[$$#]*\([^" ]*\).*/#define \1 \2/p' \
		$(@:.h=.s); } >$@

# The guest: 32-bit, flat, included by tests/lib/guest_image.S with .incbin "guest.bin".
$(BUILD)/guest.elf: $(GUEST_OBJECTS) tests/guest/guest.lds
	$(say) LD $@
	$(LD) -m elf_i386 -T tests/guest/guest.lds --build-id=none -z noexecstack \
		--no-warn-rwx-segments -o $@ $(GUEST_OBJECTS)

$(BUILD)/guest.bin: $(BUILD)/guest.elf
	$(OBJCOPY) -O binary $< $@

# --- the EFI application -------------------------------------------------------------------------

QRCODEGEN ?= $(firstword $(wildcard $(addsuffix /libqrcodegen.a, \
	/usr/lib/x86_64-linux-gnu /usr/lib64 /usr/lib)) /usr/lib/libqrcodegen.a)
LINK := $(LD) -T efi/image.lds -nostdlib -shared -Bsymbolic \
	-znocombreloc -z pack-relative-relocs -z defs -z noexecstack \
	--build-id=none --hash-style=sysv --no-warn-rwx-segments

# The names of the functions are known when the image is linked: its section "symbols" is linked
# empty and filled afterwards. The section keeps its size, so nothing moves.
$(GEN)/no-symbols.S: efi/cpu/symbols.sh
	mkdir -p $(@D)
	sh $< >$@

$(BUILD)/assay.so: $(OBJECTS) $(OBJ)/no-symbols.S.o $(QRCODEGEN) efi/image.lds
	$(say) LD $@
	$(LINK) --exclude-libs ALL $(filter-out %.lds,$^) -o $@
	sh efi/cpu/symbols.sh $@ >$(GEN)/symbols.S
	$(CC) -c $(GEN)/symbols.S -o $(OBJ)/symbols.o
	$(OBJCOPY) -O binary -j symbols $(OBJ)/symbols.o $(GEN)/symbols.bin
	$(OBJCOPY) --update-section symbols=$(GEN)/symbols.bin $@

$(BUILD)/tests.json: $(BUILD)/assay.so tests/run/rows.py $(GEN)/tests/lib/asm-offsets.h
	$(say) GEN $@
	$(PYTHON) tests/run/rows.py $(BUILD)

$(OBJ)/no-symbols.S.o: $(GEN)/no-symbols.S
	mkdir -p $(@D)
	$(CC) -c $< -o $@

# What a shared object has to have and the image has no use for stays out.
TO_PE := --strip-all -R .hash -R .dynsym -R .dynstr -O efi-app-x86_64 --subsystem=10
$(BUILD)/assay.efi: $(BUILD)/assay.so tests/run/pe.py
	$(say) OBJCOPY $@
	$(OBJCOPY) $(TO_PE) $< $@
	$(PYTHON) tests/run/pe.py $@ $(VERSION)

$(BUILD)/assay.img: $(BUILD)/assay.efi startup.nsh tests/run/image.sh $(BUILD)/epoch
	$(say) IMAGE $@
	sh tests/run/image.sh $@ $< startup.nsh

# What the harness makes a machine bad with; it is not part of the image, and has gnu-efi's library.
EFI_DIR ?= $(firstword $(dir $(wildcard $(addsuffix /libefi.a, \
	/usr/lib /usr/lib/x86_64-linux-gnu /usr/lib64/gnuefi /usr/lib64))) /usr/lib/)
$(BUILD)/spoil.efi: tests/run/spoil.c efi/cpu/mp_protocol.h $(OBJ)/efi/start.S.o \
		$(OBJ)/efi/relocate.c.o efi/image.lds
	$(say) TOOL $@
	$(CC) $(IMAGE_FLAGS) $(SEES_efi) -c $< -o $(BUILD)/spoil.o
	$(LINK) $(OBJ)/efi/start.S.o $(OBJ)/efi/relocate.c.o $(BUILD)/spoil.o \
		$(EFI_DIR)libefi.a -o $(BUILD)/spoil.so
	$(OBJCOPY) $(TO_PE) $(BUILD)/spoil.so $@

# --- for editors, people and the end -------------------------------------------------------------

json_entry = {"directory":"$(CURDIR)","file":"$(1)","command":"$(subst ",\",$(subst \,\\,$(call compile,$(1))))"}
define newline


endef
compile_commands.json: $(BUILD)/flags $(C_SOURCES) $(GUEST_SOURCES)
	$(file >$@,$(foreach s,$(C_SOURCES) $(S_SOURCES) $(GUEST_SOURCES), \
		$(call json_entry,$(s))$(newline)))
	sed -i -e '/^ *$$/d' -e 's/^ *{/{/' $@ && sed -i -e '1s/^/[/' -e '$$!s/$$/,/' -e '$$s/$$/]/' $@

FORMATTED = $(filter %.c %.h,$(C_SOURCES) $(GUEST_SOURCES) $(HEADERS) $(wildcard \
	tests/machine/sabotage.c $(HOST_FOLDERS:=/*.c) $(FOLDERS:=/asm-offsets.c)))
# Each release lays out some code in its own way.
FORMAT_RELEASE := 14
format-release:
	$(CLANG_FORMAT) --version | grep -q ' version $(FORMAT_RELEASE)\.' || \
		{ echo 'The sources are laid out by clang-format $(FORMAT_RELEASE); here is another.' >&2; exit 1; }
format: format-release ## rewrite the sources with clang-format
	$(CLANG_FORMAT) -i $(FORMATTED)
format-check: format-release ## fail if clang-format would change a source
	$(CLANG_FORMAT) --dry-run -Werror $(FORMATTED)

clean: ## remove what the build made
	rm -rf $(BUILD) compile_commands.json

help: ## this list
	echo 'make [CC=clang] [V=1] [target]'
	sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1@\2/p' $(MAKEFILE_LIST) | \
		awk -F@ '{printf "%-16s %s\n", $$1, $$2}'

.PHONY: all format format-check format-release clean help
include tests/run/run.mk tests/run/check.mk tests/run/dist.mk
-include $(OBJECTS:.o=.d) $(GUEST_OBJECTS:.o=.d) $(OFFSETS:.h=.d)
