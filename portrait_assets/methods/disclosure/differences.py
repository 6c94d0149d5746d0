"""What two counts of customers give away together: the differencing attack."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Overlap:
    """Two groups of customers among all of them: those in both, in either, and all."""

    both: int
    one: int
    other: int
    everyone: int

    @property
    def neither(self) -> int:
        """Customers in none of the two."""
        return self.everyone - self.one - self.other + self.both

    @property
    def differing(self) -> tuple[int, int]:
        """Customers in the one alone, and in the other alone: the counts give their difference."""
        return self.one - self.both, self.other - self.both

    @property
    def agreeing(self) -> tuple[int, int]:
        """Customers in both, and in none: the counts and that of all give their difference."""
        return self.both, self.neither

    def tells_of_few(self, smallest: int) -> bool:
        """Whether the two counts tell of fewer than `smallest` customers.

        They do where they give the difference of two such groups, of which whoever asked may know
        the one to be empty. So it is where a group is nearly the other one (the individual tracker
        of Schlörer, 1975, Identification and retrieval of personal records from a statistical data
        bank), and where it is nearly all who are not in the other (the general tracker of Denning,
        Denning and Schwartz, 1979, The tracker: a threat to statistical database security). Two
        empty groups are no exception: an answer that is refused only where somebody is in them
        tells that somebody is (Kenthapadi, Mishra and Nissim, 2005, Simulatable auditing).
        """
        return any(max(pair) < smallest for pair in (self.differing, self.agreeing))

    def tells_of_some(self, smallest: int) -> bool:
        """The same, where somebody is in one of the two groups."""
        return any(0 < max(pair) < smallest for pair in (self.differing, self.agreeing))
