# minibox: four executables from one tree. A new .c file in a room needs no edit here.
# `make V=1` shows the commands.
CC      ?= gcc
PREFIX  ?= /usr/local
DESTDIR ?=
B       ?= build
MUSL    ?= musl-gcc
VERSION := 0.1.0

ROOMS    := runtime/base runtime/cgroup runtime/container runtime/supervisor runtime/stack runtime/stack/conf \
            runtime/oci runtime/cli images images/layer images/archive images/parse images/fetch images/pull netns
WARN     := -Wall -Wextra -Wshadow -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes \
            -Wno-format-nonliteral -Werror
OPT      ?= -O2 -g
CFLAGS_  := -std=gnu17 $(OPT) $(WARN) -I. -D_GNU_SOURCE -DMINIBOX_VERSION='"$(VERSION)"' \
            -fstack-protector-strong -fPIE $(SAN) $(CFLAGS)
NL       := -I/usr/include/libnl3
# libarchive, libnl, libseccomp, libcap, nettle and zstd are linked in, the rest is shared: a
# start costs 1 ms instead of 3 (libarchive's shared library alone brings in ICU).
static    = -Wl,-Bstatic $(1) -Wl,-Bdynamic
LIB_base      := -ljansson
# What parses images is in minibox-parse only; minibox has neither libarchive nor a decompressor.
LIB_parse     := $(call static,-larchive -lnettle -lzstd -lseccomp) -lisal
LIB_images    := $(call static,-lnettle -lzstd) -lpthread
# libnftables is opened by netns/nft.c when rules are wanted: linked, it would cost every start 0.4 ms.
LIB_netns     := $(call static,-lnl-3) -lpthread -ldl
LIB_container := $(call static,-lseccomp -lcap)
LIBS      = $(LIB_images) $(LIB_netns) $(LIB_container) $(LIB_base)
percent  := %
Q        := $(if $(V),,@)

