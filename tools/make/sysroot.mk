# SYSROOT=DIR, with CROSS: DIR is a root of the other architecture with what collector and viewer need (tools/arm_root makes one of arm64),
# so that these are built, too (docs/arm.md).
SYSROOT ?=
ifneq ($(and $(CROSS),$(SYSROOT)),)
override CC += --sysroot=$(abspath $(SYSROOT))
ARTIFACTS += $(BUILD)/hakmem-collect $(BUILD)/hakmem-trace $(BUILD)/hakmem-player $(BUILD)/hakmem_sqlite.so
endif
