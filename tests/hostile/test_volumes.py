# SPDX-License-Identifier: BSD-3-Clause
"""Sample masks and runs that do not match the volumes are refused with the name of the file."""

import numpy as np
from hostile_cases import LEFT_OUT, N_VOLUMES, both, cases, folder, packed, remove, text

KEEP, ARRAY, RUNS = 'keep.tsv', 'keep.npy', 'runs.txt'
WHOLE = f'{KEEP} must contain integers'
FLAGS = ['false' if volume in LEFT_OUT else 'true' for volume in range(N_VOLUMES)]
KEPT = [volume for volume in range(N_VOLUMES) if volume not in LEFT_OUT]


def keep(content):
    return text(KEEP, content)


def array(values):
    """Ask for an array as sample mask."""

    def damage(given):
        np.save(given / ARRAY, values, allow_pickle=True)
        given.asked['--sample-mask'] = ARRAY

    return damage


def changed(old, new):
    """An array whose file was changed."""
    return both(array(np.arange(N_VOLUMES)), packed(ARRAY, lambda content: content.replace(old, new)))


def runs(content):
    def damage(given):
        (given / RUNS).write_text(content)
        given.asked['--runs'] = RUNS

    return damage


# What else a list may hold that is not a list of volumes is refused where it is read: files/test_sample_mask.py.
@cases(
    ('missing', remove(KEEP), f'no such file | {KEEP}'),
    ('a folder', folder(KEEP), f'no such file | {KEEP}'),
    ('empty', keep(''), f'{KEEP} must have one row of volumes, its shape is (0,)'),
    ('junk', keep(bytes(range(256))), f'{KEEP} is not a list of volumes'),
    ('all volumes left out', keep('retained\n' + 'false\n' * 40), f'{KEEP}: --sample-mask keeps no volume'),
    ('a flag too few', keep('retained\n' + 'true\n' * 39), f'{KEEP}: --sample-mask must have 40 flags | not 39'),
    ('no flag', keep('retained\n' + 'true\n' * 39 + 'n/a\n'), WHOLE),
    (
        'a volume that does not exist',
        keep('volume\n0\n40\n'),
        f'{KEEP}: --sample-mask has indices from 0 to 40 | 0 to 39',
    ),
    ('volumes in another order', keep('volume\n5\n3\n'), f'{KEEP}: indices of --sample-mask must rise'),
    ('one volume', keep('volume\n3\n'), f'{KEEP} | confounds.tsv | no degree of freedom | retained volumes: 1)'),
    ('an array of objects', array(np.array([1, 'a', None], object)), f'{ARRAY} is not a list of volumes'),
    ('an array of two axes', array(np.ones((5, 8), bool)), f'{ARRAY} must have one row of volumes | (5, 8)'),
    ('an array of flags too short', array(np.ones(39, bool)), f'{ARRAY}: --sample-mask must have 40 flags | not 39'),
    (
        'an array of petabytes',
        changed(b'(40,), }' + b' ' * 13, b'(400000000000000,), }'),
        f'{ARRAY} is not a list of volumes',
    ),
    ('a run too few', runs('0\n' * 39), f'{RUNS} | runs must have 40 entries, one per volume, not 39'),
    ('a run beyond counting', runs('1e300\n' * 40), f'{RUNS} must contain integers'),
    ('a run of which nothing is kept', runs('0\n' * 3 + '1\n' + '0\n' * 36), f'{RUNS} | keeps no volume of run 1'),
    ('a run of one volume', runs('1\n' * 39 + '2\n'), f'{RUNS} | no degree of freedom | retained volumes: 1)'),
)
def test_lists_that_do_not_fit_the_volumes_are_refused(case, refuse_cheaply):
    refuse_cheaply(case)


@cases(
    ('a byte-order mark and line ends of Windows', keep('\ufeffretained\r\n' + '\r\n'.join(FLAGS))),
    ('flags in capitals', keep('\n'.join(FLAGS).upper())),
    (
        'flags under their heading as numbers',
        keep('retained\n' + ''.join(f'{int(flag == "true")}\n' for flag in FLAGS)),
    ),
    ('volumes', keep('\n'.join(map(str, KEPT)))),
    ('volumes as floats', keep('\n'.join(f'{volume}.0' for volume in KEPT))),
    ('an array of flags', array(np.array(FLAGS) == 'true')),
    ('an array of volumes in a column', array(np.array(KEPT, np.uint8)[:, None])),
    ('an array of floats', array(np.array(KEPT, float))),
    ('one run', runs('7\n' * 40)),
)
def test_lists_in_any_form_give_the_same_bytes(case, unchanged):
    unchanged(case)
