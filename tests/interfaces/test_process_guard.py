# SPDX-License-Identifier: BSD-3-Clause
"""Orphaned worker processes write nothing, and two runs do not share a folder."""

import os
from types import SimpleNamespace

import pytest
from node_cases import runnable

from nipype_labels.interfaces import ApplyMask, process_guard
from nipype_labels.model.errors import LabelsError


def test_a_locked_folder_is_not_used_by_another_process(image, signals, tmp_path, monkeypatch):
    monkeypatch.setattr(process_guard, 'LOCK_SECONDS', 0.1)
    folder = tmp_path / 'graph' / 'mask'
    folder.mkdir(parents=True)
    runnable(ApplyMask, image, signals).run(cwd=str(folder))
    assert [path.name for path in folder.parent.iterdir()] == ['mask']
    (folder / '_0x0_unfinished.json').write_text('{}')
    lock = process_guard.lock_folder(folder)
    with pytest.raises(LabelsError, match=rf'mask is locked by process {os.getpid()} \(started'):
        runnable(ApplyMask, image, signals).run(cwd=str(folder))
    lock.release()
    runnable(ApplyMask, image, signals).run(cwd=str(folder))
    process_guard.lock_folder(folder).release()


@pytest.mark.parametrize(
    ('alive', 'pid', 'orphaned'),
    [(True, os.getpid(), False), (False, 1, True), (True, 2**22 + 1, True)],
    ids=['alive', 'dead', 'gone'],
)
def test_a_worker_knows_that_its_master_died(alive, pid, orphaned, monkeypatch):
    parent = SimpleNamespace(is_alive=lambda: alive, pid=pid)
    monkeypatch.setattr(process_guard.multiprocessing, 'parent_process', lambda: parent)
    assert process_guard.is_orphaned() is orphaned


def test_the_main_process_is_not_orphaned():
    assert process_guard.is_orphaned() is False
