# SPDX-License-Identifier: BSD-3-Clause
"""Checks of what the methods boilerplate says of probabilistic maps and spheres."""

import nibabel as nib
import numpy as np
from claims import RNG, blocks, claim, image, means
from numpy.testing import assert_allclose
from scipy.ndimage import map_coordinates

from nipype_labels.core.rows import RowReducer, reduce_rows
from nipype_labels.files.tables import read_signals
from nipype_labels.model.atlas import Atlas
from nipype_labels.model.grayordinates import pair_space
from nipype_labels.workflows import init_labels_wf


def extract_by_graph(folder, bold, atlas, **parameters):
    """Time series before denoising; ``atlas`` is an image, or the text of a table of seeds."""
    bold_file, atlas_file = folder / 'bold.nii.gz', folder / ('seeds.tsv' if isinstance(atlas, str) else 'atlas.nii.gz')
    nib.save(bold, bold_file)
    if isinstance(atlas, str):
        atlas_file.write_text(atlas, encoding='utf-8')
    else:
        nib.save(atlas, atlas_file)
    wf = init_labels_wf(**parameters)
    wf.base_dir = str(folder / 'work')
    wf.inputs.inputnode.trait_set(bold_file=str(bold_file), atlas_files=[str(atlas_file)])
    (reduce,) = (node for node in wf.run().nodes() if node.name == 'reduce')
    return read_signals(reduce.result.outputs.out_files[0])[1]


def make_maps(shape, n=3):
    return np.maximum(RNG.normal(0, 1, (*shape, n)), 0)


@claim(
    r'Label images were resampled to the grid of the BOLD series by nearest-neighbor interpolation, probabilistic maps '
    r'by linear interpolation\.',
    {'strategy': 'weighted_mean'},
)
def check_linear_maps(found, tmp_path, **parameters):
    bold, maps = RNG.normal(9, 1, (5, 5, 5, 4)), make_maps((9, 9, 9))
    where = (np.indices((5, 5, 5)) * 3.0 + 0.4) / 2.0
    on_grid = np.stack([map_coordinates(maps[..., i], where, order=1) for i in range(3)], axis=-1)
    expected = np.einsum('ijkt,ijkl->tl', bold, on_grid) / on_grid.sum(axis=(0, 1, 2))
    signals = extract_by_graph(tmp_path, image(bold, 3.0, [0.4] * 3), image(maps, 2.0), **parameters)
    assert_allclose(signals, expected, rtol=1e-9)


@claim(
    r'For every region and volume, the amplitude of its map in the least-squares fit of the BOLD signal by all '
    r'probabilistic maps \(for labels and spheres, the mean over voxels\) (?=was computed)',
    {'strategy': 'least_squares'},
)
def check_fit(found, tmp_path, **parameters):
    bold, maps, labels = RNG.normal(9, 1, (4, 4, 4, 3)), make_maps((4, 4, 4)), blocks((4, 4, 4), 2)
    expected = np.linalg.lstsq(maps.reshape(64, 3), bold.reshape(64, 3), rcond=None)[0].T
    for folder in ('maps', 'labels'):
        (tmp_path / folder).mkdir()
    assert_allclose(extract_by_graph(tmp_path / 'maps', image(bold), image(maps), **parameters), expected, rtol=1e-9)
    signals = extract_by_graph(tmp_path / 'labels', image(bold), image(labels), **parameters)
    assert_allclose(signals, means(bold, labels), rtol=1e-12)


@claim(
    r'Spheres around seeds contained the voxels whose centers were within (?P<radius>\S+) mm \(seeds with a radius of '
    r'their own: within this radius\)(?P<nearest>, or the nearest voxel if there were none)?\.',
    {'radius': 4.0},
    {'radius': 0.5, 'include_nearest': True},
)
def check_spheres(found, tmp_path, **parameters):
    bold, radius = RNG.normal(9, 1, (6, 6, 6, 3)), float(found['radius'])
    seeds = {(6.0, 7.0, 9.0): radius, (4.0, 4.0, 4.0): 5.0}
    centers = 3.0 * np.moveaxis(np.indices((6, 6, 6)), 0, -1)
    expected = []
    for seed, own in seeds.items():
        distance = np.linalg.norm(centers - seed, axis=-1)
        within = distance <= own
        assert within.any() or found['nearest']
        expected.append(bold[within if within.any() else distance == distance.min()].mean(axis=0))
    table = 'x\ty\tz\tradius\n6\t7\t9\tn/a\n4\t4\t4\t5\n'
    assert_allclose(extract_by_graph(tmp_path, image(bold), table, **parameters), np.transpose(expected), rtol=1e-12)


@claim(r'Vertices were weighted by their areas\.', {'weight': 'area'})
def check_areas(found, **parameters):
    labels, values, areas = np.arange(12) % 3, RNG.normal(9, 1, (12, 4)), RNG.uniform(1, 3, 12)
    atlas = Atlas(pair_space(6, 6), labels, np.array([1, 2]), ['a', 'b'])
    (reduction,), _ = reduce_rows(lambda: [(0, values)], 4, [RowReducer(atlas, areas=areas)])
    expected = [np.average(values[labels == i], axis=0, weights=areas[labels == i]) for i in (1, 2)]
    assert_allclose(reduction.signals.T, expected, rtol=1e-12)
