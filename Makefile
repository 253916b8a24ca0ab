# hakmem: one Makefile for everything. `make help` lists the targets.
# BUILD is where all that is made lies; CC may be gcc or clang. Nothing here asks a tool anything
# before a target needs it, so that `make deps`, `make demo` and `make check` work on a bare machine.

BUILD   ?= build
# One name for one folder: what a target depends on is noted under the target's name, so that a build folder which is
# given now by its path from here and now by its whole path would forget its headers.
override BUILD := $(patsubst $(CURDIR)/%,%,$(abspath $(BUILD)))
PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
DOCDIR  ?= $(PREFIX)/share/doc/hakmem
# Where gdb looks for scripts under their libraries' whole paths (Debian: /usr/share/gdb/auto-load); empty: beside the libraries.
AUTOLOAD ?=
DESTDIR ?=
ifeq ($(origin CC),default)
CC      := gcc
endif
NM      := nm
OBJCOPY := objcopy

WARN    := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes \
           -Wmissing-prototypes -Wpointer-arith
# A warning ends no build, since a newer compiler has others: it is shown, kept beside what was compiled, and tests/lint/compilers.sh fails.
# WERROR=1 ends the build at the first one (.ci/run).
STRICT  := $(if $(filter 1,$(WERROR)),-Werror)
# Flags of who builds a package: MORE for every compilation, as -ffile-prefix-map=$(CURDIR)=. is one, HOST_MORE for what runs
# beside a program alone, MORE_LINK for every link, as -Wl,-z,now is one.
COMMON  := -std=gnu11 -O2 -g$(if $(MORE), $(MORE)) $(WARN) -D_GNU_SOURCE -iquote src -iquote include -fvisibility=hidden
PROGRAM := $(COMMON) -fPIC -ftls-model=initial-exec -fno-builtin-malloc -fno-builtin-calloc \
           -fno-builtin-realloc -fno-builtin-free -fno-plt -fno-stack-protector
PLAIN   := $(PROGRAM) -DHAK_DEBUG=0
DEBUG   := $(PROGRAM) -DHAK_DEBUG=1
LIGHT   := $(PLAIN) -DHAK_LIGHT=1
KEEP    := $(DEBUG) -DHAK_KEEP=1
# What runs beside a program needs no optimiser to be linked, as the libraries do, whose dead branches name what is
# in the other one: HOST_MORE='-O0 -g0' is for who only wants to hear what the compiler says (lint/compilers.sh).
HOST    := $(COMMON) -iquote . -iquote $(BUILD) $(HOST_MORE)

# A sanitizer that HOST_MORE names is linked, too (tests/tools/sanitized.sh); a library gets its functions from the program.
SANITIZED   := $(filter -fsanitize=%,$(HOST_MORE))
ALL_DEFINED := $(if $(SANITIZED),,-Wl,--no-undefined)
HOST_LIBS  := $(SANITIZED) -lsqlite3 -lzstd -ljansson -ldw -lelf -liberty -llzma -lz -Wl,--as-needed -lunwind-x86_64 -lunwind \
              -Wl,--no-as-needed -lpthread -ldl
VIEW_LIBS  := -ledit -lprotobuf-c -lncursesw -ltinfo
CHECK_LIBS := -lcheck_pic -lsubunit -lrt -lm -lpthread -ldl
LIB_FLAGS  := -shared -Wl,-z,initfirst -Wl,-z,now -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,start-stop-visibility=hidden -Wl,--no-undefined -Wl,-O1 $(MORE_LINK)
COMMA       := ,
# `make V=1` shows the commands whole.
SAY         = $(if $(filter 1,$(V)),,@printf '  %-8s %s\n' $(1) '$(patsubst $(BUILD)/%,%,$@)' &&)
DEPEND      = -MMD -MP -MF $@.d -MT $@
# Compiles what is hakmem's own.
OURS        = tools/keep_warnings $@ $(CC) $(STRICT)

# ---- sources: every .c file of a folder belongs to it ------------------------------------------
LAYER_DIRS := entry verify learn route front mid large large_map slab pool platform
LAYER_SRC  := $(wildcard src/*.c) $(foreach d,$(LAYER_DIRS),$(wildcard src/$(d)/*.c))
WATCH_SRC  := $(wildcard src/entry/nested/*.c) $(foreach d,guard guard/* guarded watch decode strings leaks trace trace/* tree unwind metrics,$(wildcard src/$(d)/*.c))
STORE_SRC  := $(foreach d,base store store/*,$(wildcard src/$(d)/*.c))
COLL_SRC   := $(filter-out %/main.c,$(foreach d,collector/* report/* decode symbols,$(wildcard src/$(d)/*.c)))
VIEW_SRC   := $(filter-out viewer/main.c,$(wildcard viewer/*.c viewer/*/*.c))

