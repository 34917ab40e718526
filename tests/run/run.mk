# Booting the image: in emulators, and on a stick.

CPUS     ?= 4
EMULATOR ?= bochs
MODEL    ?=
MEMORY   ?= 512
BOOT     ?= disk
ICOUNT   ?= yes
ARGS     ?=
SUITE    ?=
SUITE_ROOT ?= /tmp/assay-$(SUITE)
RUN = $(PYTHON) tests/run/run.py --build $(BUILD) --emulator $(EMULATOR) --cpus $(CPUS) \
	--memory $(MEMORY) --model='$(MODEL)' --boot $(BOOT) $(if $(filter no,$(ICOUNT)),--no-icount) \
	--options="$$ARGS"
export ARGS
# A build by all processors, unless the user has said how many jobs there shall be.
JOBS = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))
run-packages = sh tests/run/packages.sh build $(if $(filter bochs,$(EMULATOR)),run,qemu)

run: ## boot in Bochs and show the report; CPUS=4 MODEL= MEMORY=512 ARGS="-l" EMULATOR=qemu ICOUNT=no
	sh tests/run/asked.sh '$(EMULATOR)' '$(CPUS)' '$(MEMORY)' '$(BOOT)'
	$(run-packages)
	$(MAKE) $(JOBS) all
	$(RUN)

test: ## everything: host tests, then the image in emulators
	sh tests/run/packages.sh build run test
	$(MAKE) $(JOBS) all tool $(BUILD)/spoil.efi
	$(PYTHON) tests/run/suite.py --build $(BUILD) $(if $(ONLY),--only '$(ONLY)')

fresh: SUITE := $(or $(SUITE),bookworm)
fresh: ## make run and make test on a fresh minimal Debian; SUITE=bookworm, trixie or testing
	sh tests/run/packages.sh matrix
	sh tests/run/fresh.sh $(SUITE) $(SUITE_ROOT)-fresh

soak: ## the whole suite N=200 times in one boot, and another program afterwards; EMULATOR=qemu
	$(run-packages)
	$(MAKE) $(JOBS) all $(BUILD)/spoil.efi
	$(PYTHON) tests/run/suite.py --build $(BUILD) --soak $(or $(N),200) --emulator $(EMULATOR)

pictures: ## docs/*.png: the screen at the end of a run, with and without VMX
	sh tests/run/packages.sh build run test pictures
	$(MAKE) $(JOBS) all
	$(PYTHON) tests/run/pictures.py --build $(BUILD)

matrix: ## every kind of machine the emulators have, into docs/matrix.md; SUITE=trixie ONLY=
	sh tests/run/packages.sh build run test $(if $(SUITE),matrix)
	$(MAKE) $(JOBS) all $(BUILD)/spoil.efi
	$(if $(SUITE),sh tests/run/chroot.sh $(SUITE) $(SUITE_ROOT) $(BUILD),\
		$(PYTHON) tests/run/matrix.py --build $(BUILD)) \
		$(if $(ONLY),--only '$(ONLY)')

bench: ## measure, print the table, compare with tests/run/baseline.txt
	sh tests/run/packages.sh build run qemu
	$(MAKE) $(JOBS) all
	$(PYTHON) tests/run/bench.py --build $(BUILD)
bench-update: ## measure, rewrite tests/run/baseline.txt and README.md's tables
	sh tests/run/packages.sh build run qemu
	$(MAKE) $(JOBS) all
	$(PYTHON) tests/run/bench.py --build $(BUILD) --update
	$(PYTHON) tests/run/readme.py $(BUILD)/run/bench-4

coverage: ## rewrite docs/guest-smp.md from the tests that a run with 4 processors has
	$(MAKE) test ONLY=bochs-4
	$(PYTHON) tests/run/coverage.py $(BUILD)/run/bochs-4/REPORT.JSON

conformance: ## rewrite docs/*-conformance.md from runs in Bochs and QEMU
	$(MAKE) test ONLY=bochs-4
	$(PYTHON) tests/run/conformance.py vmx $(BUILD)/run/bochs-4/REPORT.JSON
	$(MAKE) test ONLY=qemu-4
	$(PYTHON) tests/run/conformance.py svm $(BUILD)/run/qemu-4/REPORT.JSON

deviations: ## rewrite docs/deviations from the tables and from runs with 4 processors
	$(MAKE) test ONLY='*-4'
	$(PYTHON) tests/run/deviations.py $(BUILD)/run/bochs-4/REPORT.JSON $(BUILD)/run/qemu-4/REPORT.JSON

loaders: ## GRUB, systemd-boot and rEFInd by the texts of docs/booting.md; downloads three packages
	sh tests/run/packages.sh build qemu
	$(MAKE) $(JOBS) all
	$(PYTHON) tests/run/loaders.py $(BUILD)

lava: ## docs/lab/job.yaml by lava-run; wants root and the package lava-dispatcher
	sh tests/run/packages.sh build qemu
	$(MAKE) $(JOBS) all
	$(PYTHON) tests/run/lava.py $(BUILD)

usb: ## write a stick: make usb DEV=/dev/sdX
	CHECK=only sh tests/run/usb.sh $(BUILD)/assay.img '$(DEV)'
	sh tests/run/packages.sh build
	$(MAKE) $(JOBS) all
	sh tests/run/usb.sh $(BUILD)/assay.img '$(DEV)'

FORCE:
.PHONY: run test fresh matrix soak pictures bench bench-update coverage conformance deviations loaders lava usb FORCE
