# SPDX-License-Identifier: BSD-3-Clause
"""The command ``nipype-labels``: reads arguments, runs graphs, prints, exits."""

import errno

#: What a system says of names and rights, which a user can mend.
USERS_ERRNO = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG)


class RunError(RuntimeError):
    """A run failed for a reason that is not the user's."""
