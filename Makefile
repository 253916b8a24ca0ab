# hakmem: one Makefile for everything. `make help` lists the targets.
# BUILD is where all that is made lies; CC may be gcc or clang. Nothing here asks a tool anything
# before a target needs it, so that `make deps`, `make demo` and `make check` work on a bare machine.

# CROSS=aarch64-linux-gnu- builds for another architecture, by the compiler of that name (docs/arm.md).
CROSS   ?=
BUILD   ?= build$(if $(CROSS),/$(firstword $(subst -, ,$(CROSS))))
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
CC      := $(CROSS)gcc
endif
NM      := $(CROSS)nm
OBJCOPY := $(CROSS)objcopy
include tools/make/sysroot.mk

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
# There are large tables, and each page between them that a start touches is a page fault (tests/trees/cost.sh): every variable
# has a section of its own, and PACKED puts the small ones beside each other, behind what is aligned to a page.
PACKED  := -Wl,--sort-section=alignment
PLAIN   := $(PROGRAM) -fdata-sections -DHAK_DEBUG=0
DEBUG   := $(PROGRAM) -fdata-sections -DHAK_DEBUG=1
LIGHT   := $(PLAIN) -DHAK_LIGHT=1
COUNTED := $(PLAIN) -DHAK_COUNTED=1 -DHAK_EXPORT=HAK_HIDDEN
KEEP    := $(DEBUG) -DHAK_KEEP=1
# What runs beside a program needs no optimiser to be linked, as the libraries do, whose dead branches name what is
# in the other one: HOST_MORE='-O0 -g0' is for who only wants to hear what the compiler says (lint/compilers.sh).
HOST    := $(COMMON) -fPIC -ffunction-sections -iquote . -iquote $(BUILD) $(HOST_MORE)

PLAYER  := $(HOST) -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free

# A sanitizer that HOST_MORE names is linked, too (tests/tools/sanitized.sh); a library gets its functions from the program.
SANITIZED   := $(filter -fsanitize=%,$(HOST_MORE))
ALL_DEFINED := $(if $(SANITIZED),,-Wl,--no-undefined)
HOST_LIBS  := $(SANITIZED) -lsqlite3 -lzstd -ljansson -ldw -lelf -liberty -llzma -lz -Wl,--as-needed -lunwind-generic -lunwind \
              -Wl,--no-as-needed -lpthread -ldl
VIEW_LIBS  := -ledit -lprotobuf-c -lncursesw -ltinfo -lm
CHECK_LIBS := -lcheck_pic -lsubunit -lrt -lm -lpthread -ldl
LIB_FLAGS  := -shared -Wl,-z,initfirst -Wl,-z,now -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,start-stop-visibility=hidden -Wl,--no-undefined -Wl,-O1 $(MORE_LINK)
COMMA       := ,
# `make V=1` shows the commands whole.
SAY         = $(if $(filter 1,$(V)),,@printf '  %-8s %s\n' $(1) '$(patsubst $(BUILD)/%,%,$@)' &&)
DEPEND      = -MMD -MP -MF $@.d -MT $@
# Compiles what is hakmem's own.
OURS        = tools/keep_warnings $@ $(CC) $(STRICT)

# ---- sources: every .c file of a folder belongs to it, but for give_slowly.c of PLAIN_FAMILY and sampled.c of LIGHT_SRC -----
LAYER_DIRS := entry verify learn route front mid large large_map slab pool platform
LAYER_SRC  := $(filter-out %/give_slowly.c %/entry/sampled.c,$(wildcard src/*.c) $(foreach d,$(LAYER_DIRS) entry/environment,$(wildcard src/$(d)/*.c)))
WATCH_SRC  := $(wildcard src/entry/nested/*.c) $(foreach d,guard guard/* guarded heap_profile watch decode strings leaks trace trace/* tree unwind metrics,$(wildcard src/$(d)/*.c))
STORE_SRC  := $(foreach d,base store store/*,$(wildcard src/$(d)/*.c))
COLL_SRC   := $(filter-out %/main.c,$(foreach d,collector/* report/* decode symbols,$(wildcard src/$(d)/*.c)))
VIEW_SRC   := $(filter-out viewer/main.c,$(wildcard viewer/*.c viewer/*/*.c))

