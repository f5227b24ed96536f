# SPDX-License-Identifier: BSD-3-Clause
"""What every node promises: a hash that misses nothing, inputs that are checked, outputs that are right or missing."""

import contextlib
import importlib.metadata
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from nipype.interfaces.base import isdefined, traits
from nipype.pipeline import engine as pe

from nipype_labels import interfaces
from nipype_labels.core.errors import LabelsError
from nipype_labels.interfaces import (
    ApplyMask,
    CleanSignal,
    HighVarianceConfounds,
    InverseProject,
    ReduceLabels,
    Resample,
    base,
)

NODES = [getattr(interfaces, name) for name in interfaces.__all__]


def digest(interface, method='content'):
    return interface.inputs.get_hashval(hash_method=method)[1]


def clean_node(signals, **inputs):
    """A node that can run, on four volumes of two regions."""
    return CleanSignal(signals_files=signals(np.random.default_rng(1).normal(size=(4, 2))), **inputs)


@pytest.mark.parametrize(
    ('interface', 'name', 'value', 'other'),
    [
        (CleanSignal, 'high_pass', 1e-11, 2e-11),
        (CleanSignal, 't_r', 0.1, np.nextafter(0.1, 1).item()),
        (ReduceLabels, 'min_coverage', 0.5, 0.5 + 2**-50),
        (ReduceLabels, 'smoothing_fwhm', [6.0, 6.0, 1e-12], [6.0, 6.0, 2e-12]),
        (InverseProject, 'fill_value', 0.0, 1e-300),
    ],
)
def test_floats_count_to_the_last_bit(interface, name, value, other):
    """Nipype's own hash rounds to ten digits and would call these the same."""
    assert digest(interface(**{name: value})) != digest(interface(**{name: other}))
    assert digest(interface(**{name: value})) == digest(interface(**{name: value}))


@pytest.mark.parametrize('interface', NODES)
def test_raised_numerics_change_the_hash(interface):
    """Nipype hashes no code, so a node whose numbers change says so."""
    spec = interface.input_spec
    bumped = type('Bumped', (spec,), {'numerics': spec.numerics + 1})
    assert bumped().get_hashval()[1] != spec().get_hashval()[1]


@pytest.mark.parametrize('interface', [ReduceLabels, Resample, HighVarianceConfounds])
def test_threads_do_not_change_the_hash(interface):
    """Threads change no numbers."""
    assert digest(interface(num_threads=1)) == digest(interface(num_threads=8))


@pytest.mark.parametrize('library', ['numpy', 'scipy', 'nibabel'])
def test_hash_carries_major_and_minor_versions_of_computing_libraries(library, monkeypatch):
    """Another minor release reruns a node, another patch release does not."""
    real = importlib.metadata.version
    before = digest(ReduceLabels())

    def pretend(version):
        monkeypatch.setattr(importlib.metadata, 'version', lambda name: version if name == library else real(name))

    pretend('99.7.0')
    other = digest(ReduceLabels())
    pretend('99.7.3')
    assert before != other == digest(ReduceLabels())
    pretend('.'.join(real(library).split('.')[:2]) + '.99')
    assert digest(ReduceLabels()) == before


@pytest.mark.parametrize('method', ['content', 'timestamp'])
def test_voxels_of_a_reference_do_not_matter_but_its_grid_does(image, method):
    """A new series on the same grid does not resample the atlas again."""
    labels = image('labels.nii', np.ones((3, 3, 3), dtype='int16'))

    def hashed(reference):
        return digest(Resample(in_files=labels, reference_files=reference), method)

    same = [hashed(image(f'{n}.nii.gz', np.full((5, 5, 5, n), n, dtype='int16'))) for n in (2, 7)]
    moved = image('moved.nii.gz', np.ones((5, 5, 5, 2), dtype='int16'), np.diag([3.0, 3, 3.5, 1]))
    longer = image('longer.nii.gz', np.ones((5, 5, 6, 2), dtype='int16'))
    assert same[0] == same[1]
    assert len({same[0], hashed(moved), hashed(longer)}) == 3


def test_files_of_one_content_hash_alike_whatever_their_names(text, signals):
    """A copied or renamed file is no new input; another content is."""
    tables = [text(name, 'csf\n1\n2\n0\n5\n') for name in ('one.tsv', 'two.tsv')]
    other = text('three.tsv', 'csf\n1\n2\n0\n6\n')
    one, two, three = (digest(clean_node(signals, confounds_files=table)) for table in (*tables, other))
    assert one == two != three


def test_a_touched_or_rewritten_file_hashes_alike(text, signals):
    """Under content hashing neither time nor inode counts."""
    table = text('confounds.tsv', 'csf\n1\n2\n0\n5\n')
    before = digest(clean_node(signals, confounds_files=table))
    text('confounds.tsv', 'csf\n1\n2\n0\n5\n')
    os.utime(table, (1, 1))
    assert digest(clean_node(signals, confounds_files=table)) == before


