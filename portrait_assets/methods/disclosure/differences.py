"""What two counts of customers give away together: the differencing attack."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Overlap:
    """Two groups of customers among all of them: those in both, in either, and all.

    With both counts and the number of all known, what is not known of the four groups into which
    they cut the customers is one number.
    """

    both: int
    one: int
    other: int
    everyone: int

    @property
    def differs_in(self) -> int:
        """Customers in one of the two and not in both."""
        return self.one + self.other - 2 * self.both

    @property
    def _cut(self) -> tuple[int, int, int, int]:
        neither = self.everyone - self.one - self.other + self.both
        return self.both, self.one - self.both, self.other - self.both, neither

    def tells_of_few(self, smallest: int) -> bool:
        """Whether the two counts tell of fewer than `smallest` customers.

        They do where two of the four groups are smaller: one is then the difference of known
        numbers but for the other. So it is where a group is nearly the other one (the individual
        tracker of Schlörer, 1975), and where the two are nearly everyone and share few (the
        general tracker of Denning, Denning and Schwartz, 1979, The tracker: a threat to statistical
        database security). Empty groups count as small: an answer that is refused only where a
        group has customers tells that it has some (Kenthapadi, Mishra and Nissim, 2005,
        Simulatable auditing).
        """
        return sum(part < smallest for part in self._cut) >= 2

    def tells_of_some(self, smallest: int) -> bool:
        """The same, where one of the small groups is not empty."""
        small = [part for part in self._cut if part < smallest]
        return len(small) >= 2 and any(small)
