SHARE      := $(DESTDIR)$(PREFIX)/share
BASH_WORDS := $(SHARE)/bash-completion/completions/hakmem-trace
ZSH_WORDS  := $(SHARE)/zsh/site-functions/_hakmem-trace
FISH_WORDS := $(SHARE)/fish/vendor_completions.d/hakmem-trace.fish
# Folders in include/hakmem take the place of others' when the compiler gets -I INCLUDE/hakmem.
HEADERS    := $(wildcard include/*.h include/*.hpp include/*/*/*.h)
DOC        := $(DESTDIR)$(DOCDIR)
MAN        := $(SHARE)/man
LIB        := $(DESTDIR)$(LIBDIR)
PRIVATE    := $(DESTDIR)$(PREFIX)/lib/hakmem
CMAKE      := $(LIB)/cmake/hakmem
# gdb's script, under the name of the library that it is loaded with.
GDB_PUBLIC  := $(DESTDIR)$(AUTOLOAD)$(LIBDIR)/$(SO_FILE)-gdb.py
GDB_PRIVATE := $(DESTDIR)$(AUTOLOAD)$(PREFIX)/lib/hakmem/hakmem-debug.so-gdb.py
# Where a program is built against what was installed: libraries and headers may lie in another tree than PREFIX says.
FILL        = sed 's|@VERSION@|$(VERSION)|; s|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(patsubst $(PREFIX)/%,$${prefix}/%,$(LIBDIR))|; '"s|@UP@|$$(realpath -ms --relative-to='$(LIBDIR)/cmake/hakmem' '$(PREFIX)')|"
# Pages and samples say where all this lies by default; installed, they say where it lies there. What was measured stays as it was typed.
SETTLE      = sed -i 's|/usr/local/lib/hakmem|@PRIVATE@|g; s|/usr/local/lib\>|$(LIBDIR)|g; s|/usr/local/include\>|$(PREFIX)/include|g; s|@PRIVATE@|$(PREFIX)/lib/hakmem|g'
install: install-libraries $(if $(HAS_COMMANDS),install-commands)
install-libraries: all FORCE
	install -d "$(LIB)" "$(PRIVATE)" "$$(dirname "$(GDB_PUBLIC)")" "$$(dirname "$(GDB_PRIVATE)")"
	install -m 755 $(BUILD)/$(SO_FILE) "$(LIB)/"
	ln -sf $(SO_FILE) "$(LIB)/$(SO_NAME)"
	ln -sf $(SO_NAME) "$(LIB)/libhakmem.so"
	install -m 644 $(BUILD)/libhakmem.a "$(LIB)/"
	install -m 755 $(filter-out $(BUILD)/libhakmem.% $(BUILD)/hakmem-trace,$(ARTIFACTS)) "$(PRIVATE)/"
	install -m 644 tools/gdb/hakmem-gdb.py "$(PRIVATE)/hakmem-gdb.py"
	install -m 644 tools/gdb/hakmem-gdb.py "$(GDB_PUBLIC)"
	install -m 644 tools/gdb/hakmem-gdb.py "$(GDB_PRIVATE)"
	for header in $(patsubst include/%,%,$(HEADERS)); do install -D -m 644 "include/$$header" "$(DESTDIR)$(PREFIX)/include/$$header" || exit 1; done
	install -d "$(LIB)/pkgconfig" "$(CMAKE)"
	$(FILL) packaging/hakmem.pc >"$(LIB)/pkgconfig/hakmem.pc"
	$(FILL) packaging/hakmem-config.cmake >"$(CMAKE)/hakmem-config.cmake"
	$(FILL) packaging/hakmem-config-version.cmake >"$(CMAKE)/hakmem-config-version.cmake"
	install -d "$(DOC)"
	install -m 644 README.md DESIGN.md CONTRIBUTING.md CHANGELOG.md LICENSE "$(DOC)/"
	rm -rf "$(DOC)/docs" "$(DOC)/examples" "$(DOC)/include" && cp -R docs examples include "$(DOC)/"
	grep -rlIZ --exclude-dir=benchmarks /usr/local/ "$(DOC)" | xargs -0 -r $(SETTLE)
	chmod -R u=rwX,go=rX "$(DOC)/docs" "$(DOC)/examples" "$(DOC)/include"
# Commands, with their man pages and completions.
install-commands: all man FORCE
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -m 755 $(BUILD)/hakmem-trace "$(DESTDIR)$(PREFIX)/bin/"
	install -d "$(MAN)/man1" "$(MAN)/man5" "$(MAN)/man7"
	install -m 644 $(BUILD)/man/*.1 "$(MAN)/man1/"
	install -m 644 $(BUILD)/man/*.5 "$(MAN)/man5/"
	install -m 644 $(BUILD)/man/*.7 "$(MAN)/man7/"
	install -d "$(SHARE)/bash-completion/completions" "$(SHARE)/zsh/site-functions" \
	      "$(SHARE)/fish/vendor_completions.d"
	$(EMULATOR) $(BUILD)/hakmem-trace completion bash >"$(BASH_WORDS)"
	$(EMULATOR) $(BUILD)/hakmem-trace completion zsh >"$(ZSH_WORDS)"
	$(EMULATOR) $(BUILD)/hakmem-trace completion fish >"$(FISH_WORDS)"

uninstall:
	rm -f "$(DESTDIR)$(PREFIX)/bin/hakmem-trace" "$(LIB)/libhakmem.so" \
	      "$(LIB)/$(SO_NAME)" "$(LIB)/$(SO_FILE)" "$(LIB)/libhakmem.a" "$(LIB)/pkgconfig/hakmem.pc"
	rm -f "$(GDB_PUBLIC)" "$(GDB_PRIVATE)"
	rm -rf "$(PRIVATE)" "$(CMAKE)"
	rm -f $(patsubst include/%,"$(DESTDIR)$(PREFIX)/include/%",$(HEADERS))
	rm -rf "$(DESTDIR)$(PREFIX)/include/hakmem"
	rm -f "$(MAN)/man1/hakmem-trace.1" "$(MAN)/man1/hakmem-trace-"*.1 "$(MAN)/man5/hakmem-store.5" "$(MAN)/man7/hakmem.7"
	rm -f "$(BASH_WORDS)" "$(ZSH_WORDS)" "$(FISH_WORDS)"
	rm -rf "$(DOC)"

# The same files give the same bytes: those that git lists, as they are here, or, where there is no git, as in what was unpacked
# from such a file, all but $(BUILD) and debian. A step that fails, or an empty list, is an error and leaves no new tarball.
VERSION     = $(shell sed -n 's/^.define HAK_VERSION  *"\(.*\)"$$/\1/p' src/version.h)
VERSION_DAY = $(shell date -ud "$$(sed -n 's/^.define HAK_VERSION_DAY  *"\(.*\)"$$/\1/p' src/version.h)" +%s)
XZ_LEVEL   ?= -6
DIST        = $(BUILD)/hakmem-$(VERSION).tar.xz
.PHONY: dist deb portable
dist:
	@mkdir -p $(BUILD)
	$(call SAY,archive) { if [ -e .git ]; then git ls-files -z; \
	    else find . -path ./$(BUILD) -prune -o -path ./debian -prune -o \( -type f -o -type l \) -printf '%P\0'; fi; } >$(DIST).found || exit 1; \
	    [ -s $(DIST).found ] || { echo 'make dist: no files were found' >&2; exit 1; }; \
	    LC_ALL=C sort -z $(DIST).found >$(DIST).list && \
	    tar --null --no-recursion -T $(DIST).list -cf $(DIST).tar --format=gnu --owner=0 --group=0 --numeric-owner --mode=u+rwX,go+rX,go-w \
	        --mtime=@$${SOURCE_DATE_EPOCH:-$(VERSION_DAY)} --transform 's|^|hakmem-$(VERSION)/|SH' && \
	    xz $(XZ_LEVEL) -T1 <$(DIST).tar >$(DIST).new && mv $(DIST).new $(DIST) && rm -f $(DIST).found $(DIST).list $(DIST).tar

# Debian's packages, into $(BUILD)/deb, from what `make dist` writes.
deb:
	@[ -z "$(CROSS)" ] || [ -n "$(SYSROOT)" ] || { echo 'make deb: CROSS takes SYSROOT=DIR, a root that tools/arm_root made (packaging/README.md)' >&2; exit 2; }
	@tools/deps $(if $(CROSS),cross,deb)
	+@$(MAKE) --no-print-directory dist
	packaging/build_deb $(DIST) $(BUILD)/deb $(if $(CROSS),$(CROSS:%-=%) "$(SYSROOT)")

# One archive that runs where it is unpacked, on every system with this machine's glibc or a later one. Its pages say /opt/hakmem.
PORTABLE    = $(BUILD)/portable
portable:
	@tools/deps portable
	@rm -rf $(PORTABLE) && mkdir -p $(PORTABLE)
	+@$(MAKE) --no-print-directory DESTDIR="$(abspath $(PORTABLE))/root" PREFIX=/opt/hakmem LIBDIR=/opt/hakmem/lib DOCDIR=/opt/hakmem/share/doc/hakmem AUTOLOAD= install >$(PORTABLE)/made.log 2>&1 || \
	  { tail -n 20 $(PORTABLE)/made.log; exit 1; }
	XZ_LEVEL=$(XZ_LEVEL) packaging/build_portable $(PORTABLE)/root/opt/hakmem $(PORTABLE)/hakmem-$(VERSION)-x86_64.tar.xz $${SOURCE_DATE_EPOCH:-$(VERSION_DAY)}
	@rm -rf $(PORTABLE)/root $(PORTABLE)/made.log