def words(handler):
    """Texts that a trait takes without taking them for files, else none."""
    if isinstance(handler, traits.File):
        return []
    if isinstance(handler, traits.Enum):
        return [value for value in handler.values if isinstance(value, str)]
    return ['word'] if isinstance(handler, traits.Str) else []


def wordy_traits():
    for interface in NODES:
        spec = interface.input_spec()
        for name in spec.copyable_trait_names():
            handler = spec.trait(name).handler
            inner = [t.handler for t in handler.inner_traits()] if hasattr(handler, 'inner_traits') else []
            for word in words(handler):
                yield pytest.param(interface, name, word, word, id=f'{interface.__name__}.{name}={word}')
            for word in (w for h in inner for w in words(h)):
                yield pytest.param(interface, name, [word], word, id=f'{interface.__name__}.{name}=[{word}]')


@pytest.mark.parametrize(('interface', 'name', 'value', 'word'), list(wordy_traits()))
def test_a_word_that_names_a_file_by_chance_is_hashed_as_a_word(interface, name, value, word):
    """A file ``mean`` in the current folder does not make strategy='mean' another parameter."""
    before = digest(interface(**{name: value}))
    Path(word).write_text('by chance')
    assert digest(interface(**{name: value})) == before


OPTIONAL_FILES = [
    (ApplyMask, 'atlas_files'),
    (ApplyMask, 'mask_files'),
    (ApplyMask, 'lut_files'),
    (CleanSignal, 'confounds_files'),
    (CleanSignal, 'high_variance_file'),
    (CleanSignal, 'sidecar_file'),
    (CleanSignal, 'sample_mask'),
    (CleanSignal, 'runs'),
    (HighVarianceConfounds, 'mask_file'),
]


def runnable(interface, image, signals, **inputs):
    """A node with its mandatory inputs, all of which exist."""
    labels = image('labels.nii.gz', np.arange(27, dtype='int16').reshape(3, 3, 3))
    series = image('series.nii.gz', np.random.default_rng(2).normal(size=(3, 3, 3, 4)))
    mandatory = {
        ApplyMask: {'labels_files': labels},
        CleanSignal: {'signals_files': signals(np.random.default_rng(1).normal(size=(4, 2)))},
        HighVarianceConfounds: {'in_file': series},
    }
    return interface(**mandatory[interface], **inputs)


@pytest.mark.parametrize(('interface', 'name'), OPTIONAL_FILES)
def test_an_optional_file_that_vanished_is_an_error(interface, name, image, signals, text, run):
    """It must never become undefined, for then the node would run without it."""
    path = text('gone.tsv', 'anything')
    node = runnable(interface, image, signals, **{name: path})
    Path(path).unlink()
    with pytest.raises(LabelsError, match=rf'{interface.__name__}\.{name}: no such file: .*gone\.tsv'):
        run(node)


def test_a_file_that_vanished_is_an_error_in_a_graph_too(signals, text, tmp_path):
    """Nipype copies its graph before it runs, and a copy forgets files that are checked when set."""
    path = text('confounds.tsv', 'csf\n1\n2\n0\n5\n')
    wf = pe.Workflow('host', base_dir=str(tmp_path))
    wf.add_nodes([pe.Node(clean_node(signals, confounds_files=path), name='clean')])
    Path(path).unlink()
    with pytest.raises(RuntimeError, match=r'no such file: .*confounds\.tsv'):
        wf.run()


@pytest.mark.parametrize(
    ('interface', 'name'),
    [
        (ApplyMask, 'labels_files'),
        (CleanSignal, 'signals_files'),
        (HighVarianceConfounds, 'in_file'),
        (InverseProject, 'signals_files'),
        (ReduceLabels, 'in_file'),
        (Resample, 'in_files'),
    ],
)
def test_a_missing_mandatory_input_is_an_error_of_the_run_not_of_what_comes_before(interface, name, run):
    """Errors before the run context leave MultiProc waiting for ever."""
    assert interface()._check_mandatory_inputs() is None
    with pytest.raises(ValueError, match=f'requires a value for input.*{name}'):
        run(interface())


MULTIPROC = """
import sys
from nipype import config
config.update_config({'execution': dict(poll_sleep_duration='0.01', crashdump_dir=sys.argv[1], crashfile_format='txt',
                                        stop_on_first_crash='true', check_version='false')})
from nipype.pipeline import engine as pe
from nipype_labels import interfaces
if __name__ == '__main__':
    for name in interfaces.__all__:
        wf = pe.Workflow(name, base_dir=sys.argv[1])
        wf.add_nodes([pe.Node(getattr(interfaces, name)(), name='node')])
        try:
            wf.run('MultiProc', plugin_args={'n_procs': 2, 'memory_gb': 4})
        except RuntimeError as e:
            with open(sys.argv[1] + '/raised', 'a') as stream:
                print(name, 'requires a value' in str(e), file=stream)
"""


