# SPDX-License-Identifier: BSD-3-Clause
import pytest

from nipype_labels.reports.formatting import make_printable, mark_up


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('Read [@a_1; @b:2].', 'Read (a_1; b:2).'),
        ('As proposed by @ledoit_wolf.', 'As proposed by Ledoit and Wolf (2004).'),
        ('*nipype_labels* does', '<em>nipype_labels</em> does'),
        ('columns `trans_.*`, `rot_.*`', 'columns <code>trans_.*</code>, <code>rot_.*</code>'),
        ('2 * 3 * 4 and me@home.org', '2 * 3 * 4 and me@home.org'),
        (
            '<b>`<i>`*<u>* [@<s>]',
            '&lt;b&gt;<code>&lt;i&gt;</code><em>&lt;u&gt;</em> (&lt;s&gt;)',
        ),
        ('`" onload="x`', '<code>&#34; onload=&#34;x</code>'),
        ('\ud800\x00', '��'),
    ],
)
def test_marks_become_html_and_all_else_is_text(text, expected):
    assert mark_up(text) == [expected]


def test_paragraphs_are_parted_by_empty_lines():
    assert mark_up('One\nline.\n \n\nTwo.\n') == ['One line.', 'Two.']
    assert mark_up(' \n') == []


def test_only_what_xml_forbids_is_replaced():
    assert make_printable('Größe\t½\n<𝛼>\ud800\ufffe\x0b\x1b') == 'Größe\t½\n<𝛼>����'
