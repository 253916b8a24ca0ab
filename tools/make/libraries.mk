# The libraries: what each is linked of, and by which names it is found.

# A program that is linked with -lhakmem needs libhakmem.so.1: that number grows when what hakmem.h
# promises changes, so that an old program does not meet a library that is not its own.
SO_NAME := libhakmem.so.1
SO_FILE := $(SO_NAME).0.0
# mlockall, prctl and syscall (entry/plain) are others in hakmem-debug.so, and nobody's in the archive. The code that a start goes
# through comes first, so that it lies in few pages, as its variables do (PACKED), and the heap profile's last.
AT_START := $(filter $(foreach f,options options_read route/route mid/mid front/plan front/override entry/start entry/environment/environment \
              $(addprefix platform/,address module objects platform registry symbols),%/src/$(f).o),$(PLAIN_OBJ))
$(BUILD)/$(SO_FILE): $(PLAIN_OBJ) $(BUILD)/plain/src/entry/plain/lock_memory.o $(BUILD)/plain/src/entry/plain/sandbox.o $(BACKGROUND_OBJ) $(PROFILE_OBJ)
	$(call SAY,link) $(CC) $(LIB_FLAGS) $(PACKED) -Wl,--version-script=src/trace/local.map -Wl,-soname,$(SO_NAME) -o $@ $(AT_START) $(filter-out $(AT_START),$^)
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
# One object, each of whose own names gets light_ in front: what it needs of the checks' half and of libc keeps its name,
# and what is known of the program's sandbox and of memory tags is there once.
# RENAMED PREFIX: one object of all, each of whose names begins with PREFIX.
RENAMED = $(call SAY,link) $(CC) -r -nostdlib -o $@.whole $^ && \
	    $(NM) -g --defined-only -P $@.whole | awk '!/^hak_(forbidden_calls|ticks_stand_still|tags) / { print $$1 " $(1)" $$1 }' >$@.names && \
	    $(OBJCOPY) --redefine-syms=$@.names $@.whole $@ && rm -f $@.whole $@.names
# It comes last, so that its constructor does.
$(BUILD)/light.o: $(LIGHT_OBJ)
	$(call RENAMED,light_)
$(BUILD)/counted.o: $(COUNTED_OBJ)
	$(call RENAMED,counted_)
$(BUILD)/hakmem-debug.so: $(DEBUG_OBJ) $(BUILD)/light.o
	$(call SAY,link) $(CC) $(LIB_FLAGS) $(PACKED) -Wl,--version-script=src/trace/local.map -Wl,-soname,$(@F) -o $@ $^
$(BUILD)/hakmem-record.so: $(KEEP_OBJ) $(RECORDER_OBJ)
	$(call SAY,link) $(CC) $(LIB_FLAGS) $(PACKED) -Wl,--version-script=src/trace/local.map -Wl,-soname,$(@F) -o $@ $^
$(BUILD)/hakmem-attach.so: $(ATTACH_OBJ) $(filter-out $(BUILD)/debug/src/tree/%,$(RECORDER_OBJ)) src/entry/attach/global.map
	$(call SAY,link) $(CC) $(filter-out -Wl$(COMMA)-z$(COMMA)initfirst,$(LIB_FLAGS)) -Wl,--version-script=src/entry/attach/global.map -Wl,-soname,$(@F) -o $@ $(filter %.o,$^)
# The store, as an extension of whatever SQLite loads it (src/sqlite/extension.c).
$(SQLITE_OBJ): $(BUILD)/made/sqlite_calls.h
$(BUILD)/made/sqlite_calls.h: $(BUILD)/libstore.a
	@mkdir -p $(@D)
	$(call SAY,make) $(NM) -u $< >$@.nm && sed -n 's/^ *U sqlite3_\(.*\)/CALL(\1)/p' $@.nm | sort -u >$@.new && mv $@.new $@ && rm -f $@.nm
$(BUILD)/hakmem_sqlite.so: $(SQLITE_OBJ) $(BUILD)/libstore.a
	$(call SAY,link) $(CC) $(MORE_LINK) -shared -Wl,-z,now -Wl,-z,relro $(ALL_DEFINED) -Wl,--gc-sections -Wl,-soname,$(@F) -o $@ $^ -lzstd -lpthread
$(REMOTE_OBJ) $(BUILD)/apart/src/remote/%.o: HOST += $(PQ_INCLUDE:%=-isystem %)
$(BUILD)/hakmem_postgres.so: $(REMOTE_OBJ) $(BUILD)/libstore.a
	$(call SAY,link) $(CC) $(MORE_LINK) -shared -Wl,-z,now -Wl,-z,relro $(ALL_DEFINED) -Wl,--gc-sections -Wl,-soname,$(@F) -o $@ $^ -lpq -lsqlite3
