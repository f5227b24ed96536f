# SPDX-License-Identifier: BSD-3-Clause
"""Changes that a host makes to a graph between two runs, under each plugin: correct outputs, or an error."""

import os
import shutil

import pytest
from matrix_cases import NODES, Host, each_plugin

DOWNSTREAM = {'clean': {'clean', 'project'}, 'reduce': {'reduce', 'clean', 'project'}}


# What is rerun, and what is not, is tested in this process by test_reruns.py and test_labels_cache.py.
@pytest.fixture(scope='module', params=each_plugin('Linear', 'forkserver', 'spawn', 'SLURM'))
def host(request, tmp_path_factory):
    """A host that has run once, and the outcome."""
    if request.param == 'SLURM':
        request.getfixturevalue('slurm')
    host = Host(tmp_path_factory.mktemp(request.param), request.param)
    host.first = host.run()
    return host


@pytest.fixture
def again(host):
    """Run the graph with its first parameters after the test."""
    yield
    assert host.run().digests == host.first.digests


pytestmark = [pytest.mark.timeout(180), pytest.mark.slow]

#: Further upstream values of the wrong type.
WRONG = [
    *(
        ('t_r', 'text'),
        ('atlas_files', 'nested'),
        ('sample_mask', 'number'),
        ('bold_file', 'nowhere'),
        ('t_r', 'nested'),
    ),
    *(('confounds_file', 'number'), ('runs', 'text')),
]


def test_a_first_run_executes_every_node_and_a_second_one_none(host):
    assert host.first.error is None
    assert host.first.executed == NODES
    second = host.run()
    assert second.executed == set()
    assert second.digests == host.first.digests


@pytest.mark.endurance
def test_touched_and_rewritten_sources_rerun_nothing(host):
    for name in ('bold.nii.gz', 'one.nii.gz', 'mask.nii.gz', 'confounds.tsv', 'one.tsv'):
        content = (host.folder / name).read_bytes()
        (host.folder / name).unlink()
        (host.folder / name).write_bytes(content)
        os.utime(host.folder / name, (1, 1))
    assert host.run().executed == set()


@pytest.mark.endurance
def test_threads_change_no_bit_and_rerun_nothing(host):
    assert host.run(parameters={'num_threads': 2}).executed == set()
    other = host.run(parameters={'num_threads': 2}, work='other')
    assert other.executed == NODES
    assert other.digests == host.first.digests


@pytest.mark.endurance
@pytest.mark.usefixtures('again')
def test_a_changed_parameter_reruns_its_node_and_what_lies_downstream(host):
    assert host.run(parameters={'standardize': 'psc'}).executed == DOWNSTREAM['clean']


@pytest.mark.endurance
@pytest.mark.usefixtures('again')
def test_equal_bytes_stop_the_cascade(host):
    assert host.run(parameters={'dtype': 'float64'}).executed == {'reduce'}


@pytest.mark.endurance
@pytest.mark.usefixtures('again')
def test_the_smallest_difference_of_a_number_counts(host):
    for high_pass in (0.01 + 1e-12, 0.01 + 2e-12):
        outcome = host.run(parameters={'high_pass': high_pass})
        assert outcome.error is None
        assert 'clean' in outcome.executed


@pytest.mark.endurance
@pytest.mark.usefixtures('again')
def test_new_numerics_of_a_node_rerun_that_node_alone(host):
    assert host.run(numerics='CleanSignal').executed == {'clean'}


@pytest.mark.endurance
def test_a_deleted_node_is_run_again(host):
    shutil.rmtree(next(host.folder.glob('work/host/*/reduce')))
    healed = host.run()
    assert healed.executed == {'reduce'}
    assert healed.digests == host.first.digests


@pytest.mark.endurance
def test_a_deleted_output_is_written_again_or_reported(host):
    """Linear looks at the outputs of cached nodes, Nipype's distributed plugins do not."""
    next(host.folder.glob('work/host/*/clean/one_timeseries.tsv')).unlink()
    outcome = host.run(parameters={'fill_value': 0.0})
    if outcome.error is None:
        undisturbed = host.run(parameters={'fill_value': 0.0}, work='undisturbed')
        assert outcome.digests == undisturbed.digests
    else:
        assert 'one_timeseries.tsv' in outcome.error
    shutil.rmtree(next(host.folder.glob('work/host/*/clean')))
    assert host.run().digests == host.first.digests


@pytest.mark.endurance
def test_a_work_folder_that_moved_is_right_or_refused(host):
    shutil.copytree(host.folder / 'work', host.folder / 'before')
    shutil.move(host.folder / 'work', host.folder / 'moved')
    outcome = host.run(work='moved')
    assert outcome.error or outcome.digests == host.first.digests
    changed = host.run(work='moved', parameters={'standardize': 'psc'})
    undisturbed = host.run(work='fresh', parameters={'standardize': 'psc'})
    assert changed.error or changed.digests == undisturbed.digests
    shutil.move(host.folder / 'before', host.folder / 'work')
    assert host.run().executed == set()


@pytest.mark.endurance
def test_an_input_that_vanishes_before_the_run_is_an_error(host, tmp_path):
    """A deep copy of a graph would make an optional input undefined without a message."""
    shutil.copy(host.folder / 'confounds.tsv', tmp_path)
    outcome = host.run(vanishes='confounds.tsv')
    shutil.copy(tmp_path / 'confounds.tsv', host.folder)
    assert 'confounds.tsv' in outcome.error
    assert host.run().digests == host.first.digests


@pytest.mark.parametrize(
    ('field', 'value'),
    [
        ('bold_file', 'number'),
        ('atlas_files', 'empty'),
        *(pytest.param(*given, marks=pytest.mark.endurance) for given in WRONG),
    ],
)
def test_an_upstream_value_of_the_wrong_type_is_an_error(field, value, host):
    """An exception outside of a node's run would leave MultiProc waiting for ever."""
    parameters = {'use_sample_mask': True} if field == 'sample_mask' else {}
    outcome = host.run(upstream={field: value}, parameters=parameters, work='wrong', seconds=30)
    assert 'Error' in outcome.error


@pytest.mark.parametrize('plugin', [pytest.param('Linear', marks=pytest.mark.endurance), 'watched'])
def test_an_upstream_result_that_cannot_be_pickled_is_an_error(plugin, tmp_path):
    """The error names the node of the host; MultiProc of Nipype would wait for ever for the lost result."""
    host = Host(tmp_path, plugin)
    outcome = host.run(upstream={'t_r': 'lambda'}, seconds=30)
    assert '<lambda>' in outcome.error
    assert list((tmp_path / 'crash').glob('*-give_t_r-*'))
