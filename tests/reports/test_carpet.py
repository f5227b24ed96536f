# SPDX-License-Identifier: BSD-3-Clause
import numpy as np

from nipype_labels.reports.carpet import LARGEST, carpet_images

GREY, DARK = (0x8C, 0x8C, 0x8C), (0x1F, 0x1F, 0x1F)


def test_rows_of_pixels_are_regions_and_columns_are_volumes(pixels_of):
    raw = np.random.default_rng(0).normal(size=(5, 3))
    raw[:, 1] = np.nan
    kept = np.array([True, True, False, True, True])
    cleaned = np.where(kept[:, None], raw, np.nan)
    carpets = carpet_images(raw, cleaned, kept, np.array([10, 20, 30]))
    before, after, marks = (pixels_of(carpets[name]) for name in ('before', 'after', 'censored'))
    assert before.shape == after.shape == (3, 5, 3)
    assert {tuple(pixel) for pixel in before[1]} == {GREY}
    assert GREY not in {tuple(pixel) for row in before[[0, 2]] for pixel in row}
    assert {tuple(pixel) for pixel in after[:, 2]} == {DARK}
    assert {tuple(pixel) for pixel in after[1, kept]} == {GREY}
    assert [tuple(pixel) == DARK for pixel in marks[0]] == [False, False, True, False, False]


def test_high_is_red_and_low_is_blue(pixels_of):
    signals = np.array([[0.0], [0.0], [0.0], [9.0], [-9.0]])
    before = pixels_of(carpet_images(signals, signals, np.ones(5, dtype=bool), np.array([1]))['before'])
    assert before[0, 3, 0] > before[0, 3, 2]
    assert before[0, 4, 0] < before[0, 4, 2]


def test_ticks_are_region_ids_and_volume_numbers():
    signals = np.random.default_rng(0).normal(size=(240, 100))
    carpets = carpet_images(signals, signals, np.ones(240, dtype=bool), np.arange(1000, 1100))
    assert [tick['label'] for tick in carpets['regions']] == ['1000', '1020', '1040', '1060', '1080']
    assert carpets['volumes'][1] == {'at': '21.04', 'label': '50'}
    assert carpets['censored'] is None


def test_neighbours_are_averaged_and_no_censored_volume_is_hidden(pixels_of):
    signals = np.random.default_rng(0).normal(size=(5000, 7))
    kept = np.arange(5000) != 4321
    carpets = carpet_images(signals, np.where(kept[:, None], signals, np.nan), kept, np.arange(7))
    after = pixels_of(carpets['after'])
    assert after.shape[:2] == (7, LARGEST[1])
    dark = [column for column in range(after.shape[1]) if {tuple(pixel) for pixel in after[:, column]} == {DARK}]
    assert dark == [4321 * LARGEST[1] // 5000]
    assert carpets['averaged']


def test_one_volume_has_no_carpet():
    assert carpet_images(np.ones((1, 3)), np.ones((1, 3)), np.ones(1, dtype=bool), np.arange(3)) is None