@pytest.mark.timeout(90)
def test_a_missing_mandatory_input_is_an_error_under_multiproc(tmp_path):
    """Every node ends with the error, none hangs."""
    script = tmp_path / 'script.py'
    script.write_text(MULTIPROC)
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(timeout=60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert (tmp_path / 'raised').read_text().splitlines() == [f'{name} True' for name in interfaces.__all__]


def test_a_deleted_cached_output_is_made_again(signals, tmp_path):
    """Stock interfaces hand on undefined outputs instead, silently."""

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
    """Nipype takes an empty list of outputs for a cached result, so there is none to be had."""
    with pytest.raises(FileNotFoundError, match='CleanSignal has no outputs yet'):
        CleanSignal()._list_outputs()


def publish_half(folder, still=lambda: True):
    """Publish a file, and fail amid writing it."""
    with CleanSignal().publish(SimpleNamespace(cwd=str(folder)), 'out.tsv') as path:
        path.write_text('half')
        assert still()
        raise OSError('disk full')


def test_publish_leaves_nothing_behind_when_writing_fails(tmp_path):
    """Neither the file nor a part of it."""
    with pytest.raises(OSError, match='disk full'):
        publish_half(tmp_path / 'cwd')
    assert list((tmp_path / 'cwd').iterdir()) == []


def test_publish_keeps_the_earlier_file_when_writing_fails(tmp_path):
    """What was whole stays whole, and under its name there is never half a file."""
    final = tmp_path / 'cwd' / 'out.tsv'
    final.write_text('whole')
    with pytest.raises(OSError, match='disk full'):
        publish_half(final.parent, lambda: final.read_text() == 'whole')
    assert [(p.name, p.read_text()) for p in final.parent.iterdir()] == [('out.tsv', 'whole')]


def test_publish_puts_the_finished_file_in_place(tmp_path):
    """Under its own name alone."""
    with CleanSignal().publish(SimpleNamespace(cwd=tmp_path / 'cwd'), 'out.nii.gz') as path:
        assert path.name.endswith('.nii.gz')
        path.write_text('whole')
    assert [(p.name, p.read_text()) for p in (tmp_path / 'cwd').iterdir()] == [('out.nii.gz', 'whole')]


def test_a_worker_that_outlived_its_run_publishes_nothing(tmp_path, monkeypatch):
    """It ends instead, since the folder may belong to the next run by now."""

    def end(status):
        raise SystemExit(status)

    monkeypatch.setattr(base, 'is_orphaned', lambda: True)
    monkeypatch.setattr(os, '_exit', end)
    with (
        pytest.raises(SystemExit) as ended,
        CleanSignal().publish(SimpleNamespace(cwd=tmp_path / 'cwd'), 'out.tsv') as path,
    ):
        path.write_text('whole')
    assert ended.value.code == base.EXIT_ORPHANED
    assert list((tmp_path / 'cwd').iterdir()) == []


@pytest.mark.parametrize(
    ('alive', 'pid', 'orphaned'),
    [(True, os.getpid(), False), (False, 1, True), (True, 2**22 + 1, True)],
    ids=['alive', 'dead', 'gone'],
)
def test_a_worker_knows_that_its_master_died(alive, pid, orphaned, monkeypatch):
    """By the sentinel or, where siblings hold that open, by the process id."""
    parent = SimpleNamespace(is_alive=lambda: alive, pid=pid)
    monkeypatch.setattr(base.multiprocessing, 'parent_process', lambda: parent)
    assert base.is_orphaned() is orphaned


def test_a_master_is_no_orphan():
    """A process that nobody forked has no master to lose."""
    assert base.is_orphaned() is False


def test_outputs_of_one_run_do_not_leak_into_the_next(signals, run):
    """An optional output that the second run does not have is undefined."""
    node = clean_node(signals, header_t_r=2.0)
    assert run(node).t_r == 2.0
    node.inputs.header_t_r = traits.Undefined
    second = run(node)
    assert not isdefined(second.t_r)
    assert 'node-1' in second.out_files[0]


def test_a_failed_run_does_not_leave_the_outputs_of_the_one_before(signals, run):
    """They belong to other inputs."""
    node = clean_node(signals)
    run(node)
    node.inputs.use_confounds = True
    with pytest.raises(LabelsError):
        run(node)
    with pytest.raises(FileNotFoundError):
        node._list_outputs()


def test_relative_names_become_absolute_when_set(signals, text, run):
    """A node runs in another folder than the one it was set up in."""
    Path('confounds.tsv').write_text('csf\n1\n2\n0\n5\n')
    Path('mask.txt').write_text('true\ntrue\nfalse\ntrue\n')
    node = clean_node(signals, confounds_files='confounds.tsv', sample_mask='mask.txt')
    here = str(Path.cwd())
    assert node.inputs.confounds_files == [f'{here}/confounds.tsv']
    assert node.inputs.sample_mask == f'{here}/mask.txt'
    assert ApplyMask(lut_files=[None, 'lut.tsv']).inputs.lut_files == [None, f'{here}/lut.tsv']
    assert isdefined(run(node).out_files)


def test_home_is_expanded(monkeypatch):
    """A leading tilde is the user's home."""
    monkeypatch.setenv('HOME', '/home/someone')
    assert ReduceLabels(in_file='~/bold.nii.gz').inputs.in_file == '/home/someone/bold.nii.gz'


def test_links_keep_their_names():
    """Data managers link files of good names to files of bad ones."""
    Path('MD5E-s1--abc').write_text('x')
    Path('sub-01_bold.nii.gz').symlink_to('MD5E-s1--abc')
    assert ReduceLabels(in_file='sub-01_bold.nii.gz').inputs.in_file == str(Path.cwd() / 'sub-01_bold.nii.gz')


SWITCHES = [
    (ApplyMask, 'use_mask', 'mask_files'),
    (ApplyMask, 'use_luts', 'lut_files'),
    (CleanSignal, 'use_confounds', 'confounds_files'),
    (CleanSignal, 'use_high_variance', 'high_variance_file'),
    (CleanSignal, 'use_sample_mask', 'sample_mask'),
    (HighVarianceConfounds, 'use_mask', 'mask_file'),
]


@pytest.mark.parametrize(('interface', 'switch', 'name'), SWITCHES)
def test_a_switch_demands_or_forbids_its_input(interface, switch, name, image, signals, text, run):
    """An input that was lost, or that nobody announced, never changes numbers silently."""
    node = runnable(interface, image, signals, **{switch: True})
    with pytest.raises(LabelsError, match=f'{switch} is True, but {name} is not given'):
        run(node)
    node = runnable(interface, image, signals, **{switch: False, name: text('given.tsv', 'anything')})
    with pytest.raises(LabelsError, match=f'{switch} is False, but {name} is given'):
        run(node)
    assert digest(interface(**{switch: True})) != digest(interface(**{switch: False})) != digest(interface())


def test_a_switch_that_agrees_changes_nothing(signals, text, run, contents):
    """With the input there, True and undefined give the same bytes; without it, False and undefined."""
    table = text('confounds.tsv', 'csf\n1\n2\n0\n5\n')
    with_it = [run(clean_node(signals, confounds_files=table, **s)) for s in ({}, {'use_confounds': True})]
    without = [run(clean_node(signals, **s)) for s in ({}, {'use_confounds': False})]
    assert contents(with_it[0]) == contents(with_it[1])
    assert contents(without[0]) == contents(without[1])
    assert contents(with_it[0])['out_files', 0] != contents(without[0])['out_files', 0]


def test_outputs_do_not_depend_on_the_names_of_inputs(signals, text, run, contents):
    """Names are not hashed: what is made of them would be stale when a file of the same content has another name."""
    table = 'csf\trot_x\n1\t2\n2\t7\n0\t1\n5\t5\n'
    first, second = (run(clean_node(signals, confounds_files=text(name, table))) for name in ('one.tsv', 'two.tsv'))
    assert contents(first) == contents(second)


def test_names_of_confounds_without_headings_do_not_come_from_the_file(signals, text, run):
    """The same numbers in a file of another name are the same input."""
    numbers = '1 2\n2 7\n0 1\n5 5\n'
    outputs = [run(clean_node(signals, confounds_files=text(name, numbers))) for name in ('one.txt', 'two.txt')]
    first, second = (json.loads(Path(o.cleaning_file).read_text())['ConfoundsColumns'] for o in outputs)
    assert first == second


def test_lists_that_do_not_go_together_are_named(image, run):
    """With their lengths."""
    labels = [image(f'{i}.nii', np.ones((2, 2, 2), dtype='int16')) for i in range(3)]
    with pytest.raises(LabelsError, match='in_files 3, reference_files 2'):
        run(Resample(in_files=labels, reference_files=labels[:2]))


def test_all_outputs_are_declared_absolute_and_in_the_nodes_own_folder(signals, run):
    """Nipype deletes what is not declared, and loses what is elsewhere."""
    outputs = run(clean_node(signals, header_t_r=2.0))
    files = [*outputs.out_files, outputs.kept_volumes_file, outputs.cleaning_file]
    folder = Path(files[0]).parent
    assert folder.name == 'node-0'
    assert sorted(files) == sorted(str(path) for path in folder.iterdir())
