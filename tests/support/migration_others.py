# SPDX-License-Identifier: BSD-3-Clause
"""What the page for those who come says of the nodes of nipype and niworkflows, line by line."""

import sys
from importlib import metadata

import nibabel
import nilearn.maskers
import numpy as np
import pandas as pd
from masker_cases import AAL, SERIES
from migration_data import (
    ABSENT,
    FEW,
    NAMES,
    assert_same,
    atlas,
    both,
    none,
    refused,
    series,
    values_of,
)
from nipype.interfaces.nilearn import SignalExtraction as OfNipype
from niworkflows.interfaces.images import SignalExtraction as OfNiworkflows
from numpy.testing import assert_array_equal


def table_is_ours(bench):
    """A heading, tabs, n/a, and a row for each volume."""
    lines = (bench.extracted / 'few' / 'timeseries.tsv').read_text().splitlines()
    assert lines[0].split('\t') == [*NAMES, ABSENT[1]]
    assert len(lines) == 1 + 20
    assert lines[1].split('\t')[3] == 'n/a'


def extract(bench, interface, image=SERIES, labels=None, names=NAMES, **parameters):
    """Run an interface of another package; its table."""
    if interface is OfNipype:
        bench.patch.setitem(sys.modules, 'nilearn.input_data', nilearn.maskers)
    labels = bench.save(atlas(renumbered=True), 'labels.nii.gz') if labels is None else labels
    node = interface(in_file=image, label_files=labels, class_labels=list(names), **parameters)
    done = bench.quietly(node.run, cwd=str(bench.folder))
    return pd.read_csv(done.outputs.out_file, sep='\t')


def equal_to(interface, digits=5, ours=None, **parameters):
    def check(bench):
        expected = extract(bench, interface, **parameters)
        signals = bench.ours(atlas(), SERIES, labels=list(NAMES), **(ours or {}))
        assert list(expected) == list(NAMES)
        assert_same(signals, expected.to_numpy(), digits)

    return check


def nipype_ids(bench):
    equal_to(OfNipype)(bench)
    gap = bench.save(atlas(), 'gap.nii.gz')
    with refused('dimensions'):
        extract(bench, OfNipype, labels=gap, names=map(str, range(1, 87)))


def maps(bench):
    """Two masks that overlap, as maps of probabilities."""
    ids = atlas().get_fdata()
    masks = [np.isin(ids, some) for some in (FEW[:2], FEW[1:])]
    return bench.save(nibabel.Nifti1Image(np.stack(masks, -1).astype('float32') * 0.9, atlas().affine), 'maps.nii.gz')


def nipype_maps(bench):
    found = extract(bench, OfNipype, labels=maps(bench), names='ab')
    assert found.shape == (20, 2)
    with refused('must hold one volume'):
        bench.ours(maps(bench), SERIES)


def shared_variance(bench):
    one, other = (extract(bench, OfNipype, incl_shared_variance=value) for value in (True, False))
    assert_array_equal(one, other)
    none('incl_shared_variance')(bench)


def global_signal(bench):
    expected = extract(bench, OfNipype, include_global=True)
    anywhere = nibabel.Nifti1Image((atlas().get_fdata() > 0).astype('uint8'), atlas().affine)
    assert_same(bench.ours(anywhere, SERIES)[:, 0], expected['GlobalSignal'].to_numpy(), 5)


def fails_with_nilearn_of_today(bench):
    if metadata.version('nipype') >= '1.12':
        return
    with refused('nilearn.input_data', ModuleNotFoundError):
        OfNipype(in_file=SERIES, label_files=AAL, class_labels=['a']).run(cwd=str(bench.folder))


def niworkflows_ids(bench):
    equal_to(OfNiworkflows, 9)(bench)
    with refused('same dimensions', NotImplementedError):
        extract(bench, OfNiworkflows, labels=AAL)
    assert bench.ours(AAL, SERIES).shape == (20, 116)


def niworkflows_masks(bench):
    whole = nibabel.load(maps(bench))
    expected = extract(bench, OfNiworkflows, labels=maps(bench), names='ab')
    for i, name in enumerate('ab'):
        mask = nibabel.Nifti1Image((whole.get_fdata()[..., i] >= 0.5).astype('uint8'), whole.affine)
        assert_same(bench.ours(mask, SERIES)[:, 0], expected[name].to_numpy())


def niworkflows_nan(bench):
    image = nibabel.Nifti1Image(series().get_fdata().copy(), series().affine)
    place = tuple(np.argwhere(atlas().get_fdata() == FEW[0])[0])
    image.dataobj[place] = np.nan
    found = extract(bench, OfNiworkflows, image=bench.save(image, 'nan.nii.gz'))
    assert found['most'].isna().all()
    left = values_of(FEW[0], imgs=image)
    assert_same(bench.ours(atlas(), image)[:, 0], np.nanmean(left, axis=1))


NIPYPE = {
    '`in_file`': both(fails_with_nilearn_of_today, equal_to(OfNipype)),
    '`label_files`, one image of ids': nipype_ids,
    '`label_files`, maps of probabilities': nipype_maps,
    '`class_labels`': equal_to(OfNipype),
    '`out_file`': table_is_ours,
    '`incl_shared_variance`': shared_variance,
    '`include_global`': global_signal,
    '`detrend`': equal_to(OfNipype, ours={'detrend': True}, detrend=True),
}

NIWORKFLOWS = {
    '`in_file`': equal_to(OfNiworkflows, 9),
    '`label_files`, one image of ids': niworkflows_ids,
    '`label_files`, several masks or a 4D image': niworkflows_masks,
    '`prob_thres`': both(none('prob_thres'), niworkflows_masks),
    '`class_labels`': equal_to(OfNiworkflows, 9),
    '`out_file`': table_is_ours,
    'voxels that are NaN': niworkflows_nan,
}
