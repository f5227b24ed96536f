# SPDX-License-Identifier: BSD-3-Clause
"""The node that masks labels: a row for each row of the look-up table, also for regions that are lost."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from coverage_frames import read_regions
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels.interfaces import ApplyMask, Resample
from nipype_labels.model.errors import GridError, LookupTableError

LUT = 'index\tname\n7\tSeven\n2\tTwo\n9\tNine\n5\tFive\n'


@pytest.fixture
def labels(image):
    """Regions 2, 5 and 7, of eight voxels each; the last slab is background."""
    data = np.zeros((4, 2, 4), dtype='int16')
    data[..., 0], data[..., 1], data[..., 2] = 2, 5, 7
    return image('labels.nii.gz', data)


def masked_voxels(outputs):
    return np.asarray(nibabel.load(outputs.out_files[0]).dataobj)


def test_there_is_a_row_for_each_row_of_the_look_up_table_in_its_order(labels, text, run):
    regions = read_regions(run(ApplyMask(labels_files=labels, lut_files=text('lut.tsv', LUT))).regions_files[0])
    assert regions['index'].tolist() == [7, 2, 9, 5]
    assert regions['name'].tolist() == ['Seven', 'Two', 'Nine', 'Five']
    assert regions['status'].tolist() == ['ok', 'ok', 'absent_from_atlas', 'ok']
    assert regions['n_voxels_atlas'].tolist() == [8, 8, 0, 8]


def test_the_background_has_no_row(labels, text, run):
    lut = text('lut.tsv', 'index\tname\n0\tbackground\n2\tTwo\n5\tFive\n7\tSeven\n')
    assert read_regions(run(ApplyMask(labels_files=labels, lut_files=lut)).regions_files[0])['index'].tolist() == [
        2,
        5,
        7,
    ]


def test_a_mask_removes_voxels_and_lowers_the_coverage(labels, image, run):
    mask = np.zeros((4, 2, 4), dtype='uint8')
    mask[..., 0], mask[:3, 0, 1] = 1, 1
    outputs = run(ApplyMask(labels_files=labels, mask_files=image('mask.nii', mask)))
    regions = read_regions(outputs.regions_files[0])
    assert regions['n_voxels_mask'].tolist() == [8, 3, 0]
    assert_allclose(regions['coverage'], [1, 3 / 8, 0])
    assert regions['status'].tolist() == ['ok', 'ok', 'outside_mask']
    assert_array_equal(masked_voxels(outputs), np.where(mask, np.asarray(nibabel.load(labels).dataobj), 0))


@pytest.mark.parametrize('inside', [1, 255, -3, 0.5])
def test_a_mask_of_0_and_any_other_value_is_accepted_on_another_grid(inside, labels, image, run):
    finer = np.zeros((8, 4, 8), dtype='float32')
    finer[:4] = inside
    affine = np.array([[1.5, 0, 0, -0.7], [0, 1.5, 0, -0.7], [0, 0, 1.5, -0.7], [0, 0, 0, 1]])
    mask = run(Resample(in_files=image('mask.nii', finer, affine), reference_files=labels)).out_files
    voxels = masked_voxels(run(ApplyMask(labels_files=labels, mask_files=mask)))
    assert (voxels[:2, ..., :3] > 0).all()
    assert (voxels[2:] == 0).all()


@pytest.mark.parametrize('shape', [(4, 2, 4), (4, 2, 5)])
def test_a_mask_on_another_grid_is_refused_and_both_are_named(shape, labels, image, run):
    affine = np.diag([3.0, 3, 3.1, 1]) if shape == (4, 2, 4) else None
    mask = image('mask.nii', np.ones(shape, dtype='uint8'), affine)
    with pytest.raises(GridError) as caught:
        run(ApplyMask(labels_files=labels, mask_files=mask))
    message = str(caught.value)
    assert 'mask.nii' in message
    assert 'labels.nii.gz' in message
    assert '4×2×4' in message
    assert 'resample the mask' in message


AFNI = """<AFNI_atr ni_form="ni_group" >
<VALUE_LABEL_DTABLE ni_type="2*String" ni_dimen="3" >
"2" "Two"
"5" "Five"
"7" "Seven"
</VALUE_LABEL_DTABLE>
</AFNI_atr>
"""


def test_names_may_be_given_in_the_order_of_the_ids(labels, run):
    outputs = run(ApplyMask(labels_files=labels, labels=['Two', 'Five', 'Seven']))
    assert read_regions(outputs.regions_files[0])['name'].tolist() == ['Two', 'Five', 'Seven']


def test_without_a_table_names_are_from_the_header_or_the_ids(labels, tmp_path, run):
    """AFNI leaves a table in the header."""
    assert read_regions(run(ApplyMask(labels_files=labels)).regions_files[0])['name'].tolist() == ['2', '5', '7']
    named = nibabel.load(labels)
    named.header.extensions.append(nibabel.nifti1.Nifti1Extension(4, AFNI.encode()))
    nibabel.save(named, tmp_path / 'named.nii.gz')
    outputs = run(ApplyMask(labels_files=str(tmp_path / 'named.nii.gz')))
    assert read_regions(outputs.regions_files[0])['name'].tolist() == ['Two', 'Five', 'Seven']


def test_several_atlases_are_masked_in_one_call(labels, image, text, run):
    other = np.zeros((4, 2, 4), dtype='int16')
    other[0], other[1] = 1, 3
    other = image('other.nii.gz', other)
    mask = np.ones((4, 2, 4), dtype='uint8')
    mask[1] = 0
    mask, lut = image('mask.nii', mask), text('lut.tsv', LUT)
    both = run(ApplyMask(labels_files=[labels, other], lut_files=[lut, None], mask_files=mask))
    alone = [
        run(ApplyMask(labels_files=labels, lut_files=lut, mask_files=mask)),
        run(ApplyMask(labels_files=other, mask_files=mask)),
    ]
    for name in ('out_files', 'regions_files'):
        for ours, single in zip(getattr(both, name), alone, strict=True):
            assert Path(ours).read_bytes() == Path(getattr(single, name)[0]).read_bytes()
    assert read_regions(both.regions_files[1])['status'].tolist() == ['ok', 'outside_mask']


@pytest.mark.parametrize(('n_atlases', 'n_luts'), [(2, 1), (1, 2), (3, 2)])
def test_a_look_up_table_never_names_the_regions_of_another_atlas(n_atlases, n_luts, labels, text, run):
    lut = text('lut.tsv', LUT)
    with pytest.raises(LookupTableError, match=rf'tables \({n_luts}\) is not that of the atlases \({n_atlases}\)'):
        run(ApplyMask(labels_files=[labels] * n_atlases, lut_files=[lut] * n_luts))


def test_names_without_ids_are_refused_for_several_atlases(labels, run):
    """The names would belong to none of the atlases."""
    with pytest.raises(LookupTableError, match='names the regions of one atlas'):
        run(ApplyMask(labels_files=[labels, labels], labels=['Two', 'Five', 'Seven']))


def test_a_table_next_to_the_atlas_is_used_and_a_change_of_it_noticed(labels, text, run):
    here = Path(labels).parent
    atlas = here / 'tpl-X_res-1_atlas-Y_dseg.nii.gz'
    nibabel.save(nibabel.load(labels), atlas)
    inputs = {'labels_files': labels, 'atlas_files': str(atlas)}

    def hashed(**more):
        return ApplyMask(**inputs, **more).inputs.get_hashval()[1]

    given = {'lut_files': text('lut.tsv', LUT)}, {'labels': ['A', 'B', 'C']}
    bare, others = hashed(), [hashed(**each) for each in given]
    table = here / 'tpl-X_atlas-Y_dseg.tsv'
    seen = {bare}
    for names in ('ABC', 'DEF'):
        table.write_text('index\tname\n' + ''.join(f'{i}\t{name}\n' for i, name in zip((7, 5, 2), names, strict=True)))
        assert read_regions(run(ApplyMask(**inputs)).regions_files[0])['name'].tolist() == list(names)
        seen.add(hashed())
    assert len(seen) == 3
    assert [hashed(**each) for each in given] == others
