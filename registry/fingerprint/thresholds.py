"""Every number that a word hangs on, with what it was chosen from (docs/method.md)."""

from __future__ import annotations

from typing import Final

RELATED_LOG10_P: Final = -6.0
# Between these two p-values nothing is said.
SUSPECT_LOG10_P: Final = -2.0
MIN_POWER: Final = 0.99
# Share of units that a test must find again; the least seen on true descendants,
# after three times the base's own training, is several times that.
ASSUMED_RATE: Final = 0.25
# Share of units that keep their label by what no basis changes: after a common start
# .043 at most; sketches of long continued pre-training stay open below this.
MIN_FREE_SHARE: Final = 0.1
# Share of equal weights inside layers, and number of equal rows, that make a part.
MIN_INNER_SHARE: Final = 0.01
MIN_EQUAL_ROWS: Final = 8
# Matrices with the same rows in another order; one could be an accident of a tool.
MIN_REORDERED: Final = 2
# Norms of independent models of one shape differ by more somewhere.
SAME_NORMS: Final = 1e-3
# What training made is kept, beside the whole, by descendants (.95 and more) and not
# after a common random start (.84 and less, but .98 in models of width 64). Where
# little is kept at all, as of a merge's parents, every matrix has to keep the same
# share: of merges it spreads by .024 at most, after a common start of that kind by
# .18 and more.
KEPT_RATIO: Final = 0.92
KEPT_RATIO_OF_LITTLE: Final = 0.95
EVEN_SPREAD: Final = 0.05
NOT_KEPT_RATIO: Final = 0.87
MOST_KEPT: Final = 0.75
# The same where a rotation and partners had to be looked for, which flatters: .93 and
# more in descendants and siblings, .86 at most after a common start and the same data
# in another order.
MOST_KEPT_TURNED: Final = 0.92
LEAST_KEPT: Final = 0.12
# Cosine of token tables whose rows are the same ones.
SAME_TOKENS: Final = 0.3
# Rows of the same tokens or positions: .2 and more after three times the base's own
# training and between models that learnt one vocabulary apart, .02 at most where the
# order of one side was shuffled.
LIKE_ROWS: Final = 0.1
# Above this median cosine of units a change is called fine-tuning first.
LIGHT_CHANGE: Final = 0.93
