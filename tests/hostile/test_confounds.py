# SPDX-License-Identifier: BSD-3-Clause
"""Confounds: an invalid cell, column or row is named, and none is shifted or lost."""

import json

import numpy as np
from hostile_cases import CONFOUNDS, N_VOLUMES, Case, ask, cases, cells, folder, lines, nothing, packed, remove, text

TABLE, ROWS = 'confounds.tsv', range(N_VOLUMES)
EMPTY = f'{TABLE} is empty'
SCRUB = '--confounds-strategy scrubbing --confounds-columns csf'


def heading(old, new):
    return lines(TABLE, lambda rows: [rows[0].replace(old, new), *rows[1:]])


def table(columns, cell='0'):
    """Replace the table by one of so many columns with one value."""
    rows = ['\t'.join(f'c{i}' for i in range(columns)), *['\t'.join([cell] * columns)] * N_VOLUMES]
    return text(TABLE, '\n'.join(rows) + '\n')


def noise(columns):
    rows = np.random.default_rng(1).normal(size=(N_VOLUMES, columns)).round(4)
    heads = '\t'.join(f'c{i}' for i in range(columns))
    return text(TABLE, '\n'.join([heads, *('\t'.join(map(str, row)) for row in rows)]) + '\n')


@cases(
    ('missing', remove(TABLE), f'no such file | {TABLE}'),
    ('a folder', folder(TABLE), f'no such file | {TABLE}'),
    ('empty', text(TABLE, ''), EMPTY),
    ('a heading alone', text(TABLE, 'csf\trot_x\n'), f'{TABLE} has 0 rows, the signals have 40 volumes'),
    ('junk', text(TABLE, bytes(range(256)) * 4), f'{TABLE} is not UTF-8 text'),
    ('Latin-1', packed(TABLE, lambda content: content.replace(b'csf', b'csf\xe9')), f'{TABLE} is not UTF-8 text'),
    ('a row too few', lines(TABLE, lambda rows: rows[:-1]), f'{TABLE} has 39 rows, the signals have 40 volumes'),
    ('a row too many', lines(TABLE, lambda rows: [*rows, rows[-1]]), f'{TABLE} has 41 rows, the signals have 40'),
    ('numbers for a heading', heading('\t'.join(CONFOUNDS), '1\t2\t3\t4\t5'), f'{TABLE} has 41 rows'),
    ('one long line', text(TABLE, 'a' * 10**6 + '\n' + '1' * 10**6), f'{TABLE} | has 1 rows'),
    (
        'a cell too few',
        lines(TABLE, lambda rows: [*rows[:5], rows[5].rpartition('\t')[0], *rows[6:]]),
        f"{TABLE}: column 'std_dvars' | row 4",
    ),
    (
        'a cell too many',
        lines(TABLE, lambda rows: [*rows[:5], rows[5] + '\t1', *rows[6:]]),
        f'{TABLE}: row 4 | 6 cells, the heading has 5',
    ),
    (
        'a column without a heading',
        lines(TABLE, lambda rows: [rows[0], *(f'{row}\t1' for row in rows[1:])]),
        f'{TABLE}: row 0 | 6 cells',
    ),
    ('a column twice', heading('rot_y', 'rot_x'), f"{TABLE}: columns of the same name: 'rot_x'"),
    ('a column twice but for a space', heading('rot_y', 'rot_x '), f"{TABLE}: columns of the same name: 'rot_x'"),
    ('a table twice', nothing, f"{TABLE}: columns of the same name: 'csf', ", f'--confounds {TABLE} {TABLE}'),
    ('a word', cells(TABLE, 'csf', {3: 'high'}), f"{TABLE}: column 'csf' is not a number in row 3: 'high'"),
    ('a decimal comma', cells(TABLE, 'csf', {3: '0,1'}), f"{TABLE}: column 'csf' is not a number in row 3: '0,1'"),
    ('an underscore', cells(TABLE, 'csf', {3: '1_0'}), f"{TABLE}: column 'csf' is not a number in row 3: '1_0'"),
    ('a NUL byte', cells(TABLE, 'csf', {3: '0.1\0'}), f'{TABLE} is not text | NUL bytes'),
    ('a complex number', cells(TABLE, 'csf', {3: '1+2j'}), f"{TABLE}: column 'csf' is not a number in row 3: '1+2j'"),
    (
        'a quotation mark left open',
        cells(TABLE, 'csf', {3: '"1'}),
        f"{TABLE}: column 'csf' is not a number in row 3: '\"1'",
    ),
    ('nothing inside', cells(TABLE, 'csf', {5: 'n/a'}), f"{TABLE}: column 'csf' has no finite value in row 5"),
    (
        'nothing at first',
        cells(TABLE, 'rot_x', {0: 'n/a'}),
        f"{TABLE}: column 'rot_x' is n/a in row 0 | --confounds-na",
    ),
    ('an infinity', cells(TABLE, 'csf', {5: '-Inf'}), f"{TABLE}: column 'csf' is -inf in row 5"),
    ('a number beyond squares', cells(TABLE, 'csf', {5: '1e200'}), f"{TABLE}: column 'csf' is 1e+200 in row 5"),
    (
        'a number beyond squares that is not scaled',
        cells(TABLE, 'csf', {5: '1e200'}),
        f"{TABLE}: column 'csf' is 1e+200 in row 5",
        '--no-standardize-confounds',
    ),
    ('more columns than volumes', noise(45), f'{TABLE} | no degree of freedom (columns: 45, rank: 37'),
    ('thousands of columns', table(5000, '0.5\tx'), TABLE),
    (
        'a column that is not there',
        nothing,
        f"{TABLE} has no column 'rotx'; did you mean rot_x",
        '--confounds-columns rotx',
    ),
    ('an expression that is none', nothing, f"'[' is neither a column of | {TABLE}", '--confounds-columns ['),
    ('motion that is not there', nothing, f"{TABLE} has no column 'trans_x'", '--confounds-strategy 6P'),
    ('components that are not there', nothing, f"{TABLE} has no column 'a_comp_cor", '--confounds-strategy aCompCor'),
    (
        'scrubbing by what is not there',
        heading('std_dvars', 'dvars'),
        f"{TABLE} has no column 'std_dvars' | scrubbing",
        SCRUB,
    ),
    (
        'scrubbing by a word',
        cells(TABLE, 'framewise_displacement', {5: 'big'}),
        f"{TABLE}: column 'framewise_displacement' is not a number in row 5: 'big'",
        SCRUB,
    ),
    (
        'scrubbing of all volumes',
        cells(TABLE, 'framewise_displacement', dict.fromkeys(ROWS, '9')),
        f'{TABLE}: none of 40 volumes is retained | --sample-mask 2, framewise_displacement 40, std_dvars 0',
        SCRUB,
    ),
    ('scrubbing by NaN', nothing, '--fd-threshold | nan', f'{SCRUB} --fd-threshold nan'),
    ('scrubbing below 0', nothing, '--dvars-threshold | -1', f'{SCRUB} --dvars-threshold -1'),
    ('components without their strategy', nothing, '--n-compcor given, but it only acts with', '--n-compcor 2'),
    ('thresholds without scrubbing', nothing, '--fd-threshold given, but it only acts with', '--fd-threshold 1'),
    ('columns without a table', ask(confounds=None), '--confounds-columns', '--confounds-columns csf'),
    ('what is missing without a table', ask(confounds=None), '--confounds-na given', '--confounds-na zero'),
)
def test_an_invalid_table_is_refused(case, refuse):
    refuse(case)


