// SPDX-License-Identifier: BSD-3-Clause
//
// The executable: arguments in, a server or a text out, and the status.

import Glibc
import MiniRedis

exit(runMiniRedis(arguments: CommandLine.arguments))
