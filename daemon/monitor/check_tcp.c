/*
 * A server is good that takes a connection, whatever it does with it then.
 */
#include "monitor/check.h"

const struct check_type check_type_tcp = {
	.name = "tcp",
	.resets = true,
};