@cases(
    ('no heading', lines(TABLE, lambda rows: rows[1:])),
    ('nothing in a volume that is censored', cells(TABLE, 'csf', {3: 'n/a'})),
    ('an infinity in a volume that is censored', cells(TABLE, 'csf', {3: 'inf'})),
    ('too large a number in a volume that is censored', cells(TABLE, 'csf', {17: '1e300'})),
)
def test_a_table_without_a_heading_and_values_of_censored_volumes_change_no_byte(case, unchanged):
    unchanged(case)


@cases(
    ('constants', table(2, '3.5'), 0),
    ('zeros', table(2, '0'), 0),
    ('numbers next to 0', cells(TABLE, 'csf', {i: f'{i + 1}e-320' for i in ROWS}), 4),
    ('as many columns as leave a volume', noise(36), 36),
    ('a constant among others', cells(TABLE, 'csf', dict.fromkeys(ROWS, '1')), 4),
)
def test_columns_without_variance_change_nothing(case, accept):
    rank, case = case.words, Case(case.name, case.damage)
    report = json.loads((accept(case) / 'out' / 'cleaning.json').read_text())
    assert report['RankOfConfounds'] == rank


def test_components_are_in_order_however_long_their_numbers(accept):
    damage = heading('csf\trot_x\trot_y', f'a_comp_cor_{"9" * 5000}\ta_comp_cor_10\ta_comp_cor_09')
    given = accept(Case('long', damage, options='--confounds-strategy aCompCor --n-compcor 2'))
    assert json.loads((given / 'out' / 'cleaning.json').read_text())['ConfoundsColumns'] == [
        'a_comp_cor_10',
        'a_comp_cor_09',
    ]