# malloc, free, calloc and realloc of each build (src/entry/entry.h).
PLAIN_FAMILY := $(patsubst %,src/entry/%.c,give_slowly plain/malloc plain/realloc)
DEBUG_FAMILY := $(wildcard src/entry/debug/*.c)

# Level light (src/light.h): the plain allocator a second time, which shares the options, the size classes and the threads' data
# of the checks' half.
LIGHT_SRC  := $(PLAIN_FAMILY) $(filter-out src/options%.c src/size_class.c $(addprefix src/platform/,objects.c readable.c symbols.c thread_key.c) src/front/front.c src/entry/loader.c src/entry/environment/environment.c,$(LAYER_SRC)) src/entry/sampled.c $(wildcard src/entry/light/*.c)

# The thread that gives memory back (src/background/background.h): of libhakmem.so and of level light.
BACKGROUND_SRC := $(wildcard src/background/*.c)
LIGHT_SRC  += $(BACKGROUND_SRC)

# The heap profile of libhakmem.so (src/entry/counted/counted.h): the family a second time, and what samples need.
COUNTED_SRC := src/entry/aligned.c src/entry/operators.c src/entry/sampled.c $(filter %/malloc.c %/realloc.c,$(PLAIN_FAMILY))
PROFILE_SRC := $(wildcard src/entry/counted/*.c src/platform/jumps/*.c src/unwind/cfi*.c) \
               $(patsubst %,src/heap_profile/%.c,chance live points sites) \
               $(patsubst %,src/unwind/%.c,unwind code frame_pointer modules rules stack_memory)

# hakmem-record.so (src/entry/keep/keep.h): the recorder of hakmem-debug.so without checks and layers.
KEEP_SRC     := $(wildcard src/options*.c src/entry/keep/*.c) $(foreach f,operators cxx cxx_weak loader environment/environment,src/entry/$(f).c)
RECORDER_SRC := $(foreach d,platform decode trace trace/* tree unwind metrics,$(wildcard src/$(d)/*.c))

# hakmem-attach.so (src/entry/attach/attach.h): the same for a program that runs already. It is loaded late, so without -z initfirst,
# and without src/tree: what a program calls by name stays its own.
ATTACH_SRC   := $(wildcard src/options*.c src/entry/attach/*.c) $(foreach f,blocks record,src/entry/keep/$(f).c)

# hakmem_postgres.so (src/remote/remote.h): captures on a server. PQ_INCLUDE is where libpq-fe.h lies; empty, it is not made, and
# hakmem-trace refuses URLs. Nor is it with a libpq before PostgreSQL 14, which has no pipelines, or an SQLite before 3.38.
PQ_INCLUDE ?= $(patsubst %/libpq-fe.h,%,$(firstword $(wildcard $(addprefix $(SYSROOT),$(addsuffix /libpq-fe.h,/usr/include/postgresql /usr/include /usr/local/include)))))
SQLITE_H   := $(firstword $(wildcard $(addprefix $(SYSROOT),/usr/include/sqlite3.h /usr/local/include/sqlite3.h)))
HAS_REMOTE := $(and $(HAS_COMMANDS),$(PQ_INCLUDE),$(findstring LIBPQ_HAS_PIPELINING,$(file <$(PQ_INCLUDE)/libpq-fe.h)),\
              $(if $(SQLITE_H),$(findstring SQLITE_INDEX_CONSTRAINT_LIMIT,$(file <$(SQLITE_H))),yes))
REMOTE_OBJ := $(BUILD)/host/src/remote/unit.o

PLAIN_OBJ := $(patsubst %.c,$(BUILD)/plain/%.o,$(LAYER_SRC) $(PLAIN_FAMILY))
BACKGROUND_OBJ := $(BACKGROUND_SRC:%.c=$(BUILD)/plain/%.o)
LIGHT_OBJ := $(LIGHT_SRC:%.c=$(BUILD)/light/%.o)
COUNTED_OBJ := $(COUNTED_SRC:%.c=$(BUILD)/counted/%.o)
PROFILE_OBJ := $(PROFILE_SRC:%.c=$(BUILD)/plain/%.o) $(BUILD)/counted.o
KEEP_OBJ  := $(KEEP_SRC:%.c=$(BUILD)/keep/%.o)
ATTACH_OBJ := $(ATTACH_SRC:%.c=$(BUILD)/keep/%.o)
# A folder that is neither layer nor guard is a room, compiled as one unit (ROOM below), unless it stands in ALONE: curses has macros of
# common names, a test puts a function of its own between files of src/symbols, an assembler's name of src/strings is a function's, too,
# leaks and python include two structs hak_module, and gcc -O0 (APART_DEBUG_OBJ) takes a name that src/guard/pools passes on for a read of it.
ALONE     := src viewer src/collector src/symbols viewer/view \
             src/platform src/entry/nested src/guard src/guard/choose src/guard/pools src/guarded src/watch src/strings src/leaks src/trace/python
folders    = $(sort $(patsubst %/,%,$(dir $(1))))
sources    = $(filter-out %/main.c,$(wildcard $(1)/*.c))
objects    = $(foreach d,$(call folders,$(2)),$(addprefix $(BUILD)/$(1)/,$(if $(filter $(d),$(ALONE)),$(patsubst %.c,%.o,$(call sources,$(d))),$(d)/unit.o)))
RECORDER_OBJ := $(BUILD)/debug/src/size_class.o $(call objects,debug,$(RECORDER_SRC))
DEBUG_OBJ := $(patsubst %.c,$(BUILD)/debug/%.o,$(LAYER_SRC) $(DEBUG_FAMILY)) $(call objects,debug,$(WATCH_SRC))
SQLITE_OBJ := $(BUILD)/host/src/sqlite/extension.o
STORE_OBJ := $(call objects,host,$(STORE_SRC)) $(patsubst %,$(BUILD)/host/src/%.o,options size_class metrics/names metrics/step)
COLL_OBJ  := $(call objects,host,$(COLL_SRC))
VIEW_OBJ  := $(call objects,host,$(VIEW_SRC)) $(BUILD)/host/made/fault_pages.o $(BUILD)/host/made/html_page.o \
             $(patsubst viewer/export/%.proto,$(BUILD)/host/made/%.pb-c.o,$(wildcard viewer/export/*.proto))
PLAYER_OBJ := $(patsubst %.c,$(BUILD)/player/%.o,$(wildcard src/player/*.c))
MAIN_OBJ  := $(BUILD)/host/src/collector/main.o $(BUILD)/host/viewer/main.o

REMOTE_SO := $(if $(HAS_REMOTE),$(BUILD)/hakmem_postgres.so)
ARTIFACTS := $(BUILD)/libhakmem.so $(BUILD)/libhakmem.a $(BUILD)/hakmem-debug.so $(BUILD)/hakmem-record.so $(if $(CROSS),,$(BUILD)/hakmem-attach.so) \
             $(if $(HAS_COMMANDS),$(BUILD)/hakmem-collect $(BUILD)/hakmem-trace $(BUILD)/hakmem-player $(BUILD)/hakmem_sqlite.so $(REMOTE_SO))

.PHONY: all
all: $(ARTIFACTS)

include tools/make/libraries.mk

# Archives, here and in tools/make/tests.mk.
$(BUILD)/%.a:
	$(call SAY,archive) rm -f $@ && $(CROSS)ar rcs $@ $^
$(BUILD)/libstore.a: $(STORE_OBJ)
$(BUILD)/libcollector.a: $(COLL_OBJ)
$(BUILD)/libviewer.a: $(VIEW_OBJ)
$(BUILD)/hakmem-collect: $(BUILD)/host/src/collector/main.o $(BUILD)/libcollector.a $(BUILD)/libstore.a
	$(call SAY,link) $(CC) $(MORE_LINK) -o $@ $^ $(HOST_LIBS)
$(BUILD)/hakmem-trace: $(BUILD)/host/viewer/main.o $(BUILD)/libviewer.a $(BUILD)/libcollector.a $(BUILD)/libstore.a
	$(call SAY,link) $(CC) $(MORE_LINK) -o $@ $^ $(HOST_LIBS) $(VIEW_LIBS)

# hakmem-player (src/player/player.h): its calls of malloc and its like stay calls.
$(BUILD)/hakmem-player: $(PLAYER_OBJ)
	$(call SAY,link) $(CC) $(MORE_LINK) -o $@ $^ $(SANITIZED) -lpthread -ldl

# Another compiler or other flags than last time: everything is compiled anew.
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
HTML_PAGE := $(addprefix viewer/html/page.,html css js) $(addprefix viewer/html/fleet.,html js) $(addprefix viewer/html/replay.,html js) viewer/html/common.js
$(BUILD)/made/html_page.c: $(HTML_PAGE) tools/embed_files
	@mkdir -p $(@D)
	$(call SAY,make) tools/embed_files viewer/html/html.h html_page=viewer/html/page.html \
	    html_style=viewer/html/page.css html_script=viewer/html/page.js \
	    html_common_script=viewer/html/common.js html_fleet_page=viewer/html/fleet.html html_fleet_script=viewer/html/fleet.js \
	    html_replay_page=viewer/html/replay.html html_replay_script=viewer/html/replay.js >$@.new && mv $@.new $@
$(BUILD)/host/made/html_page.o: $(BUILD)/made/html_page.c $(BUILD)/flags
	$(call SAY,compile) $(OURS) $(HOST) $(DEPEND) -c -o $@ $<
$(BUILD)/host/made/fault_pages.o: $(BUILD)/made/fault_pages.c $(BUILD)/flags
	$(call SAY,compile) $(OURS) $(HOST) $(DEPEND) -c -o $@ $<

# The messages of protobuf that `export` writes.
# protoc-c alone does it, too, and calls itself deprecated since 1.5.1.
MESSAGES := $(patsubst viewer/export/%.proto,$(BUILD)/made/%.pb-c,$(wildcard viewer/export/*.proto))
PROTOC = $(if $(and $(shell command -v protoc),$(shell command -v protoc-gen-c)),protoc,protoc-c)
.SECONDARY: $(MESSAGES:%=%.c) # else make 4.4 removes them, and makes them anew the next time
$(BUILD)/made/%.pb-c.c $(BUILD)/made/%.pb-c.h: viewer/export/%.proto
	@mkdir -p $(@D)
	$(call SAY,make) $(PROTOC) --proto_path=viewer/export --c_out=$(BUILD)/made $<
$(BUILD)/host/made/%.pb-c.o: $(BUILD)/made/%.pb-c.c $(BUILD)/flags
	$(call SAY,compile) $(OURS) $(HOST) -w $(DEPEND) -c -o $@ $<
$(BUILD)/host/viewer/export/unit.o: $(MESSAGES:%=%.h)

# COMPILE FOLDER,FLAGS: how BUILD/FOLDER/PATH.o is made of PATH.c.
define COMPILE
$(BUILD)/$(1)/%.o: %.c $(BUILD)/flags
	$$(call SAY,compile) $$(OURS) $(2) $$(DEPEND) -c -o $$@ $$<
endef
$(eval $(call COMPILE,plain,$(PLAIN)))
$(eval $(call COMPILE,light,$(LIGHT)))
$(eval $(call COMPILE,counted,$(COUNTED)))
$(eval $(call COMPILE,keep,$(KEEP)))
$(eval $(call COMPILE,debug,$(DEBUG)))
$(eval $(call COMPILE,host,$(HOST)))
$(eval $(call COMPILE,player,$(PLAYER)))
# ROOM FILE: the unit of the folder that FILE, a unit.o, lies in. It is written anew when the list of its sources is another one.
define ROOM
$(1:.o=.c): $(if $(call same,$(call listed,$(1:.o=.c)),$(2)),,FORCE)
	@mkdir -p $$(@D) && printf '#include "%s"\n' $(2) >$$@
$(1): $(1:.o=.c) $(BUILD)/flags
	$$(call SAY,compile) $$(OURS) $$($(if $(filter $(BUILD)/debug/%,$(1)),DEBUG,HOST)) -iquote . $$(DEPEND) -c -o $$@ $$<
endef
same   = $(and $(findstring ^$(strip $(1))$$,^$(strip $(2))$$),$(findstring ^$(strip $(2))$$,^$(strip $(1))$$))
listed = $(patsubst "%",%,$(filter "%",$(file <$(1))))
ROOMS := $(filter %/unit.o,$(STORE_OBJ) $(COLL_OBJ) $(VIEW_OBJ) $(REMOTE_OBJ) $(DEBUG_OBJ))
# The same sources one by one, for who asks which file calls which (tests/lint/rooms.sh), and whose warnings a unit would not give.
APART_OBJ := $(patsubst %.c,$(BUILD)/apart/%.o,$(STORE_SRC) $(COLL_SRC) $(VIEW_SRC) $(addprefix src/,options.c size_class.c metrics/names.c metrics/step.c collector/main.c) viewer/main.c $(if $(HAS_REMOTE),$(wildcard src/remote/*.c)))
APART_DEBUG_OBJ := $(foreach f,$(filter %/unit.o,$(DEBUG_OBJ)),$(patsubst %.c,$(BUILD)/apart/debug/%.o,$(call sources,$(patsubst $(BUILD)/debug/%/unit.o,%,$(f)))))
$(eval $(call COMPILE,apart/debug,$(DEBUG) -O0 -g0))
$(eval $(call COMPILE,apart,$$(HOST) -O0 -g0))
.PHONY: apart
apart: $(APART_OBJ) $(APART_DEBUG_OBJ)
$(patsubst %.c,$(BUILD)/apart/%.o,$(wildcard viewer/export/*.c)): $(MESSAGES:%=%.h)
$(foreach r,$(ROOMS),$(eval $(call ROOM,$(r),$(call sources,$(patsubst $(BUILD)/debug/%/unit.o,%,$(patsubst $(BUILD)/host/%/unit.o,%,$(r)))))))

include tools/make/tests.mk
FLAGS_USED := $(CC) $(PLAIN) $(HOST) $(LIB_FLAGS) $(TEST_FLAGS) $(UNITS_USED) $(TSAN) $(MODEL_FLAGS) $(USER_FLAGS) $(USER_CXX)

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
	$(call SAY,make) $(EMULATOR) $(BUILD)/write_man . $(@D).new && mv $(@D).new $(@D)
.PHONY: man
man: $(BUILD)/man/hakmem.7

# ---- what people call ----------------------------------------------------------------------------
# Where make was not told how many jobs to run, as many as there are processors.
WITH_JOBS = $(MAKE) --no-print-directory $(if $(findstring j,$(filter-out --%,$(MAKEFLAGS))),,-j$$(nproc))
RUN_TESTS = BUILD="$(abspath $(BUILD))" CC="$(CC)" tests/run

.PHONY: deps demo check check-full check-long bench lint tour install uninstall clean help
deps:
	@tools/deps

demo:
	@tools/deps build
	@mkdir -p $(BUILD) && echo 'Building hakmem ...'
	+@$(WITH_JOBS) all $(patsubst %.c,$(BUILD)/%,$(wildcard demo/*.c)) >$(BUILD)/demo.log 2>&1 || \
	  { cat $(BUILD)/demo.log; exit 1; }
	@BUILD="$(abspath $(BUILD))" demo/run

ifeq ($(CROSS),)
check:
	@tools/deps
	+@$(WITH_JOBS) quick_tests
	@$(RUN_TESTS) --quick
else
# The tests of tests/arm/suite, by qemu-user. Of the sources in their folders, a script compiles those that `make tests` does not.
CROSS_TESTS = $(filter $(UNIT_TESTS) $(TOOL_BIN) $(FORMAT_BIN) $(USER_BIN) $(BENCH_BIN) $(BUILD)/tests/bench/make_capture,\
              $(addprefix $(BUILD)/,$(shell tests/tools/cross_check.sh programs)))
check:
	@[ -n "$(SYSROOT)" ] || { echo 'make check: CROSS takes SYSROOT=DIR, a root that tools/arm_root made (docs/arm.md)' >&2; exit 2; }
	@tools/deps cross
	+@$(WITH_JOBS) all $(CROSS_TESTS)
	@SYSROOT="$(SYSROOT)" BUILD="$(abspath $(BUILD))" CC="$(CROSS)gcc" tests/tools/cross_check.sh
endif

# UNTIL=$$(($$(date +%s) + 2100)): as much as ends in that time, without what `make check` runs whole (.ci/run).
check-full:
	@tools/deps
	+@$(WITH_JOBS) tests apart
	@$(RUN_TESTS) $(if $(UNTIL),--until $(UNTIL))

check-long:
	@tools/deps long
	+@$(WITH_JOBS) tests apart
	@$(RUN_TESTS) --long

bench:
	@tools/deps bench
	+@$(WITH_JOBS) all $(BENCH_BIN)
	@BUILD="$(abspath $(BUILD))" LAB="$(LAB)" tests/bench/report

lint:
	@tools/deps
	+@$(WITH_JOBS) all apart
	@$(RUN_TESTS) tests/lint

tour:
	@tools/tour

include tools/make/install.mk

clean:
	rm -rf $(BUILD)

help:
	@echo 'make              libraries and commands, into $(BUILD)/ (needs what `make deps` installs)'
	@echo 'make own          all whose warnings count: libraries, commands, unit tests, tools; no program that a test runs as a user would'
	@echo 'make apart        the sources of each room one by one, for tests/lint/rooms.sh and compilers.sh'
	@echo 'make demo         two stories: a fault of a program, and one inside the allocator; installs what it needs'
	@echo 'make check        the quick tier, five minutes: what finds nearly every fault; does all set-up itself; closing line: N passed, N failed'
	@echo 'make check-full   every test, half an hour: before an issue is called resolved; UNTIL=TIME: what fits before TIME (date +%s)'
	@echo 'make check-long   the tests that take too long for every day, in two hours, FULL=1 at full size: a day; result in docs/benchmarks'
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
	@echo 'make deb          $(BUILD)/deb/: Debian packages of them, with CROSS and SYSROOT for arm64 (packaging/README.md)'
	@echo 'make portable     $(BUILD)/portable/hakmem-VERSION-x86_64.tar.xz: runs where it is unpacked, with nothing else installed'
	@echo 'make clean        removes $(BUILD)/'
	@echo 'Variables: BUILD (where to), CC (gcc or clang), CROSS (aarch64-linux-gnu-: for arm64), SYSROOT (its libraries), PREFIX, LIBDIR, DOCDIR, AUTOLOAD, DESTDIR, PQ_INCLUDE, MORE, HOST_MORE, MORE_LINK.'

-include $(addsuffix .d,$(PLAIN_OBJ) $(BACKGROUND_OBJ) $(COUNTED_OBJ) $(PROFILE_OBJ) $(LIGHT_OBJ) $(KEEP_OBJ) $(ATTACH_OBJ) $(ARCHIVE_OBJ) $(SQLITE_OBJ) $(REMOTE_OBJ) $(DEBUG_OBJ) $(DEAF_OBJ) $(OLD_OBJ) $(STORE_OBJ) $(COLL_OBJ) $(VIEW_OBJ) $(MAIN_OBJ) $(PLAYER_OBJ) $(APART_OBJ) $(APART_DEBUG_OBJ) \
           $(UNIT_OBJ) $(USER_BIN) $(TOOL_BIN) $(FORMAT_BIN) $(COMPARE_BIN) $(BENCH_BIN) $(MODEL_OBJ) $(MODEL_HOST:%.c=$(BUILD)/checker/%.o) $(TSAN_OBJ) \
           $(TSAN_BIN) $(BUILD)/host/tools/write_pages.o $(SCHEMA_OBJ) $(MAN_SRC:%.c=$(BUILD)/host/%.o))
