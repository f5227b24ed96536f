# SPDX-License-Identifier: BSD-3-Clause
"""Node that runs again if a file that it wrote was damaged, moved or deleted."""

import json
import os
from pathlib import Path

from nipype.pipeline import engine

from ..files.atomic import write_atomically
from ..files.digests import content_digest
from .base import LabelsInterface, logger
from .nipype_private import HASH_FILES, result_name
from .process_guard import exit_if_orphaned

#: File in the folder of a node with the size and digest of each file that the node wrote.
RECORD = 'outputs.json'


class VerifiedNode(engine.Node):
    """Nipype's Node, which counts as cached only if its outputs and its result file are as it wrote them.

    Nipype itself looks at the names of files in the folder of the node. An output that was emptied, cut or edited would
    be served, and a damaged result file would stop every rerun.
    """

    def is_cached(self, rm_outdated=False):
        """Return whether the node was run before, and whether with these inputs; both False if a file was damaged."""
        cached, updated = super().is_cached(rm_outdated)
        damage = self._find_damage() if updated else None
        if damage is None:
            return cached, updated
        logger.warning('%s runs again: %s', self.fullname, damage)
        for mark in Path(self.output_dir()).glob(HASH_FILES):
            mark.unlink()
        return False, False

    def _run_command(self, execute, copyfiles=True):
        """Run the interface or load its results; record what was written before Nipype marks the node as done."""
        result = super()._run_command(execute, copyfiles)
        if execute:
            exit_if_orphaned()
            files = [self._result_file()]
            if isinstance(self.interface, LabelsInterface):
                files += self.interface.list_written()
            record = {path: [os.path.getsize(path), content_digest(path)] for path in files}  # noqa: PTH202
            # If the power fails before these files are on disk, they do not match, and the node runs again.
            record_file = Path(self.output_dir()) / RECORD
            with write_atomically(record_file, sync_content=False, sync_name=False) as partial:
                partial.write_text(json.dumps(record, indent=1), encoding='utf-8')
        return result

    def _result_file(self):
        """Return the path of the file in which Nipype keeps the values of the outputs."""
        return str(Path(self.output_dir()) / result_name(self.name))

    def _find_damage(self):
        """Return what is wrong with the files that the node wrote; None if nothing."""
        folder = Path(self.output_dir())
        written = read_record(folder / RECORD)
        if written and self._result_file() not in written:
            return f'{folder} was moved, and its results contain absolute paths'
        return find_node_damage(folder / RECORD)


def read_record(record):
    """Return the [size, digest] of each file, by path, that a node has recorded; None if the record is damaged."""
    try:
        written = json.loads(Path(record).read_text(encoding='utf-8'))
        return {str(path): [int(size), str(digest)] for path, (size, digest) in written.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def find_node_damage(record):
    """Return what is wrong with the files that a node has recorded; None if nothing."""
    written = read_record(record)
    if not written:
        return f'{record} is missing or damaged'
    for path, (size, digest) in written.items():
        try:
            found = os.path.getsize(path)  # noqa: PTH202
            if found != size:
                return f'{path} has {found} bytes instead of {size}'
            if content_digest(path) != digest:
                return f'the content of {path} has changed'
        except OSError as e:
            return f'{path} cannot be read: {e.strerror}'
    return None