# malloc, free, calloc and realloc of each build (src/entry/entry.h).
PLAIN_FAMILY := $(patsubst %,src/entry/plain/%.c,malloc realloc)
DEBUG_FAMILY := $(wildcard src/entry/debug/*.c)

# Level light (src/light.h): the plain allocator a second time, which shares the options, the size classes and the threads' data
# of the checks' half.
LIGHT_SRC  := $(PLAIN_FAMILY) $(filter-out src/options%.c src/size_class.c $(addprefix src/platform/,objects.c symbols.c thread_key.c) src/front/front.c src/entry/deepbind.c src/entry/environment.c,$(LAYER_SRC)) $(wildcard src/entry/light/*.c)

# hakmem-record.so (src/entry/keep/keep.h): the recorder of hakmem-debug.so without checks and layers.
KEEP_SRC     := $(wildcard src/options*.c src/entry/keep/*.c) $(foreach f,operators cxx cxx_weak deepbind environment,src/entry/$(f).c)
RECORDER_SRC := src/size_class.c $(foreach d,platform decode trace trace/* tree unwind metrics,$(wildcard src/$(d)/*.c))

# hakmem-attach.so (src/entry/attach/attach.h): the same for a program that runs already. It is loaded late, so without -z initfirst,
# and without src/tree: what a program calls by name stays its own.
ATTACH_SRC   := $(wildcard src/options*.c src/entry/attach/*.c) $(foreach f,blocks record,src/entry/keep/$(f).c)
ATTACHED_SRC := $(filter-out src/tree/%,$(RECORDER_SRC))

# hakmem_sqlite.so (src/sqlite/extension.h): what reads a store, as an extension of whatever SQLite loads it.
SQLITE_SRC := $(foreach d,base store $(addprefix store/,codec history live postings profile reader sql stacks) sqlite,$(wildcard src/$(d)/*.c))
SQLITE_OBJ := $(SQLITE_SRC:%.c=$(BUILD)/sqlite/%.o)

# hakmem_postgres.so (src/remote/remote.h): captures on a server. PQ_INCLUDE is where libpq-fe.h lies; empty, it is not made, and
# hakmem-trace refuses URLs. Nor is it with a libpq before PostgreSQL 14, which has no pipelines, or an SQLite before 3.38.
PQ_INCLUDE ?= $(patsubst %/libpq-fe.h,%,$(firstword $(wildcard $(addsuffix /libpq-fe.h,/usr/include/postgresql /usr/include /usr/local/include))))
SQLITE_H   := $(firstword $(wildcard /usr/include/sqlite3.h /usr/local/include/sqlite3.h))
HAS_REMOTE := $(and $(PQ_INCLUDE),$(findstring LIBPQ_HAS_PIPELINING,$(file <$(PQ_INCLUDE)/libpq-fe.h)),\
              $(if $(SQLITE_H),$(findstring SQLITE_INDEX_CONSTRAINT_LIMIT,$(file <$(SQLITE_H))),yes))
REMOTE_SRC := $(wildcard src/remote/*.c) src/store/error.c src/base/checksum.c
REMOTE_OBJ := $(REMOTE_SRC:%.c=$(BUILD)/remote/%.o)

PLAIN_OBJ := $(patsubst %.c,$(BUILD)/plain/%.o,$(LAYER_SRC) $(PLAIN_FAMILY))
LIGHT_OBJ := $(LIGHT_SRC:%.c=$(BUILD)/light/%.o)
KEEP_OBJ  := $(KEEP_SRC:%.c=$(BUILD)/keep/%.o)
ATTACH_OBJ := $(ATTACH_SRC:%.c=$(BUILD)/keep/%.o)
DEBUG_OBJ := $(patsubst %.c,$(BUILD)/debug/%.o,$(LAYER_SRC) $(DEBUG_FAMILY) $(WATCH_SRC))
STORE_OBJ := $(STORE_SRC:%.c=$(BUILD)/host/%.o) $(BUILD)/host/src/options.o $(BUILD)/host/src/size_class.o \
             $(BUILD)/host/src/metrics/names.o $(BUILD)/host/src/metrics/step.o
COLL_OBJ  := $(COLL_SRC:%.c=$(BUILD)/host/%.o)
VIEW_OBJ  := $(VIEW_SRC:%.c=$(BUILD)/host/%.o) $(BUILD)/host/made/fault_pages.o $(BUILD)/host/made/html_page.o \
             $(patsubst viewer/export/%.proto,$(BUILD)/host/made/%.pb-c.o,$(wildcard viewer/export/*.proto))
MAIN_OBJ  := $(BUILD)/host/src/collector/main.o $(BUILD)/host/viewer/main.o

ARTIFACTS := $(BUILD)/libhakmem.so $(BUILD)/libhakmem.a $(BUILD)/hakmem-debug.so $(BUILD)/hakmem-record.so $(BUILD)/hakmem-attach.so \
             $(BUILD)/hakmem-collect $(BUILD)/hakmem-trace $(BUILD)/hakmem_sqlite.so
REMOTE_SO := $(if $(HAS_REMOTE),$(BUILD)/hakmem_postgres.so)
ARTIFACTS += $(REMOTE_SO)

.PHONY: all
all: $(ARTIFACTS)

# A program that is linked with -lhakmem needs libhakmem.so.1: that number grows when what hakmem.h
# promises changes, so that an old program does not meet a library that is not its own.
SO_NAME := libhakmem.so.1
SO_FILE := $(SO_NAME).0.0
# mlockall (entry/plain) is another's in hakmem-debug.so, and nobody's in the archive.
$(BUILD)/$(SO_FILE): $(PLAIN_OBJ) $(BUILD)/plain/src/entry/plain/lock_memory.o
	$(call SAY,link) $(CC) $(LIB_FLAGS) -Wl,-soname,$(SO_NAME) -o $@ $^
$(BUILD)/$(SO_NAME): $(BUILD)/$(SO_FILE)
	$(call SAY,name) ln -sf $(<F) $@
$(BUILD)/libhakmem.so: $(BUILD)/$(SO_NAME)
	$(call SAY,name) ln -sf $(<F) $@
# The archive: the whole family as one member, since libc's own malloc would be fetched for any name
# that is missing; beside it the C++ operators, with strong names of the C++ runtime (src/entry/cxx.h).
# dlopen (deepbind.c) is for the shared libraries alone.
CXX_OBJ     := $(patsubst %,$(BUILD)/plain/src/entry/%.o,operators cxx cxx_weak)
ARCHIVE_OBJ := $(filter-out %/cxx_weak.o,$(CXX_OBJ)) $(BUILD)/plain/src/entry/archive/cxx_strong.o
$(BUILD)/plain/family.o: $(filter-out $(CXX_OBJ) %/entry/deepbind.o,$(PLAIN_OBJ))
	$(call SAY,link) $(CC) -r -nostdlib -o $@ $^
$(BUILD)/libhakmem.a: $(BUILD)/plain/family.o $(ARCHIVE_OBJ)
	$(call SAY,archive) rm -f $@ && ar rcs $@ $^
# One object, each of whose own names gets light_ in front: what it needs of the checks' half and of libc keeps its name,
# and what is known of the program's sandbox is there once.
# It comes last, so that its constructor does.
$(BUILD)/light.o: $(LIGHT_OBJ)
	$(call SAY,link) $(CC) -r -nostdlib -o $@.whole $^ && \
	    $(NM) -g --defined-only -P $@.whole | awk '!/^hak_(forbidden_calls|ticks_stand_still) / { print $$1 " light_" $$1 }' >$@.names && \
	    $(OBJCOPY) --redefine-syms=$@.names $@.whole $@ && rm -f $@.whole $@.names
$(BUILD)/hakmem-debug.so: $(DEBUG_OBJ) $(BUILD)/light.o
	$(call SAY,link) $(CC) $(LIB_FLAGS) -Wl,--version-script=src/trace/local.map -Wl,-soname,$(@F) -o $@ $^
$(BUILD)/hakmem-record.so: $(KEEP_OBJ) $(RECORDER_SRC:%.c=$(BUILD)/debug/%.o)
	$(call SAY,link) $(CC) $(LIB_FLAGS) -Wl,--version-script=src/trace/local.map -Wl,-soname,$(@F) -o $@ $^
$(BUILD)/hakmem-attach.so: $(ATTACH_OBJ) $(ATTACHED_SRC:%.c=$(BUILD)/debug/%.o) src/entry/attach/global.map
	$(call SAY,link) $(CC) $(filter-out -Wl$(COMMA)-z$(COMMA)initfirst,$(LIB_FLAGS)) -Wl,--version-script=src/entry/attach/global.map -Wl,-soname,$(@F) -o $@ $(filter %.o,$^)
$(BUILD)/hakmem_sqlite.so: $(SQLITE_OBJ)
	$(call SAY,link) $(CC) $(MORE_LINK) -shared -Wl,-z,now -Wl,-z,relro $(ALL_DEFINED) -Wl,--gc-sections -Wl,-soname,$(@F) -o $@ $^ -lzstd -lpthread
$(BUILD)/hakmem_postgres.so: $(REMOTE_OBJ)
	$(call SAY,link) $(CC) $(MORE_LINK) -shared -Wl,-z,now -Wl,-z,relro $(ALL_DEFINED) -Wl,-soname,$(@F) -o $@ $^ -lpq -lsqlite3
$(BUILD)/libstore.a: $(STORE_OBJ)
	$(call SAY,archive) rm -f $@ && ar rcs $@ $^
$(BUILD)/libcollector.a: $(COLL_OBJ)
	$(call SAY,archive) rm -f $@ && ar rcs $@ $^
$(BUILD)/libviewer.a: $(VIEW_OBJ)
	$(call SAY,archive) rm -f $@ && ar rcs $@ $^
$(BUILD)/hakmem-collect: $(BUILD)/host/src/collector/main.o $(BUILD)/libcollector.a $(BUILD)/libstore.a
	$(call SAY,link) $(CC) $(MORE_LINK) -o $@ $^ $(HOST_LIBS)
$(BUILD)/hakmem-trace: $(BUILD)/host/viewer/main.o $(BUILD)/libviewer.a $(BUILD)/libcollector.a $(BUILD)/libstore.a
	$(call SAY,link) $(CC) $(MORE_LINK) -o $@ $^ $(HOST_LIBS) $(VIEW_LIBS)

# Another compiler or other flags than last time: everything is compiled anew.
FLAGS_USED := $(CC) $(PLAIN) $(HOST) $(LIB_FLAGS)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(FLAGS_USED)' | cmp -s - $@ || printf '%s\n' '$(FLAGS_USED)' > $@
.PHONY: FORCE
FORCE:

# The pages of docs/specs/faults as text, for `explain`: one source for reader and command.
FAULT_PAGES := $(sort $(wildcard docs/specs/faults/HKM-*.md))
$(BUILD)/made/fault_pages.c: $(FAULT_PAGES) tools/embed_pages
	@mkdir -p $(@D)
	$(call SAY,make) tools/embed_pages $(FAULT_PAGES) >$@.new && mv $@.new $@
# The sources of the page of `html` (viewer/html).
HTML_PAGE := $(addprefix viewer/html/page.,html css js) $(addprefix viewer/html/fleet.,html js) viewer/html/common.js
$(BUILD)/made/html_page.c: $(HTML_PAGE) tools/embed_files
	@mkdir -p $(@D)
	$(call SAY,make) tools/embed_files viewer/html/html.h html_page=viewer/html/page.html \
	    html_style=viewer/html/page.css html_script=viewer/html/page.js \
	    html_common_script=viewer/html/common.js html_fleet_page=viewer/html/fleet.html html_fleet_script=viewer/html/fleet.js >$@.new && mv $@.new $@
$(BUILD)/host/made/html_page.o: $(BUILD)/made/html_page.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,compile) $(OURS) $(HOST) $(DEPEND) -c -o $@ $<
$(BUILD)/host/made/fault_pages.o: $(BUILD)/made/fault_pages.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,compile) $(OURS) $(HOST) $(DEPEND) -c -o $@ $<

# The messages of protobuf that `export` writes.
# protoc-c alone does it, too, and calls itself deprecated since 1.5.1.
MESSAGES := $(patsubst viewer/export/%.proto,$(BUILD)/made/%.pb-c,$(wildcard viewer/export/*.proto))
PROTOC := $(if $(and $(shell command -v protoc),$(shell command -v protoc-gen-c)),protoc,protoc-c)
.SECONDARY: $(MESSAGES:%=%.c) # else make 4.4 removes them, and makes them anew the next time
$(BUILD)/made/%.pb-c.c $(BUILD)/made/%.pb-c.h: viewer/export/%.proto
	@mkdir -p $(@D)
	$(call SAY,make) $(PROTOC) --proto_path=viewer/export --c_out=$(BUILD)/made $<
$(BUILD)/host/made/%.pb-c.o: $(BUILD)/made/%.pb-c.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,compile) $(OURS) $(HOST) -w $(DEPEND) -c -o $@ $<
$(patsubst %.c,$(BUILD)/host/%.o,$(wildcard viewer/export/*.c)): $(MESSAGES:%=%.h)

$(BUILD)/plain/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,compile) $(OURS) $(PLAIN) $(DEPEND) -c -o $@ $<
$(BUILD)/light/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,compile) $(OURS) $(LIGHT) $(DEPEND) -c -o $@ $<
$(BUILD)/keep/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,compile) $(OURS) $(KEEP) $(DEPEND) -c -o $@ $<
$(BUILD)/debug/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,compile) $(OURS) $(DEBUG) $(DEPEND) -c -o $@ $<
$(BUILD)/remote/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,compile) $(OURS) $(HOST) -fPIC $(PQ_INCLUDE:%=-isystem %) $(DEPEND) -c -o $@ $<
$(BUILD)/sqlite/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,compile) $(OURS) $(HOST) -fPIC -ffunction-sections -include sqlite/extension.h $(DEPEND) -c -o $@ $<
$(BUILD)/host/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,compile) $(OURS) $(HOST) $(DEPEND) -c -o $@ $<

# ---- unit tests: tests/unit/FOLDER/NAME_test.c mirrors src/FOLDER/NAME.c -----------------------
# Layers are linked without entry/, so that the test itself runs on the system's malloc.
$(BUILD)/libplainlayers.a: $(filter-out $(BUILD)/plain/src/entry/%,$(PLAIN_OBJ))
	$(call SAY,archive) rm -f $@ && ar rcs $@ $^
$(BUILD)/libdebuglayers.a: $(filter-out $(BUILD)/debug/src/entry/%,$(DEBUG_OBJ))
	$(call SAY,archive) rm -f $@ && ar rcs $@ $^

UNIT_SRC   := $(filter-out $(if $(HAS_REMOTE),,tests/unit/remote/%),\
                $(wildcard tests/unit/*_test.c tests/unit/*/*_test.c tests/unit/*/*/*_test.c))
