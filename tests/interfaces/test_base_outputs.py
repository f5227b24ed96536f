# SPDX-License-Identifier: BSD-3-Clause
"""Outputs of every node are correct or missing."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from nipype.interfaces.base import isdefined, traits
from nipype.pipeline import engine as pe
from node_cases import clean_node

from nipype_labels.interfaces import CleanSignal, process_guard
from nipype_labels.model.errors import LabelsError


def test_a_deleted_cached_output_is_made_again(signals, tmp_path):
    def outputs():
        node = pe.Node(clean_node(signals, detrend=True), name='clean', base_dir=str(tmp_path / 'work'))
        return node.run().outputs

    first = outputs()
    before = Path(first.out_files[0]).read_bytes()
    Path(first.out_files[0]).unlink()
    again = outputs()
    assert again.get() == first.get()
    assert Path(again.out_files[0]).read_bytes() == before


def test_a_node_that_never_ran_has_no_outputs():
    """A node without outputs raises, since Nipype takes an empty list of outputs for a cached result."""
    with pytest.raises(FileNotFoundError, match='CleanSignal has no outputs yet'):
        CleanSignal()._list_outputs()


def test_an_orphaned_worker_process_writes_no_output(tmp_path, monkeypatch):
    """It ends instead, since the next run may already use the folder."""

    def end(status):
        raise SystemExit(status)

    monkeypatch.setattr(process_guard, 'is_orphaned', lambda: True)
    monkeypatch.setattr(os, '_exit', end)
    with (
        pytest.raises(SystemExit) as ended,
        CleanSignal().write_output(SimpleNamespace(cwd=tmp_path / 'cwd'), 'out.tsv') as path,
    ):
        path.write_text('whole')
    assert ended.value.code == process_guard.EXIT_ORPHANED
    assert list((tmp_path / 'cwd').iterdir()) == []


def test_outputs_of_one_run_do_not_leak_into_the_next(signals, run):
    node = clean_node(signals, header_t_r=2.0)
    assert run(node).t_r == 2.0
    node.inputs.header_t_r = traits.Undefined
    second = run(node)
    assert not isdefined(second.t_r)
    assert 'node-1' in second.out_files[0]


def test_a_failed_run_does_not_leave_the_outputs_of_the_one_before(signals, run):
    node = clean_node(signals)
    run(node)
    node.inputs.use_confounds = True
    with pytest.raises(LabelsError):
        run(node)
    with pytest.raises(FileNotFoundError):
        node._list_outputs()


def test_outputs_do_not_depend_on_the_names_of_inputs(signals, text, run, contents):
    """Names are not hashed: outputs that contain them would be outdated when a file of the same content is renamed."""
    table = 'csf\trot_x\n1\t2\n2\t7\n0\t1\n5\t5\n'
    first, second = (run(clean_node(signals, confounds_files=text(name, table))) for name in ('one.tsv', 'two.tsv'))
    assert contents(first) == contents(second)


def test_names_of_confounds_without_headings_do_not_come_from_the_file(signals, text, run):
    numbers = '1 2\n2 7\n0 1\n5 5\n'
    outputs = [run(clean_node(signals, confounds_files=text(name, numbers))) for name in ('one.txt', 'two.txt')]
    first, second = (json.loads(Path(o.cleaning_file).read_text())['ConfoundsColumns'] for o in outputs)
    assert first == second


def test_all_outputs_are_declared_absolute_and_in_the_nodes_own_folder(signals, run):
    """Nipype deletes files that are not declared, and does not find files in other folders."""
    outputs = run(clean_node(signals, header_t_r=2.0))
    files = [*outputs.out_files, outputs.censoring_file, outputs.cleaning_file]
    folder = Path(files[0]).parent
    assert folder.name == 'node-0'
    assert sorted(files) == sorted(str(path) for path in folder.iterdir())
