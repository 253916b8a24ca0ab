# The programs that tests, benches and the demo run: unit tests, instrumented layers, programs compiled as a user would.

# ---- unit tests: tests/unit/FOLDER/NAME_test.c mirrors src/FOLDER/NAME.c -----------------------
# Layers are linked without entry/, so that the test itself runs on the system's malloc.
$(BUILD)/libplainlayers.a: $(filter-out $(BUILD)/plain/src/entry/%,$(PLAIN_OBJ))
$(BUILD)/libdebuglayers.a: $(filter-out $(BUILD)/debug/src/entry/%,$(DEBUG_OBJ))

UNIT_SRC   := $(filter-out $(if $(HAS_REMOTE),,tests/unit/remote/%),\
                $(wildcard tests/unit/*_test.c tests/unit/*/*_test.c tests/unit/*/*/*_test.c))
UNIT_TESTS := $(UNIT_SRC:tests/%.c=$(BUILD)/tests/%)
TEST_FLAGS := $(filter-out -fvisibility=hidden,$(COMMON)) -Wno-conversion -iquote . -iquote tests $(HOST_MORE)
LINK_TEST   = $(OURS) $(TEST_FLAGS) $(DEPEND) -o $@ $< $(filter %.a,$^)

# hakmem-debug.so as it is on a machine whose debug registers never fire (tests/tools/deaf.h); tests/tools/lay_beside.sh makes a
# folder of it in which any test can be run.
DEAF      := $(BUILD)/deaf
DEAF_SRC  := $(wildcard src/watch/*.c)
DEAF_OBJ  := $(DEAF_SRC:%.c=$(DEAF)/%.o)
$(eval $(call COMPILE,deaf,$(DEBUG) -include tests/tools/deaf.h))
$(DEAF)/hakmem-debug.so: $(DEAF_OBJ) $(filter-out $(DEAF_SRC:%.c=$(BUILD)/debug/%.o),$(DEBUG_OBJ)) $(BUILD)/light.o
	$(call SAY,link) $(CC) $(LIB_FLAGS) -Wl,--version-script=src/trace/local.map -Wl,-soname,$(@F) -o $@ $^
$(DEAF)/libwatch.a: $(DEAF_OBJ)

# hakmem-debug.so as it is with an ld.so before glibc 2.35 (tests/tools/old_loader.h), in a folder of its own like that, and unit
# tests of what it keeps there: tests/unit/old/FOLDER/NAME_test.c is tests/unit/FOLDER/NAME_test.c, or one of its own.
OLD     := $(BUILD)/old
OLD_OBJ := $(OLD)/src/platform/objects.o
$(eval $(call COMPILE,old,$(DEBUG) -include tests/tools/old_loader.h))
$(OLD)/hakmem-debug.so: $(OLD_OBJ) $(filter-out $(BUILD)/debug/src/platform/objects.o,$(DEBUG_OBJ)) $(BUILD)/light.o
	$(call SAY,link) $(CC) $(LIB_FLAGS) -Wl,--version-script=src/trace/local.map -Wl,-soname,$(@F) -o $@ $^
# A library finds its collector beside itself, and that its own parts: the file itself, not a name of it.
$(DEAF)/hakmem-collect $(OLD)/hakmem-collect: $(BUILD)/hakmem-collect
	@mkdir -p $(@D)
	$(call SAY,name) { ln -f $< $@ 2>/dev/null || cp -f $< $@; }

# The guard's tests take the tracer's place themselves.
$(BUILD)/libguardlayers.a: $(filter-out $(foreach d,entry leaks trace tree unwind,$(BUILD)/debug/src/$(d)/%),$(DEBUG_OBJ)) \
                          $(BUILD)/debug/src/trace/unit.o
$(BUILD)/libkept.a: $(BUILD)/keep/src/entry/keep/blocks.o $(BUILD)/keep/src/entry/keep/record.o
$(BUILD)/libattached.a: $(BUILD)/keep/src/entry/attach/imports.o
$(BUILD)/libremote.a: $(REMOTE_OBJ)
# The unwinder's tests and that of stacks have nothing else of the tracer in them: they take its place.
UNWIND_LIB := $(BUILD)/libunwinder.a
UNWIND_OLD := $(BUILD)/libunwinder_old.a
$(UNWIND_LIB): $(BUILD)/debug/src/unwind/unit.o $(BUILD)/debug/src/trace/stacks/unit.o $(foreach f,maps file path line objects symbols module,$(BUILD)/debug/src/platform/$(f).o)
$(UNWIND_OLD): $(UNWIND_LIB) $(OLD_OBJ)
	$(call SAY,archive) cp -f $< $@ && ar rs $@ $(OLD_OBJ) 2>/dev/null

# The tests of one set are one program, BUILD/units/SET, and each BUILD/tests/unit/PATH is a name of it (tests/unit/suite.h). A test that
# defines functions of its own in place of libc's or an archive's is a set of its own. The optimiser takes most of a compilation's time: it
# runs for the tests alone that look at its code.
# UNITS SET,PATHS,ARCHIVES,FLAGS,LIBRARIES: the tests of tests/unit/PATHS that are in no set yet are compiled with FLAGS and linked.
define UNIT
$(BUILD)/units/$(1): $(2:%.c=$(BUILD)/units/%.o) $(3)
	$$(call SAY,link) $$(CC) $$(MORE_LINK) -o $$@ $$^ $$(SANITIZED) $(5)
$(2:%.c=$(BUILD)/units/%.o): UNIT_FLAGS := $(4)
$(2:%.c=$(BUILD)/%): $(BUILD)/units/$(1)
	@mkdir -p $$(@D)
	$$(call SAY,name) { ln -f $$< $$@ 2>/dev/null || cp -f $$< $$@; }
UNITS_USED += $(4) $(5)
UNIT_REST := $(filter-out $(2),$(UNIT_REST))
endef
$(BUILD)/units/%.o: %.c $(BUILD)/flags
	$(call SAY,compile) $(OURS) $(TEST_FLAGS) -O0 $(UNIT_FLAGS) $(DEPEND) -c -o $@ $<
UNIT_REST := $(UNIT_SRC)
UNITS = $(eval $(call UNIT,$(1),$(filter $(2:%=tests/unit/%),$(UNIT_REST)),$(3:%=$(BUILD)/%),$(4),$(5) $(CHECK_LIBS)))
IN_DEBUG := -DHAK_DEBUG=1
$(BUILD)/libjumps.a: $(BUILD)/plain/src/platform/jumps/jumps.o
$(call UNITS,secure,options_secure%,libplainlayers.a)
$(call UNITS,hot,large/hot%,libplainlayers.a,,-Wl$(COMMA)--wrap=hak_remap)
$(call UNITS,jumps,platform/jumps/%,libjumps.a libplainlayers.a)
$(call UNITS,guard,guard/% guarded/% heap_profile/% strings/%,units/tests/unit/guard/world.o libguardlayers.a,$(IN_DEBUG))
$(BUILD)/units/tests/unit/guard/world.o: UNIT_FLAGS := $(IN_DEBUG)
$(BUILD)/units/tests/unit/strings/%.o: TEST_FLAGS += -fno-builtin
$(call UNITS,stats,verify/stats%,libdebuglayers.a,$(IN_DEBUG),-Wl$(COMMA)--wrap=hak_large_each -Wl$(COMMA)--undefined=hak_read_stats)
# With a hole in the program, as those of arm64 have: a module that is found part by part there.
# These count their calls of malloc.
$(call UNITS,old_modules,old/modules%,libunwinder_old.a,-O2 -include tests/tools/old_loader.h $(IN_DEBUG),-lunwind -Wl$(COMMA)-z$(COMMA)max-page-size=0x200000 -Wl$(COMMA)-z$(COMMA)noseparate-code)
$(call UNITS,old,old/%,libunwinder_old.a,-O2 -include tests/tools/old_loader.h $(IN_DEBUG),-lunwind -Wl$(COMMA)-z$(COMMA)max-page-size=0x200000 -Wl$(COMMA)-z$(COMMA)noseparate-code)
$(call UNITS,modules,unwind/modules%,libunwinder.a,-O2 $(IN_DEBUG),-lunwind)
$(call UNITS,unwind,unwind/% trace/stacks/stacks%,libunwinder.a,-O2 $(IN_DEBUG),-lunwind)
$(call UNITS,deaf,watch/deaf%,deaf/libwatch.a libdebuglayers.a,$(IN_DEBUG))
$(call UNITS,debug,tree/% leaks/% decode/% watch/% metrics/% verify/states% trace/%,libdebuglayers.a,$(IN_DEBUG),-lunwind)
$(call UNITS,record,entry/keep/record%,libkept.a libdebuglayers.a,$(IN_DEBUG))
$(call UNITS,keep,entry/keep/%,libkept.a libdebuglayers.a,$(IN_DEBUG))
$(call UNITS,attach,entry/attach/%,libattached.a libdebuglayers.a,$(IN_DEBUG))
$(call UNITS,remote,remote/%,libremote.a libstore.a,$(PQ_INCLUDE:%=-isystem %),-lpq -lsqlite3 -lzstd)
$(call UNITS,ended,store/error%,libcollector.a libstore.a,,$(addprefix -Wl$(COMMA)--wrap=,malloc calloc realloc ZSTD_createDCtx) $(HOST_LIBS))
$(call UNITS,node_map,collector/session/node_map%,libcollector.a libstore.a,,$(HOST_LIBS))
$(call UNITS,words,viewer/attach/words%,libviewer.a libcollector.a libstore.a,,$(HOST_LIBS) $(VIEW_LIBS))
$(call UNITS,resolve,collector/capture/resolve%,libcollector.a libstore.a,,$(HOST_LIBS))
# Its threads have stacks with no room for the other tests' thread-local memory.
$(call UNITS,pids,collector/kernel/pid%,libcollector.a libstore.a,,$(HOST_LIBS))
# tests/format/sanitized.sh makes this set alone, with sanitizers.
$(call UNITS,store,base/% store/%,host/src/report/text/unit.o host/src/report/words/unit.o libstore.a,,$(HOST_LIBS))
$(call UNITS,collector,collector/% report/% symbols/% player/%,libcollector.a libstore.a,,$(HOST_LIBS))
$(call UNITS,viewer,viewer/%,libviewer.a libcollector.a libstore.a,,$(HOST_LIBS) $(VIEW_LIBS))
$(call UNITS,plain,%,libplainlayers.a)
UNIT_OBJ := $(UNIT_SRC:%.c=$(BUILD)/units/%.o) $(BUILD)/units/tests/unit/guard/world.o

# What the thread sanitizer looks at is linked with all layers compiled for it, again without entry/. It knows no fences, and gcc says so of
# each: src/platform/objects.c has some, the words between them are atomic or volatile. The checker below knows them.
NO_FENCE  := $(if $(findstring clang,$(CC)),,-Wno-tsan)
TSAN_BIN  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/tsan/*.c))
TSAN_OBJ  := $(filter-out $(BUILD)/tsan/src/entry/%,$(LAYER_SRC:%.c=$(BUILD)/tsan/%.o))
TSAN      := -DHAK_DEBUG=0 $(NO_FENCE) -fsanitize=thread,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
TSAN_WRAP := $(foreach f,map map_aligned hold reserve unmap,-Wl,--wrap=hak_$(f))
$(eval $(call COMPILE,tsan,$(COMMON) $(TSAN)))
$(BUILD)/libtsanlayers.a: $(TSAN_OBJ)
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
MODEL_FLAGS := $(filter-out -fvisibility=hidden,$(COMMON)) -DHAK_DEBUG=0 $(NO_FENCE) -Wno-conversion -iquote $(MODEL)
$(eval $(call COMPILE,model,$(MODEL_FLAGS) -fsanitize=thread -include $(MODEL)/include.h))
$(BUILD)/liblayersmodel.a: $(MODEL_OBJ)
$(eval $(call COMPILE,checker,$(MODEL_FLAGS)))
$(BUILD)/model/checker.o: $(MODEL_HOST:%.c=$(BUILD)/checker/%.o)
	@mkdir -p $(@D)
	$(call SAY,link) $(CC) -r -nostdlib -o $@ $^
$(MODEL_BIN): $(BUILD)/model/checker.o $(BUILD)/liblayersmodel.a
	@mkdir -p $(@D)
	$(call SAY,test) $(CC) -rdynamic -Wl,-z,now -o $@ $(filter %.o %.a,$^) -ldl

# ---- programs that tests, demo and benches run: compiled as a user would, so that faults stay ---
USER_FLAGS := -std=gnu11 -O0 -g -D_GNU_SOURCE -Wall -Wextra -Wno-free-nonheap-object \
              -Wno-use-after-free -Wno-maybe-uninitialized -Wno-alloc-size -Wno-unknown-warning-option -iquote include
USER_SRC   := $(wildcard demo/*.c tests/faults/*.c tests/programs/*.c tests/kill/*.c tests/cli/*.c \
              tests/regressions/*.c tests/stale/*.c tests/trees/*.c tests/crash/*.c tests/metrics/*.c tests/memory/*.c tests/guarded/*.c tests/light/*.c \
              tests/hunt/*.c tests/keep/*.c tests/ctl/*.c tests/corefile/*.c tests/attach/*.c tests/long/*.c \
              tests/docs/app.c tests/matrix/*.c tests/options/*.c tests/security/*.c tests/strings/*.c tests/instruction/*.c tests/remote/*.c)
USER_SRC   := $(filter-out tests/hunt/damage.c,$(USER_SRC)) # tests/hunt/places.sh compiles it
CXX_BIN    := $(patsubst %.cpp,$(BUILD)/%,$(wildcard tests/faults/cxx/*.cpp)) $(BUILD)/tests/faults/cxx/plugin_host.so
USER_BIN   := $(USER_SRC:%.c=$(BUILD)/%) $(patsubst %.cpp,$(BUILD)/%,$(wildcard tests/faults/*.cpp)) $(CXX_BIN)
USER_CXX   := $(if $(findstring clang,$(CC)),clang++ -fsized-deallocation,$(CROSS)g++$(if $(SYSROOT), --sysroot=$(SYSROOT))) -std=c++17 -O0 -g -w -iquote include
TOOL_BIN   := $(DEAF)/hakmem-debug.so $(DEAF)/hakmem-collect $(OLD)/hakmem-debug.so $(OLD)/hakmem-collect $(BUILD)/tests/security/hakmem-collect $(BUILD)/tests/tools/count_calls.so $(BUILD)/tests/tools/crash_at_load.so \
              $(BUILD)/tests/tools/rounds.so \
              $(patsubst %.c,$(BUILD)/%,$(wildcard tests/tools/reference_*.c))
# These two are shared objects that tests/bench/latency and replayed.py compile.
BENCH_BIN  := $(patsubst %.c,$(BUILD)/%,$(filter-out %/latency.c %/own_mappings.c,$(wildcard tests/bench/*.c)))

$(BUILD)/demo/%: demo/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,link) $(CC) $(USER_FLAGS) $(DEPEND) -o $@ $< -lpthread
# A collector that breaks down over modules that ask for it, or waits (tests/security/unreadable.sh, late_names.sh).
$(BUILD)/tests/security/hakmem-collect: tests/security/reader/deadly.c $(BUILD)/host/src/collector/main.o $(BUILD)/libcollector.a $(BUILD)/libstore.a
	@mkdir -p $(@D)
	$(call SAY,link) $(OURS) $(HOST) -Wno-infinite-recursion $(addprefix -Wl$(COMMA)--wrap=,hak_units_load hak_units_find sysconf) $(DEPEND) -o $@ $(filter %.c %.o %.a,$^) $(HOST_LIBS)
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
# Programs that load a library of their own.
$(BUILD)/tests/crash/load: | $(BUILD)/tests/tools/crash_at_load.so
$(BUILD)/tests/faults/cxx/plugin_host: | $(BUILD)/tests/faults/cxx/plugin_host.so
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
# Lays out hakmem's words in its own memory.
$(BUILD)/tests/ctl/profiled: USER_FLAGS += -iquote src

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
COMPARE_BIN := $(COMPARE)/compare.so $(COMPARE)/show_counts
$(COMPARE)/compare.so: tests/programs/unwind_compare/compare.c $(UNWIND_LIB) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call SAY,link) $(OURS) $(DEBUG) $(DEPEND) -shared -Wl,-z,now -o $@ $< $(UNWIND_LIB)
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

.PHONY: unit own quick_tests tests
unit: $(UNIT_TESTS)
# Each source that is hakmem's own, compiled with all warnings (tests/lint/compilers.sh).
own: all unit $(TOOL_BIN) $(FORMAT_BIN) $(COMPARE_BIN) $(MODEL_HOST:%.c=$(BUILD)/checker/%.o) \
     $(BENCH_BIN) $(BUILD)/tests/bench/make_capture $(UNWIND_BENCH:%=%_old)
# No test of the quick tier (tests/quick) runs CXX_BIN and TSAN_BIN, which take 50 CPU seconds to compile.
quick_tests: own man $(filter-out $(CXX_BIN),$(USER_BIN)) $(MODEL_BIN)
tests: quick_tests $(CXX_BIN) $(TSAN_BIN)

