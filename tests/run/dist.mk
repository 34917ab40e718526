# What leaves the tree: the host program, an installation, a release.

PREFIX  ?= /usr/local
DESTDIR ?=
RELEASE := assay-$(VERSION)
INSTALL_DATA = install -D -m 644

$(BUILD)/assay: $(BUILD)/tests.json tests/run/pack.py $(wildcard tests/run/tool/*.py) \
		$(addprefix tests/run/,report.py console.py image.py) $(BUILD)/version
	$(say) PACK $@
	$(PYTHON) tests/run/pack.py $(BUILD) '$(VERSION) ($(COMMIT))'

tool: $(BUILD)/assay ## the host program, build/assay: judge, compare, convert, prepare, run, list, fleet

install: all tool ## the host program and the image below PREFIX=/usr/local
	install -D -m 755 $(BUILD)/assay $(DESTDIR)$(PREFIX)/bin/assay
	$(INSTALL_DATA) $(BUILD)/assay.img $(DESTDIR)$(PREFIX)/share/assay/assay.img
	$(INSTALL_DATA) $(BUILD)/assay.efi $(DESTDIR)$(PREFIX)/share/assay/assay.efi
	$(INSTALL_DATA) docs/report.schema.json $(DESTDIR)$(PREFIX)/share/assay/report.schema.json

uninstall: ## what `make install` put there
	rm -f $(DESTDIR)$(PREFIX)/bin/assay
	rm -rf $(DESTDIR)$(PREFIX)/share/assay

.PHONY: tool install uninstall

DIST := $(BUILD)/dist/$(RELEASE)
dist: ## a release in build/dist: image, ISO, programs, checksums, SPDX list
	sh tests/run/packages.sh build run dist
	$(MAKE) $(JOBS) all tool
	sh tests/run/dist.sh $(BUILD) '$(VERSION)' '$(COMMIT)' $(DIST)

iso: all ## build/assay.iso, for CD, stick, Ventoy and virtual media
	sh tests/run/packages.sh build dist
	sh tests/run/iso.sh $(BUILD)/assay.iso $(BUILD)/assay.efi startup.nsh

.PHONY: dist iso
