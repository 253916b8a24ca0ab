# SYSROOT=DIR, with CROSS: DIR is a root of the other architecture with what collector and viewer need (tools/arm_root makes one of arm64),
# so that these are built, too (docs/arm.md).
SYSROOT ?=
override SYSROOT := $(if $(CROSS),$(if $(SYSROOT),$(abspath $(SYSROOT))))
ifneq ($(SYSROOT),)
override CC += --sysroot=$(SYSROOT)
endif
# Without a root of the other architecture there is only what needs libc alone.
HAS_COMMANDS := $(if $(CROSS),$(SYSROOT),yes)
# What is built runs on this machine by it. qemu-user-static has -static in its commands' names.
EMULATOR = $(if $(CROSS),$(or $(shell command -v qemu-$(firstword $(subst -, ,$(CROSS)))-static),qemu-$(firstword $(subst -, ,$(CROSS)))) -L "$(SYSROOT)")
