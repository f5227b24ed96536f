# SPDX-License-Identifier: BSD-3-Clause
"""The command ``nipype-labels``: reads arguments, runs graphs, prints, exits."""

import errno

#: Errors of the operating system about names and permissions, which a user can fix.
USERS_ERRNO = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG)


class RunError(RuntimeError):
    """A run failed for a reason that is not in its inputs.

    Fix: Read the log or the temporary file that the message names, then run the same command again.
    """

    #: Traceback of an unexpected error.
    details = ''