UNIT_TESTS := $(UNIT_SRC:tests/%.c=$(BUILD)/tests/%)
TEST_FLAGS := $(filter-out -fvisibility=hidden,$(COMMON)) -Wno-conversion -iquote . -iquote tests $(HOST_MORE)
LINK_TEST   = $(OURS) $(TEST_FLAGS) $(DEPEND) -o $@ $(filter %.c %.a,$^)

# hakmem-debug.so as it is on a machine whose debug registers never fire (tests/tools/deaf.h); tests/tools/lay_beside.sh makes a
# folder of it in which any test can be run.
DEAF      := $(BUILD)/deaf
DEAF_SRC  := $(wildcard src/watch/*.c)
DEAF_OBJ  := $(DEAF_SRC:%.c=$(DEAF)/%.o)
$(DEAF)/%.o: %.c tests/tools/deaf.h $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,compile) $(CC) $(DEBUG) -include tests/tools/deaf.h $(DEPEND) -c -o $@ $<
$(DEAF)/hakmem-debug.so: $(DEAF_OBJ) $(filter-out $(DEAF_SRC:%.c=$(BUILD)/debug/%.o),$(DEBUG_OBJ)) $(BUILD)/light.o
	$(call SAY,link) $(CC) $(LIB_FLAGS) -Wl,--version-script=src/trace/local.map -Wl,-soname,$(@F) -o $@ $^
$(DEAF)/libwatch.a: $(DEAF_OBJ)
	$(call SAY,archive) rm -f $@ && ar rcs $@ $^

# hakmem-debug.so as it is with an ld.so before glibc 2.35 (tests/tools/old_loader.h), in a folder of its own like that, and unit
# tests of what it keeps there: tests/unit/old/FOLDER/NAME_test.c is tests/unit/FOLDER/NAME_test.c, or one of its own.
OLD     := $(BUILD)/old
OLD_OBJ := $(OLD)/src/platform/objects.o
$(OLD)/%.o: %.c tests/tools/old_loader.h $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,compile) $(OURS) $(DEBUG) -include tests/tools/old_loader.h $(DEPEND) -c -o $@ $<
$(OLD)/hakmem-debug.so: $(OLD_OBJ) $(filter-out $(BUILD)/debug/src/platform/objects.o,$(DEBUG_OBJ)) $(BUILD)/light.o
	$(call SAY,link) $(CC) $(LIB_FLAGS) -Wl,--version-script=src/trace/local.map -Wl,-soname,$(@F) -o $@ $^
# A library finds its collector beside itself, and that its own parts: the file itself, not a name of it.
$(DEAF)/hakmem-collect $(OLD)/hakmem-collect: $(BUILD)/hakmem-collect
	@mkdir -p $(@D)
	$(call SAY,name) { ln -f $< $@ 2>/dev/null || cp -f $< $@; }

# The guard's tests take the tracer's place themselves.
$(BUILD)/libguardlayers.a: $(filter-out $(foreach d,entry leaks trace tree unwind,$(BUILD)/debug/src/$(d)/%),$(DEBUG_OBJ)) \
                          $(BUILD)/debug/src/trace/tracer.o $(BUILD)/debug/src/trace/control.o
	$(call SAY,archive) rm -f $@ && ar rcs $@ $^
$(BUILD)/tests/unit/guard/%: tests/unit/guard/%.c $(BUILD)/libguardlayers.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) -DHAK_DEBUG=1 $(CHECK_LIBS)
$(BUILD)/tests/unit/guarded/%: tests/unit/guarded/%.c $(BUILD)/libguardlayers.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) -DHAK_DEBUG=1 $(CHECK_LIBS)
$(BUILD)/tests/unit/strings/%: tests/unit/strings/%.c $(BUILD)/libguardlayers.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) -DHAK_DEBUG=1 -fno-builtin $(CHECK_LIBS)
$(BUILD)/tests/unit/trace/%: tests/unit/trace/%.c $(BUILD)/libdebuglayers.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) -DHAK_DEBUG=1 $(CHECK_LIBS) -lunwind
$(BUILD)/tests/unit/tree/%: tests/unit/tree/%.c $(BUILD)/libdebuglayers.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) -DHAK_DEBUG=1 $(CHECK_LIBS)
$(BUILD)/tests/unit/leaks/%: tests/unit/leaks/%.c $(BUILD)/libdebuglayers.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) -DHAK_DEBUG=1 $(CHECK_LIBS)
$(BUILD)/tests/unit/decode/%: tests/unit/decode/%.c $(BUILD)/libdebuglayers.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) -DHAK_DEBUG=1 $(CHECK_LIBS)
$(BUILD)/tests/unit/watch/deaf_test: tests/unit/watch/deaf_test.c $(DEAF)/libwatch.a $(BUILD)/libdebuglayers.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) -DHAK_DEBUG=1 $(CHECK_LIBS)
$(BUILD)/tests/unit/watch/%: tests/unit/watch/%.c $(BUILD)/libdebuglayers.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) -DHAK_DEBUG=1 $(CHECK_LIBS)
$(BUILD)/tests/unit/metrics/%: tests/unit/metrics/%.c $(BUILD)/libdebuglayers.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) -DHAK_DEBUG=1 $(CHECK_LIBS)
$(BUILD)/tests/unit/verify/states_test: tests/unit/verify/states_test.c $(BUILD)/libdebuglayers.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) -DHAK_DEBUG=1 $(CHECK_LIBS)
$(BUILD)/libkept.a: $(BUILD)/keep/src/entry/keep/blocks.o $(BUILD)/keep/src/entry/keep/record.o
	$(call SAY,archive) rm -f $@ && ar rcs $@ $^
$(BUILD)/tests/unit/entry/keep/%: tests/unit/entry/keep/%.c $(BUILD)/libkept.a $(BUILD)/libdebuglayers.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) -DHAK_DEBUG=1 $(CHECK_LIBS)
$(BUILD)/libattached.a: $(BUILD)/keep/src/entry/attach/imports.o
	$(call SAY,archive) rm -f $@ && ar rcs $@ $^
$(BUILD)/tests/unit/entry/attach/%: tests/unit/entry/attach/%.c $(BUILD)/libattached.a $(BUILD)/libdebuglayers.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) -DHAK_DEBUG=1 $(CHECK_LIBS)
$(BUILD)/tests/unit/base/%: tests/unit/base/%.c $(BUILD)/libstore.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) $(CHECK_LIBS) $(HOST_LIBS)
$(BUILD)/libremote.a: $(filter-out %/module.o,$(REMOTE_OBJ))
	$(call SAY,archive) rm -f $@ && ar rcs $@ $^
$(BUILD)/tests/unit/remote/%: tests/unit/remote/%.c $(BUILD)/libremote.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) $(PQ_INCLUDE:%=-isystem %) $(CHECK_LIBS) -lpq -lsqlite3
$(BUILD)/tests/unit/store/%: tests/unit/store/%.c $(BUILD)/libcollector.a $(BUILD)/libstore.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) $(CHECK_LIBS) $(HOST_LIBS)
$(BUILD)/tests/unit/collector/%: tests/unit/collector/%.c $(BUILD)/libcollector.a $(BUILD)/libstore.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) $(CHECK_LIBS) $(HOST_LIBS)
$(BUILD)/tests/unit/report/%: tests/unit/report/%.c $(BUILD)/libcollector.a $(BUILD)/libstore.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) $(CHECK_LIBS) $(HOST_LIBS)
$(BUILD)/tests/unit/symbols/%: tests/unit/symbols/%.c $(BUILD)/libcollector.a $(BUILD)/libstore.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) $(CHECK_LIBS) $(HOST_LIBS)
$(BUILD)/tests/unit/viewer/%: tests/unit/viewer/%.c $(BUILD)/libviewer.a $(BUILD)/libcollector.a $(BUILD)/libstore.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) $(CHECK_LIBS) $(HOST_LIBS) $(VIEW_LIBS)
$(BUILD)/tests/unit/%: tests/unit/%.c $(BUILD)/libplainlayers.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) $(CHECK_LIBS)

# What the thread sanitizer looks at is linked with all layers compiled for it, again without entry/.
TSAN_BIN  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/tsan/*.c))
TSAN_OBJ  := $(filter-out $(BUILD)/tsan/src/entry/%,$(LAYER_SRC:%.c=$(BUILD)/tsan/%.o))
TSAN      := -DHAK_DEBUG=0 -fsanitize=thread,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
TSAN_WRAP := $(foreach f,map map_aligned hold reserve unmap,-Wl,--wrap=hak_$(f))
$(BUILD)/tsan/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,compile) $(OURS) $(COMMON) $(TSAN) $(DEPEND) -c -o $@ $<
$(BUILD)/libtsanlayers.a: $(TSAN_OBJ)
	$(call SAY,archive) rm -f $@ && ar rcs $@ $^
$(BUILD)/tests/tsan/%: tests/tsan/%.c $(BUILD)/libtsanlayers.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(subst $(SANITIZED),,$(LINK_TEST)) $(TSAN) $(TSAN_WRAP) -lpthread

# The exhaustive checker of the transfers: the layers, with each access a call of the checker's own in
# place of the thread sanitizer's, and the checker, which is compiled as any program.
MODEL       := tests/model/checker
MODEL_SRC   := src/size_class.c $(foreach d,front mid slab pool large large_map route,$(wildcard src/$(d)/*.c)) \
               $(filter-out %/platform.c,$(wildcard src/platform/*.c)) $(wildcard $(MODEL)/*_checked.c)
MODEL_OBJ   := $(MODEL_SRC:%.c=$(BUILD)/model/%.o)
MODEL_HOST  := $(filter-out %_checked.c,$(wildcard $(MODEL)/*.c)) $(wildcard src/options*.c)
MODEL_BIN   := $(BUILD)/$(MODEL)/model
MODEL_FLAGS := $(filter-out -fvisibility=hidden,$(COMMON)) -DHAK_DEBUG=0 -Wno-conversion -iquote $(MODEL)
$(BUILD)/model/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,compile) $(OURS) $(MODEL_FLAGS) -fsanitize=thread -include $(MODEL)/include.h $(DEPEND) -c -o $@ $<
$(BUILD)/liblayersmodel.a: $(MODEL_OBJ)
	$(call SAY,archive) rm -f $@ && ar rcs $@ $^
$(BUILD)/checker/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,compile) $(OURS) $(MODEL_FLAGS) $(DEPEND) -c -o $@ $<
$(BUILD)/model/checker.o: $(MODEL_HOST:%.c=$(BUILD)/checker/%.o)
	@mkdir -p $(@D)
	$(call SAY,link) $(CC) -r -nostdlib -o $@ $^
$(MODEL_BIN): $(BUILD)/model/checker.o $(BUILD)/liblayersmodel.a
	@mkdir -p $(@D)
	$(call SAY,test) $(CC) -rdynamic -Wl,-z,now -o $@ $(filter %.o %.a,$^) -ldl

# ---- programs that tests, demo and benches run: compiled as a user would, so that faults stay ---
USER_FLAGS := -std=gnu11 -O0 -g -D_GNU_SOURCE -Wall -Wextra -Wno-free-nonheap-object \
              -Wno-use-after-free -Wno-unknown-warning-option -iquote include
USER_SRC   := $(wildcard demo/*.c tests/faults/*.c tests/programs/*.c tests/kill/*.c tests/cli/*.c \
              tests/regressions/*.c tests/stale/*.c tests/trees/*.c tests/crash/*.c tests/metrics/*.c tests/memory/*.c tests/guarded/*.c tests/light/*.c \
              tests/hunt/*.c tests/keep/*.c tests/ctl/*.c tests/corefile/*.c tests/attach/*.c tests/long/*.c \
              tests/docs/app.c tests/matrix/*.c tests/options/*.c tests/security/*.c tests/strings/*.c tests/instruction/*.c tests/remote/*.c)
USER_SRC   := $(filter-out tests/hunt/damage.c,$(USER_SRC)) # tests/hunt/places.sh compiles it
USER_BIN   := $(USER_SRC:%.c=$(BUILD)/%) $(patsubst %.cpp,$(BUILD)/%,$(wildcard tests/faults/*.cpp tests/faults/cxx/*.cpp)) \
              $(BUILD)/tests/faults/cxx/plugin_host.so
USER_CXX   := $(if $(findstring clang,$(CC)),clang++ -fsized-deallocation,g++) -std=c++17 -O0 -g -w -iquote include
TOOL_BIN   := $(DEAF)/hakmem-debug.so $(DEAF)/hakmem-collect $(OLD)/hakmem-debug.so $(OLD)/hakmem-collect $(BUILD)/tests/security/hakmem-collect $(BUILD)/tests/tools/count_calls.so $(BUILD)/tests/tools/crash_at_load.so \
              $(BUILD)/tests/tools/rounds.so \
              $(patsubst %.c,$(BUILD)/%,$(wildcard tests/tools/reference_*.c))
BENCH_BIN  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/*.c))

$(BUILD)/demo/%: demo/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,link) $(CC) $(USER_FLAGS) $(DEPEND) -o $@ $< -lpthread
# A collector that breaks down over modules that ask for it, or waits (tests/security/unreadable.sh, late_names.sh).
$(BUILD)/tests/security/hakmem-collect: tests/security/reader/deadly.c $(BUILD)/host/src/collector/main.o $(BUILD)/libcollector.a $(BUILD)/libstore.a
	@mkdir -p $(@D)
	$(call SAY,link) $(OURS) $(HOST) -Wno-infinite-recursion -Wl,--wrap=hak_units_load -Wl,--wrap=hak_units_find $(DEPEND) -o $@ $(filter %.c %.o %.a,$^) $(HOST_LIBS)
$(BUILD)/tests/tools/%.so: tests/tools/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,link) $(OURS) $(PROGRAM) -fexceptions -Wno-missing-prototypes $(DEPEND) -shared -Wl,-z,now -o $@ $< -ldl
$(BUILD)/tests/tools/%: tests/tools/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,link) $(CC) $(USER_FLAGS) -O2 $(DEPEND) -o $@ $< -lsqlite3 -lzstd
$(BUILD)/tests/bench/%: tests/bench/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,link) $(CC) $(USER_FLAGS) -O2 $(DEPEND) -o $@ $< -lpthread
$(BUILD)/tests/faults/%: tests/faults/%.cpp $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,link) $(USER_CXX) $(DEPEND) -o $@ $< -lpthread
# Larger C++ programs; one that is to be optimised says so itself.
$(BUILD)/tests/faults/cxx/%.so: tests/faults/cxx/%.cpp $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,link) $(USER_CXX) -DPLUGIN -shared -fPIC $(DEPEND) -o $@ $<
$(BUILD)/tests/faults/cxx/%: tests/faults/cxx/%.cpp $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,link) $(USER_CXX) $$(sed -n 's|^// optimise: ||p' $<) $(DEPEND) -o $@ $< -lpthread -ldl
# Calls that a compiler would expand in their places.
$(BUILD)/tests/strings/%: tests/strings/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,link) $(CC) $(USER_FLAGS) -fno-builtin -w $(DEPEND) -o $@ $< -lpthread -ldl
$(BUILD)/tests/%: tests/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,link) $(CC) $(USER_FLAGS) $(DEPEND) -o $@ $< -lpthread -ldl -lrt

# Uses hakmem's own libraries, unlike what a user would compile.
$(BUILD)/tests/cli/make_store: tests/cli/make_store.c $(BUILD)/libcollector.a $(BUILD)/libstore.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) $(HOST_LIBS)

# The store's golden file, its dump, its broken copies.
FORMAT_BIN := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/format/*.c))
$(BUILD)/tests/format/%: tests/format/%.c $(BUILD)/libcollector.a $(BUILD)/libstore.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) $(HOST_LIBS)

# The unwinder beside libunwind, as a preload (tests/programs/unwind_compare.sh).
COMPARE     := $(BUILD)/tests/programs/unwind_compare
UNWIND_LIB  := $(BUILD)/libunwinder.a
COMPARE_BIN := $(COMPARE)/compare.so $(COMPARE)/show_counts
$(UNWIND_LIB): $(patsubst %.c,$(BUILD)/debug/%.o,$(wildcard src/unwind/*.c src/trace/stacks/*.c) $(addprefix src/platform/,maps.c file.c path.c line.c objects.c symbols.c module.c))
	$(call SAY,archive) rm -f $@ && ar rcs $@ $^
$(COMPARE)/compare.so: tests/programs/unwind_compare/compare.c $(UNWIND_LIB) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,link) $(OURS) $(DEBUG) $(DEPEND) -shared -Wl,-z,now -o $@ $< $(UNWIND_LIB)
# Its tests and that of stacks have nothing else of the tracer in them: they take its place.
OLD_TEST := $(filter $(BUILD)/tests/unit/old/%,$(UNIT_TESTS))
UNWIND_OLD := $(BUILD)/libunwinder_old.a
$(UNWIND_OLD): $(UNWIND_LIB) $(OLD_OBJ)
	$(call SAY,archive) cp -f $< $@ && ar rs $@ $(OLD_OBJ) 2>/dev/null
$(OLD_TEST): $(BUILD)/tests/%: tests/%.c $(UNWIND_OLD) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(OURS) $(TEST_FLAGS) $(DEPEND) -o $@ $< $(UNWIND_OLD) -include tests/tools/old_loader.h -DHAK_DEBUG=1 $(CHECK_LIBS) -lunwind
UNWIND_TEST := $(filter $(BUILD)/tests/unit/unwind/% $(BUILD)/tests/unit/trace/stacks/stacks_test,$(UNIT_TESTS))
$(UNWIND_TEST): $(BUILD)/tests/%: tests/%.c $(UNWIND_LIB) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,test) $(LINK_TEST) -DHAK_DEBUG=1 $(CHECK_LIBS) -lunwind
# Its folder's sources in one command, with the store's own writer.
$(BUILD)/tests/bench/make_capture: $(wildcard tests/bench/capture/*.c tests/bench/capture/*.h) $(BUILD)/libstore.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,link) $(OURS) $(HOST) -o $@ $(filter %.c %.a,$^) $(HOST_LIBS)
$(BUILD)/tests/bench/ask $(BUILD)/tests/bench/codec: $(BUILD)/%: %.c $(BUILD)/libstore.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,link) $(LINK_TEST) $(HOST_LIBS)
$(BUILD)/tests/bench/drain: tests/bench/drain.c $(BUILD)/libcollector.a $(BUILD)/libstore.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,link) $(LINK_TEST) $(HOST_LIBS)
UNWIND_BENCH := $(addprefix $(BUILD)/tests/bench/,unwind modules)
$(UNWIND_BENCH): $(BUILD)/%: %.c $(UNWIND_LIB) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,link) $(OURS) $(TEST_FLAGS) $(DEPEND) -o $@ $< $(UNWIND_LIB) -lunwind -ldl
# The same with the table of modules that is kept where ld.so tells of none.
$(UNWIND_BENCH:%=%_old): $(BUILD)/%_old: %.c $(UNWIND_OLD) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,link) $(OURS) $(TEST_FLAGS) $(DEPEND) -o $@ $< $(UNWIND_OLD) -lunwind -ldl

.PHONY: unit own tests
unit: $(UNIT_TESTS)
# Each source that is hakmem's own, compiled with all warnings (tests/lint/compilers.sh).
own: all unit $(TOOL_BIN) $(FORMAT_BIN) $(COMPARE_BIN) $(MODEL_HOST:%.c=$(BUILD)/checker/%.o) \
     $(addprefix $(BUILD)/tests/bench/,steps loops measure extremes make_capture ask drain) $(UNWIND_BENCH) $(UNWIND_BENCH:%=%_old)
tests: own man $(USER_BIN) $(MODEL_BIN) $(TSAN_BIN)

# ---- pages made from the .def tables -----------------------------------------------------------
SCHEMA_OBJ := $(BUILD)/host/tools/schema/schema.o $(BUILD)/host/src/store/schema_sql.o $(BUILD)/host/src/remote/schema_sql.o
$(BUILD)/write_pages: $(BUILD)/host/tools/write_pages.o $(SCHEMA_OBJ)
	$(call SAY,link) $(CC) -o $@ $^ -lsqlite3
.PHONY: pages
pages: $(BUILD)/write_pages
	$(BUILD)/write_pages docs

# Pictures of the page of html, in a browser.
.PHONY: pictures
pictures: $(BUILD)/hakmem-trace $(BUILD)/hakmem-debug.so $(BUILD)/hakmem-collect
	BUILD=$(BUILD) tools/pictures

# Man pages, from the same tables: the commands' comes with the viewer. All are there, or none.
MAN_SRC := $(wildcard tools/man/*.c)
own: $(MAN_SRC:%.c=$(BUILD)/host/%.o)
$(BUILD)/write_man: $(MAN_SRC:%.c=$(BUILD)/host/%.o) $(BUILD)/host/tools/schema/schema.o $(BUILD)/libviewer.a $(BUILD)/libcollector.a $(BUILD)/libstore.a
	$(call SAY,link) $(CC) -o $@ $^ $(HOST_LIBS) $(VIEW_LIBS)
$(BUILD)/man/hakmem.7: $(BUILD)/write_man docs/specs/store.md include/hakmem.h
	@rm -rf $(@D) $(@D).new && mkdir -p $(@D).new
	$(call SAY,make) $(BUILD)/write_man . $(@D).new && mv $(@D).new $(@D)
.PHONY: man
man: $(BUILD)/man/hakmem.7

# ---- what people call ----------------------------------------------------------------------------
# Where make was not told how many jobs to run, as many as there are processors.
WITH_JOBS = $(MAKE) --no-print-directory $(if $(findstring j,$(filter-out --%,$(MAKEFLAGS))),,-j$$(nproc))
RUN_TESTS = BUILD="$(abspath $(BUILD))" CC="$(CC)" tests/run

.PHONY: deps demo check check-quick check-long bench lint tour install uninstall clean help
deps:
	@tools/deps

demo:
	@tools/deps build
	@mkdir -p $(BUILD) && echo 'Building hakmem ...'
	+@$(WITH_JOBS) all $(patsubst %.c,$(BUILD)/%,$(wildcard demo/*.c)) >$(BUILD)/demo.log 2>&1 || \
	  { cat $(BUILD)/demo.log; exit 1; }
	@BUILD="$(abspath $(BUILD))" demo/run

check:
	@tools/deps
	+@$(WITH_JOBS) tests
	@$(RUN_TESTS)

# For who works on it, in at most two minutes: the unit tests, a report of each fault, the command line, lint of what changed.
QUICK := unit cli faults/reports.sh $(foreach f,includes rooms rules links pages systems format scripts tidy,lint/$(f).sh)
check-quick:
	@tools/deps
	+@$(WITH_JOBS) tests
	@CHANGED=1 $(RUN_TESTS) $(QUICK:%=tests/%)

check-long:
	@tools/deps long
	+@$(WITH_JOBS) tests
	@$(RUN_TESTS) --long

bench:
	@tools/deps bench
	+@$(WITH_JOBS) all $(BENCH_BIN)
	@BUILD="$(abspath $(BUILD))" LAB="$(LAB)" tests/bench/report

lint:
	@tools/deps
	@$(RUN_TESTS) tests/lint

tour:
	@tools/tour

SHARE      := $(DESTDIR)$(PREFIX)/share
BASH_WORDS := $(SHARE)/bash-completion/completions/hakmem-trace
ZSH_WORDS  := $(SHARE)/zsh/site-functions/_hakmem-trace
FISH_WORDS := $(SHARE)/fish/vendor_completions.d/hakmem-trace.fish
HEADERS    := $(wildcard include/*.h)
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
install: all man
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(LIB)" "$(PRIVATE)" "$$(dirname "$(GDB_PUBLIC)")" "$$(dirname "$(GDB_PRIVATE)")"
	install -m 755 $(BUILD)/hakmem-trace "$(DESTDIR)$(PREFIX)/bin/"
	install -m 755 $(BUILD)/$(SO_FILE) "$(LIB)/"
	ln -sf $(SO_FILE) "$(LIB)/$(SO_NAME)"
	ln -sf $(SO_NAME) "$(LIB)/libhakmem.so"
	install -m 644 $(BUILD)/libhakmem.a "$(LIB)/"
	install -m 755 $(BUILD)/hakmem-debug.so $(BUILD)/hakmem-record.so $(BUILD)/hakmem-attach.so $(BUILD)/hakmem_sqlite.so $(REMOTE_SO) $(BUILD)/hakmem-collect "$(PRIVATE)/"
	install -m 644 tools/gdb/hakmem-gdb.py "$(PRIVATE)/hakmem-gdb.py"
	install -m 644 tools/gdb/hakmem-gdb.py "$(GDB_PUBLIC)"
	install -m 644 tools/gdb/hakmem-gdb.py "$(GDB_PRIVATE)"
	$(if $(HEADERS),install -d "$(DESTDIR)$(PREFIX)/include" && install -m 644 $(HEADERS) "$(DESTDIR)$(PREFIX)/include/")
	install -d "$(LIB)/pkgconfig" "$(CMAKE)"
	$(FILL) packaging/hakmem.pc >"$(LIB)/pkgconfig/hakmem.pc"
	$(FILL) packaging/hakmem-config.cmake >"$(CMAKE)/hakmem-config.cmake"
	$(FILL) packaging/hakmem-config-version.cmake >"$(CMAKE)/hakmem-config-version.cmake"
	install -d "$(MAN)/man1" "$(MAN)/man5" "$(MAN)/man7"
	install -m 644 $(BUILD)/man/*.1 "$(MAN)/man1/"
	install -m 644 $(BUILD)/man/*.5 "$(MAN)/man5/"
	install -m 644 $(BUILD)/man/*.7 "$(MAN)/man7/"
	install -d "$(DOC)"
	install -m 644 README.md DESIGN.md CONTRIBUTING.md CHANGELOG.md LICENSE "$(DOC)/"
	rm -rf "$(DOC)/docs" "$(DOC)/examples" "$(DOC)/include" && cp -R docs examples include "$(DOC)/"
	grep -rlIZ --exclude-dir=benchmarks /usr/local/ "$(DOC)" | xargs -0 -r $(SETTLE)
	chmod -R u=rwX,go=rX "$(DOC)/docs" "$(DOC)/examples" "$(DOC)/include"
	install -d "$(SHARE)/bash-completion/completions" "$(SHARE)/zsh/site-functions" \
	      "$(SHARE)/fish/vendor_completions.d"
	$(BUILD)/hakmem-trace completion bash >"$(BASH_WORDS)"
	$(BUILD)/hakmem-trace completion zsh >"$(ZSH_WORDS)"
	$(BUILD)/hakmem-trace completion fish >"$(FISH_WORDS)"

uninstall:
	rm -f "$(DESTDIR)$(PREFIX)/bin/hakmem-trace" "$(LIB)/libhakmem.so" \
	      "$(LIB)/$(SO_NAME)" "$(LIB)/$(SO_FILE)" "$(LIB)/libhakmem.a" "$(LIB)/pkgconfig/hakmem.pc"
	rm -f "$(GDB_PUBLIC)" "$(GDB_PRIVATE)"
	rm -rf "$(PRIVATE)" "$(CMAKE)"
	rm -f $(patsubst include/%,"$(DESTDIR)$(PREFIX)/include/%",$(HEADERS))
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
	@tools/deps deb
	+@$(MAKE) --no-print-directory dist
	packaging/build_deb $(DIST) $(BUILD)/deb

# One archive that runs where it is unpacked, on every system with this machine's glibc or a later one. Its pages say /opt/hakmem.
PORTABLE    = $(BUILD)/portable
portable:
	@tools/deps portable
	@rm -rf $(PORTABLE) && mkdir -p $(PORTABLE)
	+@$(MAKE) --no-print-directory DESTDIR="$(abspath $(PORTABLE))/root" PREFIX=/opt/hakmem LIBDIR=/opt/hakmem/lib DOCDIR=/opt/hakmem/share/doc/hakmem AUTOLOAD= install >$(PORTABLE)/made.log 2>&1 || \
	  { tail -n 20 $(PORTABLE)/made.log; exit 1; }
	XZ_LEVEL=$(XZ_LEVEL) packaging/build_portable $(PORTABLE)/root/opt/hakmem $(PORTABLE)/hakmem-$(VERSION)-x86_64.tar.xz $${SOURCE_DATE_EPOCH:-$(VERSION_DAY)}
	@rm -rf $(PORTABLE)/root $(PORTABLE)/made.log

clean:
	rm -rf $(BUILD)

help:
	@echo 'make              libraries and commands, into $(BUILD)/ (needs what `make deps` installs)'
	@echo 'make own          all whose warnings count: libraries, commands, unit tests, tools; no program that a test runs as a user would'
	@echo 'make demo         two stories: a fault of a program, and one inside the allocator; installs what it needs'
	@echo 'make check        every test; does all set-up itself; closing line: N passed, N failed'
	@echo 'make check-quick  units, a report of each fault, the command line, lint of what changed: two minutes'
	@echo 'make check-long   the tests that take too long for every day; result in docs/benchmarks'
	@echo 'make bench        cost beside other allocators and recorders, FULL=1 at full size; result in docs/benchmarks'
	@echo 'make bench LAB=1  what every switch does, over the same works (LAB=quick: fewer of them, 8 minutes)'
	@echo 'make lint         includes, rules, generated pages, format, warnings, analysers'
	@echo 'make deps         the Debian packages that building and testing need'
	@echo 'make pages        writes the pages that are made from the .def tables'
	@echo 'make pictures     docs/pictures anew: the page of html, light and dark (needs g++, chromium, chromium-driver)'
	@echo 'make man          the man pages, into $(BUILD)/man (make install puts them in their place)'
	@echo 'make tour         the source files in reading order, a sentence for each'
	@echo 'make install      PREFIX=$(PREFIX) DESTDIR=; make uninstall takes it away again'
	@echo 'make dist         $(BUILD)/hakmem-VERSION.tar.xz: the sources, which build without git'
	@echo 'make deb          $(BUILD)/deb/: Debian packages of them (packaging/README.md)'
	@echo 'make portable     $(BUILD)/portable/hakmem-VERSION-x86_64.tar.xz: runs where it is unpacked, with nothing else installed'
	@echo 'make clean        removes $(BUILD)/'
	@echo 'Variables: BUILD (where to), CC (gcc or clang), PREFIX, LIBDIR, DOCDIR, AUTOLOAD, DESTDIR, PQ_INCLUDE, MORE, HOST_MORE, MORE_LINK.'

-include $(addsuffix .d,$(PLAIN_OBJ) $(LIGHT_OBJ) $(KEEP_OBJ) $(ATTACH_OBJ) $(ARCHIVE_OBJ) $(SQLITE_OBJ) $(REMOTE_OBJ) $(DEBUG_OBJ) $(DEAF_OBJ) $(OLD_OBJ) $(STORE_OBJ) $(COLL_OBJ) $(VIEW_OBJ) $(MAIN_OBJ) \
           $(UNIT_TESTS) $(USER_BIN) $(TOOL_BIN) $(FORMAT_BIN) $(COMPARE_BIN) $(BENCH_BIN) $(MODEL_OBJ) $(MODEL_HOST:%.c=$(BUILD)/checker/%.o) $(TSAN_OBJ) \
           $(TSAN_BIN) $(BUILD)/host/tools/write_pages.o $(SCHEMA_OBJ) $(MAN_SRC:%.c=$(BUILD)/host/%.o))
