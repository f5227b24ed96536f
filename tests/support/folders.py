# SPDX-License-Identifier: BSD-3-Clause
"""Contents of folders, to compare them."""


def tree(folder, *without):
    """Contents of all files within a folder by their paths in it, except for these files and folders at its top."""
    paths = (path.relative_to(folder) for path in folder.rglob('*') if path.is_file())
    return {path.as_posix(): (folder / path).read_bytes() for path in paths if path.parts[0] not in without}
