"""The rule that segments are chosen by: every threshold, weight and count, and why it is that.

Shares and adjusted Rand indices are between 0 and 1. Where no other reason stands, a number was
chosen on the generated training sets of `benchmarks/clusters_battery.py` and judged on others.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from portrait_assets.methods.clustering.families import FAMILIES
from portrait_assets.methods.clustering.families.family import Family

SMALLEST_SHARE = 0.02


@dataclass(frozen=True)
class Samples:
    """How many customers each step looks at; time and memory limit all of them.

    Attributes:
        fit_rows: the final fit; the smallest segment that is allowed has 4,000 of them.
        preparation_rows: scales and components; standard errors are then below 1 %.
        choice_rows: comparing all candidates, whose distances need memory by the square of it.
        unseen_rows: further customers that only the test for valleys looks at.
        fewest_rows: fewer different customers are one segment unless a number is requested.
    """

    fit_rows: int = 200_000
    preparation_rows: int = 20_000
    choice_rows: int = 1_500
    unseen_rows: int = 20_000
    fewest_rows: int = 20


@dataclass(frozen=True)
class Compared:
    """Which candidates are compared.

    Attributes:
        families: the families; their parameters and limits stand with each.
        numbers: numbers of segments; beyond twelve in steps of about a tenth. Two are always
            tried.
        rows_per_segment: a number is tried where the sample has so many customers per segment.
    """

    families: tuple[Family, ...] = FAMILIES
    numbers: tuple[int, ...] = (
        *range(2, 13),
        *(14, 15, 16, 18, 20, 22, 25, 28, 31, 35, 40, 45, 50, 60, 70, 80, 100),
    )
    rows_per_segment: int = 15


@dataclass(frozen=True)
class Scoring:
    """How candidates are scored by agreement of families and stability, and which may win.

    Attributes:
        smallest_share: no segment is smaller, as nobody could act on it.
        smallest_rows: nor has fewer customers of the sample, which may be strays ...
        smallest_share_of_few: ... but of a small sample this share is enough.
        smallest_part: with many segments, this part of an even share is enough.
        shortlist: candidates this near to the best agreement get their stability computed,
        most_listed: at most so many of them,
        least_agreement: and the best of every number of segments that has this agreement.
        subsets: refits that stability is the mean over; each costs a fit of the shortlist.
        subset_share: share of the customers in each, so that every segment is in all of them.
        tolerance: scores this near are alike, as chance in six subsets is of that size.
        many_dimensions: from here on centroid families are also looked at by themselves, as
            families that go by single distances drown in noise.
        most_centres: largest k of theirs that is looked at so.
        centres_rows: customers that their stability is taken over; over few it depends more on
            who was left out than on the number of segments.
        least_separation: density-based validation that families misled by chains must reach.
        shown_with_evidence: candidates that get the numbers which are shown only.
        rounding: sums of floats are this exact.
    """

    smallest_share: float = SMALLEST_SHARE
    smallest_rows: int = 15
    smallest_share_of_few: float = 0.05
    smallest_part: float = 0.3
    shortlist: float = 0.08
    most_listed: int = 30
    least_agreement: float = 0.75
    subsets: int = 6
    subset_share: float = 0.8
    tolerance: float = 0.02
    many_dimensions: int = 10
    most_centres: int = 12
    centres_rows: int = 5_000
    least_separation: float = 0.2
    shown_with_evidence: int = 10
    rounding: float = 1e-9


@dataclass(frozen=True)
class Boundaries:
    """How a valley between two segments is looked for; its test is exact whatever these are.

    Attributes:
        part_rows: a segment is seen as one part per so many customers,
        most_parts: at most this many, so that curved segments have several middles.
        lines: lines between parts of two segments that are looked along.
        neighbours: nearest segments that a segment is taken to have a boundary with.
        enough: a valley as improbable as this needs no closer look.
        cylinder: share of two parts that lies within the cylinder around their line.
        bins: bins along the line, from one length before the first middle to one after the
            second: the middles are at a third and two thirds of them.
        middles: bins in which a valley's window may have its centre, around the line's middle.
        middle_widths: widths of that window, in bins; odd, so that there is a centre.
        side_widths: widths of the windows on either side.
    """

    part_rows: int = 40
    most_parts: int = 6
    lines: int = 3
    neighbours: int = 4
    enough: float = 1e-6
    cylinder: float = 0.9
    bins: int = 60
    middles: range = range(24, 37)
    middle_widths: tuple[int, ...] = (1, 3, 5, 7)
    side_widths: tuple[int, ...] = (3, 6, 10, 16)


@dataclass(frozen=True)
class Ridges:
    """When density is lower on every way between two segments (`valleys.ridges`).

    Attributes:
        fewest_neighbours: density is counted within a reach of the square root of the rows in
            neighbours, so many at least,
        part_of_segment: and no more than this part of the second largest segment.
        dense_share: share of a segment that lies densest: its peak, and what reach is taken of.
        dip: standard errors that the saddle is below the lower peak. The halves of arcs reach 1.1,
            segments of sets that have them 1.6 and more,
        dip_of_weak: and for a valley that is only enough with a high score, as hierarchies cut
            where by chance few are.
    """

    fewest_neighbours: int = 10
    part_of_segment: float = 0.4
    dense_share: float = 0.1
    dip: float = 1.5
    dip_of_weak: float = 2.8


@dataclass(frozen=True)
class Winning:
    """Which scored candidate wins, by the valleys around its segments (`winner`).

    Attributes:
        real_p_value: a valley counts when data without structure have one as deep less often than
            this.
        weak_p_value: so weak a valley is enough ...
        high_score: ... for a score (of 2) that data without structure hardly reach either.
        clear_part: of candidates alike in score those stay whose clear share is this part of the
            best of them; less is a cut through what belongs together.
        very_stable: more segments than the best score has, or centroids alone, need this
            stability. On the banks the right number has 0.99, one too many 0.95 to 0.98.
        near_score: more segments may cost this much of the score,
        mostly_clear: and need this clear share among the customers whose segments they divide.
        same_overlap: two segments that share this part of both (Jaccard index) are the same.
        dominant_share: a largest segment above this leaves strays beside it, no segments.
        near_score_of_even: a candidate without such a segment may cost this much of the score.
        least_clear_share: clear share, of about a third, that it needs, as do centroids alone.
    """

    real_p_value: float = 0.01
    weak_p_value: float = 0.2
    high_score: float = 1.95
    clear_part: float = 0.25
    very_stable: float = 0.97
    near_score: float = 0.12
    mostly_clear: float = 0.6
    same_overlap: float = 0.9
    dominant_share: float = 0.8
    near_score_of_even: float = 0.10
    least_clear_share: float = 0.35


@dataclass(frozen=True)
class SecondLook:
    """When segments count as separate that no valley was found between (`second_look`).

    None of 186 sets without structure (those of `benchmarks/clusters_touching.py` and others alike)
    had a gain of 5 in a plane, a separation above 0.16 that other families agreed with, or a
    contrast above 3.

    Attributes:
        smallest_share: candidates with a smaller segment are not looked at a second time, as few
            strays pass for a segment,
        smallest_rows: nor bells of fewer customers.
        separation: density-based validation of segments with gaps between them.
        valleys: windows and parts by which valleys are looked for; wider windows and smaller
            parts than at first, as what is there for a narrow one was not found.
        contrast: standard errors of the least clear boundary's valley,
        separation_of_valleys: density-based validation of its segments,
        agreement_of_valleys: and agreement of other families.
        rows: customers that bells are looked for in, of those of the choice and the unseen ones.
        most_segments: nor are mixtures with more,
        most_from_sphered: nor those from sphered points with more than so many.
        gain: logarithm of the likelihood that two normals must gain on the best density with one
            peak between every two segments,
        gain_of_dimension: and so much more for every dimension beyond two, as the line between
            two segments is chosen among more.
        gain_of_more: where some number of segments has that gain, so much is enough for others, and
            where fewer segments have valleys.
        likeliest: mixtures of least BIC that are looked at where fewer segments have valleys.
        means_apart: distance of two normals in standard deviations; nearer ones only give one
            peak longer tails.
        surely_apart: pairs farther apart than this need no proof where nearer ones have it.
        flat: kurtosis that a bell may lack, as a share of a normal's, or
        flat_by_errors: so many standard errors.
        bent: skewness per degree of freedom that a bell may have, or
        bent_by_chance: what is as probable as this in a normal.
    """

    smallest_share: float = 0.05
    smallest_rows: int = 15
    separation: float = 0.25
    valleys: Boundaries = field(
        default_factory=lambda: Boundaries(
            part_rows=25,
            most_parts=8,
            middles=range(26, 35, 2),
            middle_widths=(5, 7, 9),
            side_widths=(8, 12, 16),
        )
    )
    contrast: float = 3.9
    separation_of_valleys: float = -0.2
    agreement_of_valleys: float = 0.5
    rows: int = 4_000
    most_segments: int = 6
    most_from_sphered: int = 2
    gain: float = 5.0
    gain_of_dimension: float = 1.0
    gain_of_more: float = 2.0
    likeliest: int = 3
    means_apart: float = 2.0
    surely_apart: float = 4.5
    flat: float = 0.12
    flat_by_errors: float = 3.0
    bent: float = 0.12
    bent_by_chance: float = 0.05


@dataclass(frozen=True)
class Refinement:
    """Which segments are split again.

    Attributes:
        fewest_rows: smaller segments are left alone, as the test for valleys has no power there.
        large: where there are more than ``few`` segments, only those above so many median sizes.
        few: up to so many segments, all are looked into: groups of groups are few.
        compact: share of a segment that is nearest to its own mean; curves are not compact, and
            would be cut into pieces.
        most_parts: largest number of parts at once; further ones come out a level deeper.
        depth: levels of splits.
        hopeless: where the most agreed split's valley is more probable than this without
            structure, no other split is looked for.
        clear: a split needs a valley that data without structure have less often than this; as
            many segments are looked into, less than for the choice.
        second_share: at least two parts have this share; strays beside one big part are no split.
        stray_share: smaller segments join their nearest neighbours' in the end,
        stray_part: or those below this part of an even share where that is less.
    """

    fewest_rows: int = 150
    large: float = 1.5
    few: int = 3
    compact: float = 0.9
    most_parts: int = 10
    depth: int = 6
    hopeless: float = 0.2
    clear: float = 0.001
    second_share: float = 0.15
    stray_share: float = SMALLEST_SHARE
    stray_part: float = 0.3


@dataclass(frozen=True)
class Stability:
    """When segments count as stable: two refits on bootstrap samples agree.

    Attributes:
        stable: adjusted Rand index of stable segments' refits. k-means on a continuum with long
            tails reaches 0.5 to 0.8, segments with a gap between them nearly 1.
        centroid_rows: customers of the bootstrap samples where segments are assigned by centres;
            others take those of the choice, as they are refitted with all distances.
    """

    stable: float = 0.9
    centroid_rows: int = 20_000


@dataclass(frozen=True)
class Division:
    """How customers without separate segments are divided.

    Attributes:
        numbers: numbers of segments; a marketer has no use for two, nor acts on many.
        smallest_share: a division with a smaller segment is out.
        pairs: pairs of bootstrap samples that stability is the mean over.
        restarts: of each k-means fit; ten come within 1 % of the inertia of fifty.
        most_rows: customers that are divided for the choice.
        rows_per_segment: so many customers per segment are needed.
    """

    numbers: range = range(3, 9)
    smallest_share: float = SMALLEST_SHARE
    pairs: int = 5
    restarts: int = 10
    most_rows: int = 5_000
    rows_per_segment: int = 10


@dataclass(frozen=True)
class FinalFit:
    """How the chosen candidate is fitted to many customers and kept as prototypes.

    Attributes:
        same_partition: a refit is taken when it agrees this well with the chosen labels.
        inherited_rows: customers who take the label of the nearest chosen one where a family, or
            a refined choice, is not refitted.
        enough_agreement: prototypes suffice when this share of customers gets its own label from
            the nearest one.
        prototype_sizes: prototypes per segment that are tried, the fewest first.
        most_prototypes: a model has at most so many; assigning takes time in proportion.
    """

    same_partition: float = 0.95
    inherited_rows: int = 20_000
    enough_agreement: float = 0.995
    prototype_sizes: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    most_prototypes: int = 2_000


@dataclass(frozen=True)
class SelectionRule:
    """All that decides which segments there are, by concern; change one with `replace`."""

    samples: Samples = field(default_factory=Samples)
    compared: Compared = field(default_factory=Compared)
    scoring: Scoring = field(default_factory=Scoring)
    boundaries: Boundaries = field(default_factory=Boundaries)
    ridges: Ridges = field(default_factory=Ridges)
    winning: Winning = field(default_factory=Winning)
    second_look: SecondLook = field(default_factory=SecondLook)
    refinement: Refinement = field(default_factory=Refinement)
    stability: Stability = field(default_factory=Stability)
    division: Division = field(default_factory=Division)
    final_fit: FinalFit = field(default_factory=FinalFit)


RULE = SelectionRule()
"""The rule that is used unless another is given."""
