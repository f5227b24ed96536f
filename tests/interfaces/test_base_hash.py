# SPDX-License-Identifier: BSD-3-Clause
"""The hash of every node covers all that changes its outputs, and nothing else."""

import importlib
import os
from pathlib import Path

import nibabel
import numpy as np
import pytest
from nipype.interfaces.base import traits
from node_cases import NODES, clean_node, digest
from pairwise import pairwise

from nipype_labels.interfaces import (
    ApplyMask,
    CleanSignal,
    HighVarianceConfounds,
    InverseProject,
    ReduceLabels,
    Resample,
)


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
    """The hash of Nipype rounds to ten digits, so that these values would be equal."""
    assert digest(interface(**{name: value})) != digest(interface(**{name: other}))
    assert digest(interface(**{name: value})) == digest(interface(**{name: value}))


@pytest.mark.parametrize('interface', NODES)
def test_raised_numerics_change_the_hash(interface):
    """Nipype hashes no code, so that a node has a number for its numerics."""
    spec = interface.input_spec
    bumped = type('Bumped', (spec,), {'numerics': spec.numerics + 1})
    assert bumped().get_hashval()[1] != spec().get_hashval()[1]


@pytest.mark.parametrize('interface', [ReduceLabels, Resample, HighVarianceConfounds])
def test_threads_do_not_change_the_hash(interface):
    assert digest(interface(num_threads=1)) == digest(interface(num_threads=8))


@pytest.mark.parametrize('library', ['numpy', 'scipy', 'nibabel'])
def test_hash_carries_major_and_minor_versions_of_computing_libraries(library, monkeypatch):
    module = importlib.import_module(library)
    real = module.__version__
    before = digest(ReduceLabels())

    def pretend(version):
        monkeypatch.setattr(module, '__version__', version)

    pretend('99.7.0')
    other = digest(ReduceLabels())
    pretend('99.7.3')
    assert before != other == digest(ReduceLabels())
    pretend('.'.join(real.split('.')[:2]) + '.99')
    assert digest(ReduceLabels()) == before


@pytest.mark.parametrize('method', ['content', 'timestamp'])
def test_voxels_of_a_reference_do_not_matter_but_its_grid_does(image, method):
    labels = image('labels.nii', np.ones((3, 3, 3), dtype='int16'))

    def hashed(reference):
        return digest(Resample(in_files=labels, reference_files=reference), method)

    same = [hashed(image(f'{n}.nii.gz', np.full((5, 5, 5, n), n, dtype='int16'))) for n in (2, 7)]
    moved = image('moved.nii.gz', np.ones((5, 5, 5, 2), dtype='int16'), np.diag([3.0, 3, 3.5, 1]))
    longer = image('longer.nii.gz', np.ones((5, 5, 6, 2), dtype='int16'))
    assert same[0] == same[1]
    assert len({same[0], hashed(moved), hashed(longer)}) == 3


def test_files_of_one_content_hash_alike_whatever_their_names(text, signals):
    tables = [text(name, 'csf\n1\n2\n0\n5\n') for name in ('one.tsv', 'two.tsv')]
    other = text('three.tsv', 'csf\n1\n2\n0\n6\n')
    one, two, three = (digest(clean_node(signals, confounds_files=table)) for table in (*tables, other))
    assert one == two != three


def test_a_touched_or_rewritten_file_hashes_alike(text, signals):
    table = text('confounds.tsv', 'csf\n1\n2\n0\n5\n')
    before = digest(clean_node(signals, confounds_files=table))
    text('confounds.tsv', 'csf\n1\n2\n0\n5\n')
    os.utime(table, (1, 1))
    assert digest(clean_node(signals, confounds_files=table)) == before


@pairwise(
    read=[
        (ReduceLabels, 'in_file'),
        (ReduceLabels, 'labels_files'),
        (ApplyMask, 'atlas_files'),
        (ApplyMask, 'mask_files'),
        (HighVarianceConfounds, 'mask_file'),
        (Resample, 'in_files'),
    ],
    named=['.hdr', '.img'],
    changed=['.hdr', '.img'],
    method=['content', 'timestamp'],
)
def test_both_files_of_a_pair_count(tmp_path, read, named, changed, method):
    nibabel.save(nibabel.Nifti1Pair(np.ones((2, 2, 2), np.int16), np.eye(4)), tmp_path / 'b.img')
    interface, field = read
    node = interface(**{field: str(tmp_path / f'b{named}')})
    before = digest(node, method)
    content = bytearray((tmp_path / f'b{changed}').read_bytes())
    content[-1] ^= 1
    (tmp_path / f'b{changed}').write_bytes(content)
    os.utime(tmp_path / f'b{changed}', (1, 1))
    assert digest(node, method) != before


def words(handler):
    """Return texts that a trait accepts and does not take for files."""
    if isinstance(handler, traits.File):
        return []
    if isinstance(handler, traits.Enum):
        return [value for value in handler.values if isinstance(value, str)]
    return ['word'] if isinstance(handler, traits.Str) else []


def wordy_traits(interface):
    """Yield each trait of a node that takes words, with a value and the word in it."""
    spec = interface.input_spec()
    for name in spec.copyable_trait_names():
        handler = spec.trait(name).handler
        inner = [t.handler for t in handler.inner_traits()] if hasattr(handler, 'inner_traits') else []
        yield from ((name, word, word) for word in words(handler))
        yield from ((name, [word], word) for each in inner for word in words(each))


@pytest.mark.parametrize('interface', NODES)
def test_a_word_that_names_a_file_by_chance_is_hashed_as_a_word(interface):
    cases = list(wordy_traits(interface))
    before = [digest(interface(**{name: value})) for name, value, _ in cases]
    for _, _, word in cases:
        Path(word).write_text('by chance')
    assert [digest(interface(**{name: value})) for name, value, _ in cases] == before