# minibox is everything but the resident supervisor's, the confined parser's and the fetcher's own files.
SRC      := runtime/main.c $(filter-out $(wildcard runtime/supervisor/*.c images/parse/*.c images/fetch/*.c),$(foreach r,$(ROOMS),$(wildcard $(r)/*.c))) \
            $(wildcard runtime/supervisor/client_*.c runtime/supervisor/shared_*.c images/parse/shared_*.c images/fetch/shared_*.c)
PARSE_SRC := $(wildcard images/parse/*.c) $(addprefix runtime/base/,err.c fd.c json.c str.c)
PARSE_OBJ := $(PARSE_SRC:%.c=$B/obj/%.o)
# Its jobs are unit-tested and fuzzed like any other code.
PARSE_TEST := $(filter-out %/main.o,$(filter $B/obj/images/parse/%,$(PARSE_OBJ)))
OBJ      := $(SRC:%.c=$B/obj/%.o)
SUP_SRC  := $(filter-out $(wildcard runtime/supervisor/client_*.c),$(wildcard runtime/supervisor/*.c)) \
            runtime/base/proc.c
SUP_OBJ  := $(SUP_SRC:%.c=$B/musl/%.o)
# The resident's pure parts are unit-tested like any other code.
SUP_TEST := $(patsubst %.c,$B/obj/%.o,$(filter-out %/main.c,$(filter runtime/supervisor/%,$(SUP_SRC))))
INIT_SRC := $(wildcard runtime/container/init/*.c)
# minibox-fetch is the only one with libcurl (7.85 or later); without it `pull` says so.
FETCH_SRC := $(wildcard images/fetch/*.c) $(addprefix runtime/base/,err.c fd.c str.c)
FETCH_OBJ := $(FETCH_SRC:%.c=$B/obj/%.o)
FETCH_TEST := $(patsubst %,$B/obj/images/fetch/%.o,challenge confine)
CURL     := $(shell printf '\043include <curl/curl.h>\n\043if LIBCURL_VERSION_NUM < 0x075500\n\043error\n\043endif\n' | \
              $(CC) -E -x c - >/dev/null 2>&1 && echo -lcurl)

# Which rooms a room may include; tests/lib/layers.sh checks it, and a room's unit tests link no other.
ROW_base       :=
ROW_parse      := base
ROW_fetch      := base
ROW_images     := base parse fetch
ROW_netns      := base
ROW_cgroup     := base
ROW_container  := base cgroup
ROW_supervisor := base cgroup
ROW_stack      := base images parse fetch netns cgroup container supervisor
ROW_oci        := base cgroup container
ROW_cli        := $(ROW_stack) stack oci
dir_of          = $(if $(filter images netns,$1),$1,$(if $(filter parse fetch,$1),images/$1,runtime/$1))
archive         = $(patsubst %,$B/lib/%.a,$1)
room_of         = $(word 2,$(subst _, ,$(notdir $1)))

UNIT     := $(patsubst tests/unit/%.c,$B/tests/%,$(wildcard tests/unit/test_*.c))
FUZZ     := $(patsubst tests/fuzz/%.c,$B/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

BINS     := minibox minibox-parse minibox-supervisor minibox-init $(if $(CURL),minibox-fetch)
all: $(BINS:%=$B/%)

$B/minibox: $(OBJ)
	@echo "  LD   $@"
	$Q$(CC) $(SAN) -pie -o $@ $(OBJ) $(LIBS)

$B/minibox-parse: $(PARSE_OBJ)
	@echo "  LD   $@"
	$Q$(CC) $(SAN) -pie -o $@ $(PARSE_OBJ) $(LIB_parse) $(LIB_base)

$B/minibox-supervisor: $(SUP_OBJ)
	@echo "  LD   $@"
	$Q$(MUSL) -static -s -Wl,--gc-sections -Wl,-z,norelro -Wl,-z,noseparate-code -Wl,--build-id=none -o $@ $(SUP_OBJ)

$B/minibox-fetch: $(FETCH_OBJ)
	@echo "  LD   $@"
	$Q$(CC) $(SAN) -pie -o $@ $(FETCH_OBJ) $(CURL)

$B/minibox-init: $(INIT_SRC) $(wildcard runtime/container/init/*.h)
	@mkdir -p $(@D)
	@echo "  LD   $@"
	$Q$(CC) -std=gnu17 -Os $(WARN) -I. -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables \
		-fno-pie -nostdlib -static -s -Wl,--build-id=none -Wl,-z,norelro -Wl,-z,noseparate-code \
		-o $@ $(INIT_SRC)

$B/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$Q$(CC) $(CFLAGS_) $(if $(filter netns/%,$<),$(NL)) -MMD -MP -c -o $@ $<

$B/musl/%.o: %.c
	@mkdir -p $(@D)
	@echo "  MUSL $<"
	$Q$(MUSL) -std=gnu17 -Os $(WARN) -I. -D_GNU_SOURCE -idirafter /usr/include \
		-idirafter /usr/include/$(shell gcc -dumpmachine) -ffunction-sections -fdata-sections \
		-fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables -MMD -MP -c -o $@ $<

.PRECIOUS: $B/lib/%.a $B/obj/%.o
.SECONDEXPANSION:
$B/lib/%.a: $$(filter $B/obj/$$(call dir_of,$$*)/$$(percent).o,$(sort $(OBJ) $(SUP_TEST) $(PARSE_TEST) $(FETCH_TEST)))
	@mkdir -p $(@D)
	$Qrm -f $@; ar rcs $@ $^

# test_ROOM_FILE.c and fuzz_ROOM_FILE.c link their room and what its row allows, nothing else.
link_row = $(CC) $(CFLAGS_) $(NL) -o $@ $(filter %.c,$^) -Wl,--start-group $(filter %.a,$^) \
           -Wl,--end-group $(foreach r,$(call room_of,$@) $(ROW_$(call room_of,$@)),$(LIB_$r))

$B/tests/%: tests/unit/%.c tests/lib/test.h $$(call archive,$$(call room_of,$$@) $$(ROW_$$(call room_of,$$@)))
	@mkdir -p $(@D)
	@echo "  TEST $@"
	$Q$(link_row)

# A tool of the integration tests.
$B/tests/lib/mount_image: tests/lib/mount_image.c $(call archive,images base)
	@mkdir -p $(@D)
	@echo "  TOOL $@"
	$Q$(CC) $(CFLAGS_) -o $@ $(filter %.c,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIB_images) $(LIB_base)

# What tries to get out of a container; static, so that it runs in any image.
$B/tests/lib/escape: tests/lib/escape.c
	@mkdir -p $(@D)
	@echo "  TOOL $@"
	$Q$(MUSL) -std=gnu17 -O1 $(WARN) -D_GNU_SOURCE -idirafter /usr/include \
		-idirafter /usr/include/$(shell gcc -dumpmachine) -static -s -o $@ $<

$B/fuzz/%: tests/fuzz/%.c tests/fuzz/replay.c $$(call archive,$$(call room_of,$$@) $$(ROW_$$(call room_of,$$@)))
	@mkdir -p $(@D)
	@echo "  FUZZ $@"
	$Q$(link_row)

$(filter $B/tests/test_supervisor_%,$(UNIT)): | $B/minibox-supervisor
$(filter $B/tests/test_container_%,$(UNIT)): | $B/minibox-init
$(filter $B/tests/test_images_%,$(UNIT)): | $B/minibox-parse $B/tests/minibox-parse-broken

# The parser as it is, but for the one function that an exploit would have taken over.
$B/tests/minibox-parse-broken: $(PARSE_OBJ) tests/lib/parse_broken.c
	@mkdir -p $(@D)
	@echo "  LD   $@"
	$Q$(CC) $(CFLAGS_) -pie -Wl,--wrap=job_entries -o $@ $^ $(LIB_parse) $(LIB_base)

unit-build: $(UNIT)
tool-build: $B/tests/lib/mount_image $B/tests/lib/escape
fuzz-build: $(FUZZ)

# ---- what the README names: each installs what it needs, a second run is quick ----
BUILD_DEPS   := gcc make libc6-dev musl-tools libarchive-dev nettle-dev libisal-dev libzstd-dev \
                libnl-3-dev libnftables-dev libseccomp-dev libcap-dev libjansson-dev libcurl4-openssl-dev
EXAMPLE_DEPS := mmdebstrap python3 curl ca-certificates
CHECK_DEPS   := git clang clang-format nftables iproute2 busybox-static procps util-linux libcap2-bin diffutils gosu bsdutils qemu-system-x86 qemu-system-common e2fsprogs \
                docker-registry openssl skopeo zstd podman apparmor systemd
# docker.io brings containerd and runc; Docker's own packages would be in its way.
DOCKER_DEP    = $(if $(shell command -v dockerd),,docker.io)

# Daemons that come with a package are not started (dockerd would filter the host's traffic).
POLICY := /usr/sbin/policy-rc.d
deps = @missing=$$(for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | \
       grep -q 'ok installed' || echo $$p; done); [ -z "$$missing" ] || { \
       [ "$$(id -u)" = 0 ] || { echo "to install $$missing, run make as root"; exit 1; }; \
       echo "  APT  "$$missing; export DEBIAN_FRONTEND=noninteractive; \
       [ -e $(POLICY) ] || { trap 'rm -f $(POLICY)' EXIT; printf '\043!/bin/sh\nexit 101\n' >$(POLICY); chmod 755 $(POLICY); }; \
       apt-get update -qq && apt-get install -y -qq --no-install-recommends --no-remove $$missing >/dev/null; }

deps:
	$(call deps,$(BUILD_DEPS))
example-deps:
	$(call deps,$(BUILD_DEPS) $(EXAMPLE_DEPS))
check-deps:
	$(call deps,$(BUILD_DEPS) $(EXAMPLE_DEPS) $(CHECK_DEPS) $(DOCKER_DEP))

example: example-deps
	$Q$(MAKE) --no-print-directory all
	$Qexamples/django/build-images.sh examples/django/images
	$Q$B/minibox up -d examples/django/stack.conf
	$Qexamples/django/look.sh

check: check-deps
	$Qtests/run.sh

# Only those on Linux 6.1 with cgroup v2, emulated, one of them with systemd; check runs them as well.
check-vm: check-deps
	$Qtests/run.sh integration -vm

# A built tree of opencontainers/runtime-tools, told by SUITE=DIR; PROGRAMS='NAME...' runs some of it.
conformance: all
	$Qln -sf minibox $B/minibox-oci
	$Qtests/lib/conformance.sh $(SUITE) $B/minibox-oci $(PROGRAMS)

install: all
	install -d $(DESTDIR)$(PREFIX)/lib/minibox $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(BINS:%=$B/%) $(DESTDIR)$(PREFIX)/lib/minibox/
	ln -sf ../lib/minibox/minibox $(DESTDIR)$(PREFIX)/bin/minibox
	ln -sf ../lib/minibox/minibox $(DESTDIR)$(PREFIX)/bin/minibox-oci
	[ ! -d $(DESTDIR)/etc/apparmor.d ] || install -m 644 runtime/container/apparmor/minibox-default $(DESTDIR)/etc/apparmor.d/

-include $(OBJ:.o=.d) $(PARSE_OBJ:.o=.d) $(FETCH_OBJ:.o=.d) $(SUP_OBJ:.o=.d) $(SUP_TEST:.o=.d)

clean:
	rm -rf $B

.PHONY: all clean unit-build tool-build fuzz-build deps example-deps check-deps example check check-vm conformance install
