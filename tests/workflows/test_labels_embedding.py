# SPDX-License-Identifier: BSD-3-Clause
"""Graphs embedded in a host, in sequence and in parallel, and inputs that must match the arguments."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from graph_cases import basic
from numpy.testing import assert_allclose

from nipype_labels.files.tables import read_signals
from nipype_labels.workflows import init_labels_wf

pytestmark = pytest.mark.slow

#: A script that runs graphs as a host would.
EMBEDDED = """
import sys
from pathlib import Path
from nipype import config
config.update_config({'execution': dict(poll_sleep_duration='0.01', crashdump_dir=sys.argv[1], check_version='false')})
from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe
from nipype_labels.workflows import init_labels_wf
PARALLEL = {'plugin': 'MultiProc', 'plugin_args': {'n_procs': 2, 'memory_gb': 64}}

def load(name):
    from pathlib import Path
    return str(Path(name).absolute())

def build(base_dir):
    wf = pe.Workflow('host', base_dir=str(base_dir))
    upstream = pe.Node(niu.Function(output_names=['path'], function=load), name='upstream')
    upstream.inputs.name = str(folder / 'bold.nii.gz')
    for name in ('first', 'second'):
        labels = init_labels_wf(use_mask=True, use_luts=True, detrend=True, standardize=name == 'first', name=name)
        labels.inputs.inputnode.atlas_files = [str(folder / 'one.nii.gz'), str(folder / 'two.nii.gz')]
        labels.inputs.inputnode.atlas_luts = [str(folder / 'names_one.tsv'), None]
        labels.inputs.inputnode.bold_mask = str(folder / 'mask.nii.gz')
        wf.connect(upstream, 'path', labels, 'inputnode.bold_file')
    return wf

if __name__ == '__main__':
    folder = Path(sys.argv[1])
    build(folder / 'Linear').run()
    build(folder / 'MultiProc').run(**PARALLEL)
    times = {path: path.stat().st_mtime_ns for path in (folder / 'MultiProc').rglob('*.tsv')}
    build(folder / 'MultiProc').run(**PARALLEL)
    assert times == {path: path.stat().st_mtime_ns for path in (folder / 'MultiProc').rglob('*.tsv')}
"""


@pytest.mark.timeout(120)
def test_two_graphs_embedded_in_a_host_complete_in_sequence_and_in_parallel(small, tmp_path):
    (tmp_path / 'script.py').write_text(EMBEDDED)
    before = sorted(tmp_path.iterdir())
    with (tmp_path / 'stderr').open('w') as stderr:
        command = [sys.executable, 'script.py', str(tmp_path)]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=stderr, cwd=tmp_path, timeout=100)
    assert done.returncode == 0, (tmp_path / 'stderr').read_text()
    in_sequence, in_parallel = (
        {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob('*.tsv')}
        for folder in (tmp_path / 'Linear', tmp_path / 'MultiProc')
    )
    # Each graph: coverage after masking, of raw and of denoised time series, and these, two of each; retained volumes.
    assert len(in_sequence) == 2 * (2 + 2 + 2 + 2 + 2 + 1)
    assert in_sequence == in_parallel
    left = {path.name for path in tmp_path.iterdir()} - {path.name for path in before}
    assert left == {'Linear', 'MultiProc', 'stderr'}


@pytest.mark.parametrize(
    ('switch', 'field'),
    [
        ('use_mask', 'bold_mask'),
        ('use_luts', 'atlas_luts'),
        ('use_confounds', 'confounds_file'),
        ('use_sample_mask', 'sample_mask'),
    ],
)
def test_inputs_must_match_the_arguments_of_the_factory(switch, field, small, run):
    value = [True] * 40 if field == 'sample_mask' else getattr(small, field)
    value = value[:1] if field == 'atlas_luts' else value
    with pytest.raises(RuntimeError, match=rf'{switch} is True, but inputnode\.{field} is not set.*{switch}=False'):
        run(basic(small), **{switch: True})
    with pytest.raises(RuntimeError, match=rf'inputnode\.{field} is set, but {switch} is False.*{switch}=True'):
        run({**basic(small), field: value}, 'other')


@pytest.mark.parametrize('target', ['data', 'labels'])
@pytest.mark.parametrize('field', ['bold_file', 'atlas_files'])
def test_a_field_that_is_not_set_is_an_error_with_its_name(field, target, small, run):
    inputs = {name: value for name, value in basic(small).items() if name != field}
    with pytest.raises(RuntimeError, match=rf'inputnode\.{field} is not set'):
        run(inputs, resampling_target=target)


def test_errors_of_files_name_the_field(small, run):
    Path(small.atlas_files[0]).unlink()
    with pytest.raises(RuntimeError, match=r'inputnode\.atlas_files: no such file'):
        run(basic(small))


def test_relative_names_are_those_of_the_folder_the_graph_was_started_in(small, tmp_path, run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    inputs = {'bold_file': 'bold.nii.gz', 'atlas_files': ['one.nii.gz'], 'bold_mask': 'mask.nii.gz'}
    inputs |= {'atlas_luts': ['names_one.tsv'], 'confounds_file': 'confounds.tsv'}
    relative = run(inputs, 'relative', use_mask=True, use_luts=True, use_confounds=True)
    absolute = run(
        {
            name: [str(tmp_path / v) for v in value] if isinstance(value, list) else str(tmp_path / value)
            for name, value in inputs.items()
        },
        'absolute',
        use_mask=True,
        use_luts=True,
        use_confounds=True,
    )
    one, two = (Path(result.outputs.timeseries[0]).read_bytes() for result in (relative, absolute))
    assert one == two


def test_a_host_may_run_many_series_through_iterables(small, image, tmp_path):
    other = image('second.nii.gz', small.data + 5, small.affine, 2.0)
    wf = init_labels_wf()
    wf.base_dir = str(tmp_path / 'work')
    wf.inputs.inputnode.atlas_files = small.atlas_files
    wf.get_node('inputnode').iterables = ('bold_file', [small.bold_file, other])
    graph = wf.run()
    found = [node.result.outputs.out_files[0] for node in graph.nodes() if node.name == 'clean']
    assert len(set(found)) == 2
    first, second = (read_signals(path)[1] for path in found)
    assert_allclose(np.abs(first - second), 5, rtol=1e-6)
