# SPDX-License-Identifier: MIT
"""SIGINT in what `_io` makes of a stream, on each face: none is lost."""

import pytest

import interrupts
from interrupts import ROUNDS, USES, count_outcomes


@pytest.mark.parametrize("use", [interrupts.read, interrupts.write, interrupts.both])
def test_buffered(wrap, use):
    """A signal at any moment of a buffered file arrives."""
    outcomes = count_outcomes(lambda: wrap(interrupts.Endless()).buffered(64), use)
    assert outcomes == {KeyboardInterrupt: ROUNDS}


@pytest.mark.parametrize("name", USES)
def test_in_a_buffer(wrap, name):
    """So does one in a buffer that the caller has put before the stream itself."""
    make, use = USES[name]
    outcomes = count_outcomes(lambda: make(wrap(interrupts.Endless())), use)
    assert outcomes == {KeyboardInterrupt: ROUNDS}
