/* cli/cmd_oci.c - `oci`: the command line of an OCI runtime. See runtime/oci/oci.h. */
#include "runtime/cli/attach.h"
#include "runtime/cli/cli.h"
#include "runtime/oci/oci.h"

static int oci_raw(int argc, char **argv)
{
	return oci_main(argc, argv, attach);
}

const struct cli_command cmd_oci = {
	.name = "oci",
	.operands = "COMMAND",
	.summary = "Be an OCI runtime, for podman, containerd and the like",
	.raw = oci_raw,
};
