# SPDX-License-Identifier: BSD-3-Clause
"""Nodes that run with .run() in one folder: no output replaces a file of the user, of another node or subject."""

import itertools
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from coverage_frames import read_regions
from nipype.interfaces.base import isdefined
from node_cases import clean_node

from nipype_labels.interfaces import (
    ApplyMask,
    CleanSignal,
    Connectivity,
    HighVarianceConfounds,
    InverseProject,
    LabelsReport,
    ReduceLabels,
    Resample,
)
from nipype_labels.model.errors import LabelsError


def outputs_of(interface, folder):
    """Run a node and list its output files next to its outputs."""
    outputs = interface.run(cwd=str(folder)).outputs
    values = [value for value in outputs.get().values() if isdefined(value)]
    named = itertools.chain(*(value if isinstance(value, list) else [value] for value in values))
    return outputs, [path for path in named if isinstance(path, str)]


def process(series, atlases, mask, folder):
    """Run every node on one series; all output files, and the coverage tables after reduction."""
    files = []

    def run(interface):
        outputs, written = outputs_of(interface, folder)
        # Label images are two outputs of one node: as they are, and as images of any atlas.
        files.extend(dict.fromkeys(written))
        return outputs

    on_grid = run(Resample(in_files=atlases, reference_files=series)).out_files
    placed = run(ApplyMask(labels_files=on_grid, atlas_files=atlases, mask_files=mask))
    labels = {'labels_files': placed.out_files}
    reduced = run(ReduceLabels(in_file=series, regions_files=placed.regions_files, **labels))
    varying = run(HighVarianceConfounds(in_file=series, n_confounds=1, percentile=20.0)).out_file
    clean = run(CleanSignal(signals_files=reduced.out_files, high_variance_file=varying, detrend=True))
    matrices = run(Connectivity(signals_files=clean.out_files)).out_files
    run(InverseProject(signals_files=clean.out_files, regions_files=reduced.regions_files, **labels))
    run(
        LabelsReport(
            mean_file=reduced.mean_file,
            regions_files=reduced.regions_files,
            signals_files=reduced.out_files,
            cleaned_files=clean.out_files,
            censoring_file=clean.censoring_file,
            cleaning_file=clean.cleaning_file,
            connectivity_files=matrices,
            **labels,
        )
    )
    return files, reduced.regions_files, placed.regions_files


@pytest.fixture
def atlases(image):
    """Two atlases on a finer grid than the series, the second with its last region in the last slab only."""
    first = np.zeros((8, 8, 8), dtype='int16')
    first[:4], first[4:] = 1, 2
    second = first.copy()
    second[6:] = 3
    affine = np.diag([1.5, 1.5, 1.5, 1])
    return [image('first.nii.gz', first, affine), image('second.nii.gz', second, affine)]


def subject(image, number, lost=False):
    """A series; a lost region has no finite value."""
    data = np.random.default_rng(number).normal(100, 10, (4, 4, 4, 20))
    if lost:
        data[2:] = np.nan
    return image(f'sub-{number}.nii.gz', data, t_r=2.0)


@pytest.mark.slow
def test_no_node_or_atlas_replaces_a_file_of_another(image, atlases, tmp_path):
    mask = image('mask.nii.gz', np.ones((4, 4, 4), dtype='uint8'))
    files, regions, placed = process(subject(image, 1, lost=True), atlases, mask, tmp_path / 'cwd')
    names = [Path(path).name for path in files]
    assert len(set(names)) == len(names)
    assert sorted(files) == sorted(map(str, (tmp_path / 'cwd').iterdir()))
    assert read_regions(regions[0])['status'].tolist() == ['ok', 'not_finite']
    assert read_regions(placed[0])['status'].tolist() == ['ok', 'ok']


@pytest.mark.slow
def test_two_subjects_in_one_folder_are_as_in_two(image, atlases, tmp_path):
    mask = image('mask.nii.gz', np.ones((4, 4, 4), dtype='uint8'))
    subjects = [subject(image, 1, lost=True), subject(image, 2)]
    alone = []
    for i, series in enumerate(subjects):
        (tmp_path / f'alone-{i}').mkdir()
        alone.append(process(series, atlases, mask, tmp_path / f'alone-{i}')[0])
    together = [process(series, atlases, mask, tmp_path / 'cwd')[0] for series in subjects]
    for own, shared in zip(alone, together, strict=True):
        assert [Path(path).read_bytes() for path in own] == [Path(path).read_bytes() for path in shared]


def test_outputs_have_the_label_of_the_atlas_and_equal_labels_a_number(image, atlases, tmp_path):
    mask = image('mask.nii.gz', np.ones((4, 4, 4), dtype='uint8'))
    (tmp_path / 'more').mkdir()
    copied = str(shutil.copy(atlases[0], tmp_path / 'more'))
    files, _, _ = process(subject(image, 1), [atlases[0], copied], mask, tmp_path / 'cwd')
    name = Path(copied).name.removesuffix('.nii.gz')
    made = {Path(path).name.split('-', 2)[2] for path in files}
    for ending in ('timeseries_raw.tsv', 'timeseries.tsv', 'regions.tsv', 'connectivity.tsv', 'projected.nii.gz'):
        assert {f'{name}_{ending}', f'{name}2_{ending}'} <= made


def test_another_name_of_an_atlas_is_another_hash(image, atlases):
    node = ReduceLabels(in_file=subject(image, 1), labels_files=atlases[0])
    digest = node.inputs.get_hashval(hash_method='content')[1]
    node.inputs.labels_files = [str(shutil.copy(atlases[0], 'AAL.nii.gz'))]
    assert node.inputs.get_hashval(hash_method='content')[1] != digest


def test_files_of_the_user_stay(image):
    names = [
        'confounds.tsv',
        'high_variance_confounds.tsv',
        'mean.nii.gz',
        'labels_timeseries_raw.tsv',
        'labels_regions.tsv',
    ]
    for name in names:
        Path(name).write_text('mine')
    series = subject(image, 1)
    labels = image('labels.nii.gz', np.ones((4, 4, 4), dtype='int16'))
    HighVarianceConfounds(in_file=series, n_confounds=1, percentile=20.0).run()
    placed = ApplyMask(labels_files=labels).run().outputs
    ReduceLabels(in_file=series, labels_files=placed.out_files, regions_files=placed.regions_files).run()
    assert [Path(name).read_text() for name in names] == ['mine'] * len(names)


def test_the_same_run_again_has_the_same_names(image, tmp_path):
    series = subject(image, 1)
    first, again = (outputs_of(HighVarianceConfounds(in_file=series), tmp_path / 'cwd')[1] for _ in range(2))
    assert first == again
    assert len(list((tmp_path / 'cwd').iterdir())) == 1


@pytest.mark.parametrize('name', ['confounds.tsv', 'link.tsv'])
def test_an_output_that_is_an_input_is_refused(name, signals, text):
    given = Path(text('confounds.tsv', 'csf\n1\n2\n0\n5\n'))
    (given.parent / 'link.tsv').symlink_to(given)
    node = clean_node(signals, confounds_files=str(given))
    with (
        pytest.raises(LabelsError, match=rf'{name}: this output is also an input \(CleanSignal.confounds_files\)'),
        node.write_output(SimpleNamespace(cwd=given.parent), name) as path,
    ):
        path.write_text('an output')
    assert given.read_text() == 'csf\n1\n2\n0\n5\n'
