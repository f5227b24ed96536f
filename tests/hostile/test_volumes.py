# SPDX-License-Identifier: BSD-3-Clause
"""Sample masks and runs that do not match the volumes are refused with the name of the file."""

import numpy as np
from hostile_cases import CENSORED, N_VOLUMES, cases, folder, remove, text

KEEP, ARRAY, RUNS = 'keep.tsv', 'keep.npy', 'runs.txt'
WHOLE = f'{KEEP} must contain integers'
KEPT = [volume for volume in range(N_VOLUMES) if volume not in CENSORED]


def keep(content):
    return text(KEEP, content)


def array(values):
    """Ask for an array as sample mask."""

    def damage(given):
        np.save(given / ARRAY, values, allow_pickle=True)
        given.asked['--sample-mask'] = ARRAY

    return damage


def runs(content):
    def damage(given):
        (given / RUNS).write_text(content)
        given.asked['--runs'] = RUNS

    return damage


# Other invalid lists are refused in files/test_sample_mask.py.
@cases(
    ('missing', remove(KEEP), f'no such file | {KEEP}'),
    ('a folder', folder(KEEP), f'no such file | {KEEP}'),
    ('empty', keep(''), f'{KEEP} must have one row of volumes, its shape is (0,)'),
    ('junk', keep(bytes(range(256))), f'{KEEP} is not a list of volumes'),
    ('all volumes censored', keep('retained\n' + 'false\n' * 40), f'{KEEP}: --sample-mask keeps no volume'),
    ('a flag too few', keep('retained\n' + 'true\n' * 39), f'{KEEP}: --sample-mask must have 40 flags | not 39'),
    ('no flag', keep('retained\n' + 'true\n' * 39 + 'n/a\n'), WHOLE),
    (
        'a volume that does not exist',
        keep('volume\n0\n40\n'),
        f'{KEEP}: --sample-mask has indices from 0 to 40 | 0 to 39',
    ),
    ('volumes in another order', keep('volume\n5\n3\n'), f'{KEEP}: indices of --sample-mask must rise'),
    ('one volume', keep('volume\n3\n'), f'{KEEP} | confounds.tsv | no degree of freedom | retained volumes: 1)'),
    ('an array of flags too short', array(np.ones(39, bool)), f'{ARRAY}: --sample-mask must have 40 flags | not 39'),
    ('a run too few', runs('0\n' * 39), f'{RUNS} | runs must have 40 entries, one per volume, not 39'),
    ('a run beyond counting', runs('1e300\n' * 40), f'{RUNS} must contain integers'),
    ('a run of which nothing is kept', runs('0\n' * 3 + '1\n' + '0\n' * 36), f'{RUNS} | keeps no volume of run 1'),
    ('a run of one volume', runs('1\n' * 39 + '2\n'), f'{RUNS} | no degree of freedom | retained volumes: 1)'),
)
def test_lists_that_do_not_fit_the_volumes_are_refused(case, refuse_cheaply):
    refuse_cheaply(case)


@cases(
    ('volumes', keep('\n'.join(map(str, KEPT)))),
    ('an array of flags', array(np.isin(range(N_VOLUMES), KEPT))),
    ('one run', runs('7\n' * 40)),
)
def test_another_form_of_the_same_volumes_changes_no_byte(case, unchanged):
    unchanged(case)
