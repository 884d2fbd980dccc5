################################################################################
#
# vedette
#
################################################################################

# VEDETTE_RELEASE is the version that "make image" says.
VEDETTE_VERSION = $(VEDETTE_RELEASE)
VEDETTE_SITE = $(realpath $(BR2_EXTERNAL_VEDETTE_PATH)/..)
VEDETTE_SITE_METHOD = local
VEDETTE_LICENSE = Apache-2.0
VEDETTE_LICENSE_FILES = LICENSE
VEDETTE_GOMOD = vedette
VEDETTE_BUILD_TARGETS = firmware/cmd/vedette
VEDETTE_GO_ENV = CGO_ENABLED=0

VEDETTE_LDFLAGS = -s -w -X main.version=$(or $(VEDETTE_RELEASE),dev)

# What is seldom called is built to be small; docs/decisions/size.md.
VEDETTE_BUILD_OPTS = $(foreach p,$(shell sed '/^\#/d' $(VEDETTE_SITE)/firmware/cmd/vedette/cold.txt),'-gcflags=$(p)=-l')

VEDETTE_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS = \
	--exclude=/var --exclude=/bin --exclude=/dist --exclude=/vendor \
	--exclude=/bench --exclude=/buildroot --exclude=/docs --exclude=/test \
	--exclude=node_modules

# A local source skips the download, which is where Buildroot vendors modules. The
# project keeps them outside of its tree, so that a stale copy never gets into the
# way of go build there.
define VEDETTE_COPY_MODULES
	test -f $(VEDETTE_SITE)/var/vendor/modules.txt || \
		{ echo "vedette: run 'make vendor' in $(VEDETTE_SITE) first" >&2; exit 1; }
	rsync -a --delete $(VEDETTE_SITE)/var/vendor/ $(@D)/vendor/
endef
VEDETTE_POST_RSYNC_HOOKS += VEDETTE_COPY_MODULES

# The kernels have no modules but those that a fragment names: what a board's
# defconfig makes one is left out.
define VEDETTE_LINUX_CONFIG_FIXUPS
	$(BR2_EXTERNAL_VEDETTE_PATH)/board/common/drop-modules.sh \
		$(LINUX_DIR)/.config $(LINUX_KCONFIG_FRAGMENT_FILES)
endef

$(eval $(golang-package))
