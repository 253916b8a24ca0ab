# hakmem: one Makefile for everything. `make help` lists the targets.
# BUILD is where all that is made lies; CC may be gcc or clang.

BUILD  ?= build
PREFIX ?= /usr/local
CC     ?= cc

WARN    := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes \
           -Wmissing-prototypes -Wpointer-arith -Werror
COMMON  := -std=gnu11 -O2 -g $(WARN) -D_GNU_SOURCE -Isrc -fvisibility=hidden -MMD -MP
PROGRAM := $(COMMON) -fPIC -ftls-model=initial-exec -fno-builtin-malloc -fno-builtin-calloc \
           -fno-builtin-realloc -fno-builtin-free -fno-plt -fno-stack-protector
PLAIN   := $(PROGRAM) -DHAK_DEBUG=0
DEBUG   := $(PROGRAM) -DHAK_DEBUG=1
HOST    := $(COMMON) -Iviewer

HOST_LIBS := -lsqlite3 -lzstd -ljansson -ldw -lelf -liberty -lpthread
LIB_FLAGS := -shared -Wl,-z,now -Wl,-z,nodelete -Wl,-z,relro -Wl,--no-undefined -Wl,-O1

# ---- sources -------------------------------------------------------------------------------
LAYER_DIRS := entry route front slab pool large platform
LAYER_SRC  := $(wildcard src/*.c) $(foreach d,$(LAYER_DIRS),$(wildcard src/$(d)/*.c))
WATCH_SRC  := $(wildcard src/guard/*.c) $(wildcard src/trace/*.c)
STORE_SRC  := $(wildcard src/store/*.c)
COLL_SRC   := $(filter-out src/collector/main.c,$(wildcard src/collector/*.c))
VIEW_SRC   := $(filter-out viewer/main.c,$(wildcard viewer/*.c))

PLAIN_OBJ := $(LAYER_SRC:%.c=$(BUILD)/plain/%.o)
DEBUG_OBJ := $(LAYER_SRC:%.c=$(BUILD)/debug/%.o) $(WATCH_SRC:%.c=$(BUILD)/debug/%.o)
STORE_OBJ := $(STORE_SRC:%.c=$(BUILD)/host/%.o) $(BUILD)/host/src/options.o
COLL_OBJ  := $(COLL_SRC:%.c=$(BUILD)/host/%.o)
VIEW_OBJ  := $(VIEW_SRC:%.c=$(BUILD)/host/%.o)

ARTIFACTS := $(BUILD)/libhakmem.so $(BUILD)/libhakmem.a $(BUILD)/hakmem-debug.so \
             $(BUILD)/hakmem-collect $(BUILD)/hakmem-trace

.PHONY: all
all: $(ARTIFACTS)

$(BUILD)/libhakmem.so: $(PLAIN_OBJ)
	$(CC) $(LIB_FLAGS) -Wl,-soname,libhakmem.so -o $@ $^
$(BUILD)/libhakmem.a: $(PLAIN_OBJ)
	rm -f $@ && ar rcs $@ $^
$(BUILD)/hakmem-debug.so: $(DEBUG_OBJ)
	$(CC) $(LIB_FLAGS) -Wl,-soname,hakmem-debug.so -o $@ $^
$(BUILD)/libstore.a: $(STORE_OBJ)
	rm -f $@ && ar rcs $@ $^
$(BUILD)/libcollector.a: $(COLL_OBJ)
	rm -f $@ && ar rcs $@ $^
$(BUILD)/libviewer.a: $(VIEW_OBJ)
	rm -f $@ && ar rcs $@ $^
$(BUILD)/hakmem-collect: $(BUILD)/host/src/collector/main.o $(BUILD)/libcollector.a $(BUILD)/libstore.a
	$(CC) -o $@ $^ $(HOST_LIBS)
$(BUILD)/hakmem-trace: $(BUILD)/host/viewer/main.o $(BUILD)/libviewer.a $(BUILD)/libcollector.a $(BUILD)/libstore.a
	$(CC) -o $@ $^ $(HOST_LIBS)

$(BUILD)/plain/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(PLAIN) -c -o $@ $<
$(BUILD)/debug/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(DEBUG) -c -o $@ $<
$(BUILD)/host/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(HOST) -c -o $@ $<

# ---- unit tests: tests/unit/FOLDER/NAME_test.c mirrors src/FOLDER/NAME.c -----------------------
# Layers are linked without entry/, so that the test itself runs on the system's malloc.
$(BUILD)/libplainlayers.a: $(filter-out $(BUILD)/plain/src/entry/%,$(PLAIN_OBJ))
	rm -f $@ && ar rcs $@ $^
$(BUILD)/libdebuglayers.a: $(filter-out $(BUILD)/debug/src/entry/%,$(DEBUG_OBJ))
	rm -f $@ && ar rcs $@ $^

UNIT_SRC   := $(wildcard tests/unit/*/*_test.c) $(wildcard tests/unit/*_test.c)
UNIT_TESTS := $(UNIT_SRC:tests/%.c=$(BUILD)/tests/%)
TEST_FLAGS := $(filter-out -fvisibility=hidden,$(COMMON)) -Wno-conversion -Iviewer -Itests
CHECK_LIBS := $(shell pkg-config --libs check 2>/dev/null || echo -lcheck -lsubunit -lm -lrt -lpthread)

$(BUILD)/tests/unit/guard/%: tests/unit/guard/%.c $(BUILD)/libdebuglayers.a
	@mkdir -p $(@D)
	$(CC) $(TEST_FLAGS) -DHAK_DEBUG=1 -o $@ $^ $(CHECK_LIBS)
$(BUILD)/tests/unit/trace/%: tests/unit/trace/%.c $(BUILD)/libdebuglayers.a
	@mkdir -p $(@D)
	$(CC) $(TEST_FLAGS) -DHAK_DEBUG=1 -o $@ $^ $(CHECK_LIBS)
$(BUILD)/tests/unit/store/%: tests/unit/store/%.c $(BUILD)/libstore.a
	@mkdir -p $(@D)
	$(CC) $(TEST_FLAGS) -o $@ $^ $(CHECK_LIBS) $(HOST_LIBS)
$(BUILD)/tests/unit/collector/%: tests/unit/collector/%.c $(BUILD)/libcollector.a $(BUILD)/libstore.a
	@mkdir -p $(@D)
	$(CC) $(TEST_FLAGS) -o $@ $^ $(CHECK_LIBS) $(HOST_LIBS)
$(BUILD)/tests/unit/viewer/%: tests/unit/viewer/%.c $(BUILD)/libviewer.a $(BUILD)/libcollector.a $(BUILD)/libstore.a
	@mkdir -p $(@D)
	$(CC) $(TEST_FLAGS) -o $@ $^ $(CHECK_LIBS) $(HOST_LIBS)
$(BUILD)/tests/unit/%: tests/unit/%.c $(BUILD)/libplainlayers.a
	@mkdir -p $(@D)
	$(CC) $(TEST_FLAGS) -o $@ $^ $(CHECK_LIBS)

.PHONY: unit clean
unit: $(UNIT_TESTS)
clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
