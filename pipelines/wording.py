"""The wording grammar: how the quantity words of a source become an interval of whole numbers.

A source says "more than 170", "about 30,000" or "1,001-5,000"; the ledger keeps those words and
derives the bounds from them here. RULES is the whole grammar and the method page shows it; the
parser has no list of its own beside it. What no rule covers is not guessed at: it is an error
that says what stood in the way.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise

LARGEST = 10**12
LONGEST = 100


class UnreadableWording(ValueError):  # noqa: N818 - the name says what happened to the wording
    """A wording that no rule reads; the text says what stood in the way and what would do."""


@dataclass(frozen=True)
class Interval:
    """A count known to be between two whole numbers, both included; no upper bound if None."""

    low: int
    high: int | None


@dataclass(frozen=True)
class Number:
    """A number as it was stated.

    value: the number itself, a multiplied one worked out ("1.3 million" is 1,300,000).
    unit: what its last stated digit stands for; 1 if it is exact.
    scale: the multiplier it ends with (1,000 or more), 1 if none.
    grain: the unit it is counted in where that is not decimal (12 for "two dozen"), else None.
    """

    value: int
    unit: int = 1
    scale: int = 1
    grain: int | None = None


Reading = Callable[..., Interval | None]


@dataclass(frozen=True)
class Rule:
    """One rule of the grammar, for readers and for the parser alike.

    form and meaning are the sentence shown to readers; words holds, by language ("*" for all),
    the forms as written, N standing for a number; reading turns the numbers into the interval, or
    is None where another rule of the same form applies.
    """

    id: str
    form: str
    meaning: str
    example: str
    example_reads: Interval
    words: Mapping[str, tuple[str, ...]]
    reading: Reading


def _exact(n: Number) -> Interval | None:
    return Interval(n.value, n.value) if n.unit == 1 else None


def _rounded(n: Number) -> Interval | None:
    half = n.unit // 2
    return Interval(max(0, n.value - half), n.value + half - 1) if n.unit > 1 else None


def _alone(n: Number) -> Interval | None:
    return _exact(n) or _rounded(n)


def _exactly(n: Number) -> Interval:
    return Interval(n.value, n.value)


def _more_than(n: Number) -> Interval:
    return Interval(n.value + 1, None)


def _at_least(n: Number) -> Interval:
    return Interval(n.value, None)


def _at_most(n: Number) -> Interval:
    return Interval(0, n.value)


def _fewer_than(n: Number) -> Interval:
    if n.value < 1:
        raise UnreadableWording("nothing is fewer than 0")
    return Interval(0, n.value - 1)


def _nearly(n: Number) -> Interval:
    if n.value < 1:
        raise UnreadableWording("nothing is nearly 0 from below")
    return Interval(min(-(-95 * n.value // 100), n.value - 1), n.value - 1)


def _just_over(n: Number) -> Interval:
    return Interval(n.value + 1, max(105 * n.value // 100, n.value + 1))


def _about(n: Number) -> Interval:
    unit = n.grain
    if unit is None:
        digits = str(n.value).rstrip("0")
        trailing = len(str(n.value)) - len(digits) if digits else 0
        # "About 450" is counted in fifties, "about 50" in tens: nobody rounds 50 to fifties.
        unit = 10**trailing * (5 if digits.endswith("5") and digits != "5" else 1)
    half = max(Fraction(unit, 2), Fraction(1))
    low, high = n.value - half, n.value + half
    return Interval(
        max(0, -(-low.numerator // low.denominator)), high.numerator // high.denominator
    )


def _range(a: Number, b: Number) -> Interval:
    if a.scale == 1 and b.scale > 1 and a.value and a.value * b.scale <= b.value:
        raise UnreadableWording(
            f"it is not clear whether {a.value} is multiplied too; write the multiplier twice"
        )
    if a.value > b.value:
        raise UnreadableWording(f"the range runs from {a.value} down to {b.value}")
    return Interval(a.value, b.value)


def _no_less(low: int) -> Reading:
    return lambda: Interval(low, None)


def _none() -> Interval:
    return Interval(0, 0)


RULES: tuple[Rule, ...] = (
    Rule(
        "number",
        "N, in digits or words",
        "exactly N",
        "152,565",
        Interval(152565, 152565),
        {"*": ("N",)},
        _exact,
    ),
    Rule(
        "rounded",
        "N thousand, N million, N billion",
        "N times the multiplier, rounded to its last stated digit",
        "13.3 million",
        Interval(13_250_000, 13_349_999),
        {"*": ("N",)},
        _rounded,
    ),
    Rule(
        "exactly",
        "exactly N",
        "N itself, a multiplied number too",
        "exactly 5 thousand",
        Interval(5000, 5000),
        {
            "en": ("exactly N", "precisely N"),
            "de": ("genau N", "exakt N"),
            "es": ("exactamente N",),
            "pt": ("exatamente N",),
            "nl": ("precies N", "exact N"),
            "fr": ("exactement N",),
            "it": ("esattamente N",),
            "ru": ("ровно N",),
            "no": ("nøyaktig N",),
            "sv": ("exakt N",),
            "da": ("præcis N",),
            "fi": ("tasan N", "tarkalleen N"),
            "hu": ("pontosan N",),
            "cs": ("přesně N",),
        },
        _exactly,
    ),
    Rule(
        "only",
        "only N, a total of N",
        "as N alone",
        "only 14 requests",
        Interval(14, 14),
        {
            "en": (
                *("only N", "just N", "merely N", "a total of N", "total of N", "in total N"),
                *("N in total", "N in all", "N altogether", "N only"),
            ),
            "de": ("nur N", "lediglich N", "bloß N", "insgesamt N"),
            "es": ("solo N", "sólo N", "solamente N", "apenas N", "un total de N", "N en total"),
            "pt": ("só N", "somente N", "apenas N", "um total de N", "N no total"),
            "nl": ("slechts N", "maar N", "alleen N", "in totaal N", "een totaal van N"),
            "fr": ("seulement N", "uniquement N", "un total de N", "au total N", "N au total"),
            "it": ("solo N", "soltanto N", "solamente N", "un totale di N", "in totale N"),
            "ru": ("только N", "лишь N", "всего N"),
            "no": ("bare N", "kun N", "totalt N", "til sammen N"),
            "sv": ("bara N", "endast N", "totalt N", "sammanlagt N"),
            "da": ("kun N", "bare N", "i alt N"),
            "fi": ("vain N", "yhteensä N"),
            "hu": ("csak N", "csupán N", "mindössze N", "összesen N"),
            "cs": ("pouze N", "jen N", "celkem N"),
        },
        _alone,
    ),
    Rule(
        "more_than",
        "more than N",
        "N + 1 or more, no upper bound",
        "more than 500",
        Interval(501, None),
        {
            "*": ("> N",),
            "en": (
                *("more than N", "over N", "in excess of N", "greater than N", "upwards of N"),
                *("upward of N", "above N", "exceeding N", "well over N", "well above N"),
                "well more than N",
            ),
            "de": ("mehr als N", "über N", "weit über N", "deutlich mehr als N"),
            "es": ("más de N", "mas de N", "más que N", "superior a N"),
            "pt": ("mais de N", "mais do que N", "acima de N"),
            "nl": ("meer dan N", "ruim N", "boven de N", "dik N"),
            "fr": ("plus de N", "au-delà de N", "plus que N"),
            "it": ("più di N", "oltre N", "oltre i N", "oltre le N"),
            "ru": ("более N", "более чем N", "больше N", "больше чем N", "свыше N"),
            "no": ("mer enn N", "flere enn N", "over N"),
            "sv": ("mer än N", "fler än N", "över N"),
            "da": ("mere end N", "flere end N", "over N"),
            "fi": ("yli N", "enemmän kuin N"),
            "hu": ("több mint N", "több, mint N", "N felett"),
            "cs": ("více než N", "víc než N", "přes N"),
        },
        _more_than,
    ),
    Rule(
        "at_least",
        "at least N, N or more, N+",
        "N or more, no upper bound",
        "82+",
        Interval(82, None),
        {
            "*": ("N +", "≥ N"),
            "en": (
                *("at least N", "no fewer than N", "no less than N", "not fewer than N"),
                *("not less than N", "a minimum of N", "minimum of N", "minimum N", "N or more"),
                *("N or over", "N or above", "N and over", "N and above", "N or higher"),
            ),
            "de": ("mindestens N", "wenigstens N", "zumindest N", "N oder mehr"),
            "es": ("al menos N", "por lo menos N", "como mínimo N", "N o más", "mínimo N"),
            "pt": ("pelo menos N", "ao menos N", "no mínimo N", "N ou mais"),
            "nl": ("minstens N", "ten minste N", "tenminste N", "minimaal N", "N of meer"),
            "fr": ("au moins N", "au minimum N", "N ou plus"),
            "it": ("almeno N", "come minimo N", "N o più"),
            "ru": ("не менее N", "не меньше N", "как минимум N", "минимум N", "N и более"),
            "no": ("minst N", "N eller mer", "N eller flere"),
            "sv": ("minst N", "åtminstone N", "N eller fler", "N eller mer"),
            "da": ("mindst N", "N eller flere", "N eller mere"),
            "fi": ("vähintään N", "ainakin N", "N tai enemmän"),
            "hu": ("legalább N", "N vagy több"),
            "cs": ("nejméně N", "alespoň N", "minimálně N", "N nebo více"),
        },
        _at_least,
    ),
    Rule(
        "at_most",
        "up to N, at most N, N or fewer",
        "0 to N",
        "up to 500",
        Interval(0, 500),
        {
            "*": ("≤ N",),
            "en": (
                *("up to N", "as many as N", "at most N", "at the most N", "no more than N"),
                *("not more than N", "a maximum of N", "maximum of N", "maximum N", "N or fewer"),
                *("N or less", "N at most", "as much as N"),
            ),
            "de": ("bis zu N", "höchstens N", "maximal N", "nicht mehr als N"),
            "es": ("hasta N", "como máximo N", "a lo sumo N", "no más de N", "máximo N"),
            "pt": ("até N", "no máximo N", "não mais de N", "não mais que N"),
            "nl": ("tot N", "maximaal N", "hooguit N", "hoogstens N", "niet meer dan N"),
            "fr": ("jusqu'à N", "au plus N", "au maximum N", "maximum N", "pas plus de N"),
            "it": ("fino a N", "al massimo N", "non più di N"),
            "ru": ("до N", "не более N", "не больше N", "максимум N"),
            "no": ("opptil N", "opp til N", "maksimalt N", "høyst N", "ikke mer enn N"),
            "sv": ("upp till N", "högst N", "maximalt N", "inte mer än N"),
            "da": ("op til N", "højst N", "maksimalt N", "ikke mere end N"),
            "fi": ("enintään N", "korkeintaan N"),
            "hu": ("legfeljebb N", "maximum N", "maximálisan N"),
            "cs": ("nejvýše N", "maximálně N", "až N", "ne více než N"),
        },
        _at_most,
    ),
    Rule(
        "fewer_than",
        "fewer than N",
        "0 to N - 1",
        "fewer than 10",
        Interval(0, 9),
        {
            "*": ("< N",),
            "en": ("fewer than N", "less than N", "under N", "below N", "well under N"),
            "de": ("weniger als N", "unter N"),
            "es": ("menos de N", "menos que N"),
            "pt": ("menos de N", "menos do que N", "abaixo de N"),
            "nl": ("minder dan N", "onder de N"),
            "fr": ("moins de N",),
            "it": ("meno di N", "sotto i N", "sotto le N"),
            "ru": ("менее N", "менее чем N", "меньше N"),
            "no": ("mindre enn N", "færre enn N", "under N"),
            "sv": ("mindre än N", "färre än N", "under N"),
            "da": ("mindre end N", "færre end N", "under N"),
            "fi": ("alle N", "vähemmän kuin N"),
            "hu": ("kevesebb mint N", "kevesebb, mint N", "N alatt"),
            "cs": ("méně než N", "míň než N", "pod N"),
        },
        _fewer_than,
    ),
    Rule(
        "nearly",
        "nearly N",
        "95% of N (rounded up) to N - 1",
        "nearly 100",
        Interval(95, 99),
        {
            "en": (
                *("nearly N", "almost N", "just under N", "close to N", "approaching N"),
                *("not quite N", "just short of N", "just shy of N", "slightly under N"),
                *("slightly fewer than N", "slightly less than N", "just below N"),
                *("a little under N", "a little less than N", "slightly below N"),
            ),
            "de": ("fast N", "beinahe N", "nahezu N", "knapp N", "annähernd N"),
            "es": ("casi N",),
            "pt": ("quase N", "perto de N"),
            "nl": ("bijna N", "net geen N", "krap N"),
            "fr": ("près de N", "presque N", "quasiment N"),
            "it": ("quasi N", "poco meno di N"),
            "ru": ("почти N", "чуть менее N", "чуть меньше N"),
            "no": ("nesten N", "nærmere N", "knapt N"),
            "sv": ("nästan N", "närmare N", "knappt N"),
            "da": ("næsten N", "knap N", "tæt på N"),
            "fi": ("lähes N", "melkein N"),
            "hu": ("csaknem N", "majdnem N", "közel N"),
            "cs": ("téměř N", "skoro N", "bezmála N"),
        },
        _nearly,
    ),
    Rule(
        "just_over",
        "just over N",
        "N + 1 to 105% of N (rounded down), N + 1 at least",
        "just over 200",
        Interval(201, 210),
        {
            "en": (
                *("just over N", "a little over N", "slightly more than N", "slightly over N"),
                *("a little more than N", "just above N", "just more than N", "little over N"),
            ),
            "de": ("gut N", "etwas mehr als N", "etwas über N", "knapp über N"),
            "es": ("poco más de N", "algo más de N", "un poco más de N"),
            "pt": ("pouco mais de N", "um pouco mais de N"),
            "nl": ("iets meer dan N", "net boven de N", "net iets meer dan N"),
            "fr": ("un peu plus de N", "à peine plus de N"),
            "it": ("poco più di N", "appena più di N"),
            "ru": ("чуть более N", "чуть больше N", "немного более N"),
            "no": ("litt over N", "litt mer enn N", "like over N"),
            "sv": ("drygt N", "strax över N", "lite över N"),
            "da": ("lidt over N", "lidt mere end N", "godt N"),
            "fi": ("hieman yli N", "vähän yli N", "runsaat N"),
            "hu": ("valamivel több mint N", "kicsit több mint N"),
            "cs": ("něco přes N", "o něco více než N", "těsně přes N"),
        },
        _just_over,
    ),
    Rule(
        "about",
        "about N",
        "N give or take half the unit that it is stated in: 1, 10, 100 ... by its zeros "
        "(5, 50, 500 ... if its digits before them end in 5, as 15 does, a dozen for dozens), "
        "at least 1",
        "about 450",
        Interval(425, 475),
        {
            "*": ("~ N", "≈ N"),
            "en": (
                *("about N", "around N", "approximately N", "roughly N", "some N", "circa N"),
                *("ca N", "c N", "approx N", "an estimated N", "estimated N", "N or so"),
                *("estimated at N", "in the region of N", "in the order of N"),
            ),
            "de": (
                *("rund N", "etwa N", "ungefähr N", "circa N", "zirka N", "ca N", "um die N"),
                *("schätzungsweise N", "geschätzt N", "in etwa N", "an die N"),
            ),
            "es": (
                *("unos N", "unas N", "alrededor de N", "aproximadamente N", "cerca de N"),
                *("en torno a N", "N aproximadamente", "se estima N"),
            ),
            "pt": (
                *("cerca de N", "aproximadamente N", "em torno de N", "por volta de N"),
                *("uns N", "umas N", "estimados N"),
            ),
            "nl": (
                *("ongeveer N", "circa N", "ca N", "zo'n N", "rond de N", "rond N"),
                *("naar schatting N", "omstreeks N", "een N of zo"),
            ),
            "fr": (
                "environ N",
                "à peu près N",
                "autour de N",
                "quelque N",
                "N environ",
                "approximativement N",
            ),
            "it": (
                "circa N",
                "intorno a N",
                "attorno a N",
                "all'incirca N",
                "approssimativamente N",
                "N circa",
            ),
            "ru": ("около N", "примерно N", "приблизительно N", "порядка N"),
            "no": (
                *("omtrent N", "rundt N", "cirka N", "ca N", "omkring N", "anslagsvis N"),
                *("om lag N", "omlag N"),
            ),
            "sv": ("omkring N", "cirka N", "ca N", "ungefär N", "runt N", "uppskattningsvis N"),
            "da": ("omkring N", "cirka N", "ca N", "omtrent N", "rundt regnet N", "anslået N"),
            "fi": ("noin N", "suunnilleen N", "arviolta N"),
            "hu": ("körülbelül N", "mintegy N", "kb N", "nagyjából N", "hozzávetőleg N"),
            "cs": ("asi N", "přibližně N", "zhruba N", "kolem N", "okolo N", "cca N"),
        },
        _about,
    ),
    Rule(
        "range",
        "N to N, between N and N, N-N",
        "the first number to the second, both included",
        "1,001-5,000",
        Interval(1001, 5000),
        {
            "*": ("N - N",),
            "en": (
                *("N to N", "from N to N", "between N and N", "between N - N", "between N to N"),
                *("from N - N", "N through N", "from N through N"),
            ),
            "de": ("N bis N", "von N bis N", "zwischen N und N", "zwischen N - N"),
            "es": ("N a N", "de N a N", "entre N y N", "entre N - N"),
            "pt": ("N a N", "de N a N", "entre N e N", "entre N - N"),
            "nl": (
                *("N tot N", "van N tot N", "tussen N en N", "tussen de N en N"),
                *("tussen de N en de N", "N tot en met N", "N à N"),
            ),
            "fr": ("N à N", "de N à N", "entre N et N"),
            "it": (
                *("da N a N", "tra N e N", "fra N e N", "tra le N e le N", "fra le N e le N"),
                *("tra i N e i N", "fra i N e i N"),
            ),
            "ru": ("от N до N", "между N и N", "N до N"),
            "no": ("N til N", "fra N til N", "mellom N og N"),
            "sv": ("N till N", "från N till N", "mellan N och N"),
            "da": ("N til N", "fra N til N", "mellem N og N"),
            "fi": ("N ja N välillä", "välillä N ja N"),
            "hu": ("N és N között", "N és N közötti"),
            "cs": ("N až N", "od N do N", "mezi N a N"),
        },
        _range,
    ),
    Rule(
        "dozens",
        "dozens",
        "24 or more",
        "dozens of arrests",
        Interval(24, None),
        {
            "en": ("dozens", "several dozen", "a few dozen"),
            "de": ("dutzende", "mehrere dutzend"),
            "es": ("docenas", "varias docenas"),
            "pt": ("dúzias",),
            "nl": ("dozijnen", "enkele dozijnen"),
            "fr": ("douzaines", "des douzaines", "plusieurs douzaines"),
            "it": ("dozzine",),
            "sv": ("dussintals",),
            "no": ("dusinvis",),
            "da": ("dusinvis",),
        },
        _no_less(24),
    ),
    Rule(
        "tens",
        "tens (the dozens of other languages)",
        "20 or more",
        "tens of searches",
        Interval(20, None),
        {
            "en": ("tens",),
            "es": ("decenas", "varias decenas"),
            "pt": ("dezenas", "várias dezenas"),
            "nl": ("tientallen",),
            "fr": ("dizaines", "des dizaines", "plusieurs dizaines"),
            "it": ("decine", "diverse decine"),
            "ru": ("десятки", "несколько десятков"),
            "no": ("titalls", "flere titalls"),
            "sv": ("tiotals", "flera tiotal"),
            "fi": ("kymmeniä",),
            "cs": ("desítky",),
        },
        _no_less(20),
    ),
    Rule(
        "scores",
        "scores",
        "40 or more",
        "scores of searches",
        Interval(40, None),
        {"en": ("scores",)},
        _no_less(40),
    ),
    Rule(
        "hundreds",
        "hundreds",
        "200 or more",
        "hundreds of times",
        Interval(200, None),
        {
            "en": ("hundreds", "several hundred", "a few hundred", "many hundreds"),
            "de": ("hunderte", "mehrere hundert", "einige hundert"),
            "es": ("cientos", "centenares", "varios cientos"),
            "pt": ("centenas", "várias centenas"),
            "nl": ("honderden", "enkele honderden", "enkele honderd", "een paar honderd"),
            "fr": ("centaines", "des centaines", "plusieurs centaines"),
            "it": ("centinaia", "diverse centinaia"),
            "ru": ("сотни", "несколько сотен"),
            "no": ("hundrevis", "flere hundre"),
            "sv": ("hundratals", "flera hundra"),
            "da": ("hundredvis", "flere hundrede"),
            "fi": ("satoja",),
            "hu": ("több száz",),
            "cs": ("stovky", "několik set"),
        },
        _no_less(200),
    ),
    Rule(
        "thousands",
        "thousands",
        "2,000 or more",
        "thousands of searches",
        Interval(2000, None),
        {
            "en": ("thousands", "several thousand", "a few thousand", "many thousands"),
            "de": ("tausende", "mehrere tausend", "einige tausend"),
            "es": ("miles", "millares", "varios miles"),
            "pt": ("milhares", "vários milhares"),
            "nl": ("duizenden", "enkele duizenden", "enkele duizend", "een paar duizend"),
            "fr": ("milliers", "des milliers", "plusieurs milliers"),
            "it": ("migliaia", "diverse migliaia"),
            "ru": ("тысячи", "несколько тысяч"),
            "no": ("tusenvis", "flere tusen"),
            "sv": ("tusentals", "flera tusen"),
            "da": ("tusindvis", "flere tusinde"),
            "fi": ("tuhansia",),
            "hu": ("több ezer",),
            "cs": ("tisíce", "několik tisíc"),
        },
        _no_less(2000),
    ),
    Rule(
        "tens_of_thousands",
        "tens of thousands",
        "20,000 or more",
        "tens of thousands of searches",
        Interval(20_000, None),
        {
            "en": ("tens of thousands",),
            "de": ("zehntausende",),
            "es": ("decenas de miles",),
            "pt": ("dezenas de milhares",),
            "nl": ("tienduizenden",),
            "fr": ("dizaines de milliers", "des dizaines de milliers"),
            "it": ("decine di migliaia",),
            "ru": ("десятки тысяч",),
            "no": ("titusenvis", "titusener"),
            "sv": ("tiotusentals",),
            "da": ("titusindvis",),
            "fi": ("kymmeniä tuhansia",),
            "hu": ("több tízezer",),
            "cs": ("desítky tisíc",),
        },
        _no_less(20_000),
    ),
    Rule(
        "hundreds_of_thousands",
        "hundreds of thousands",
        "200,000 or more",
        "hundreds of thousands of searches",
        Interval(200_000, None),
        {
            "en": ("hundreds of thousands",),
            "de": ("hunderttausende",),
            "es": ("cientos de miles",),
            "pt": ("centenas de milhares",),
            "nl": ("honderdduizenden",),
            "fr": ("centaines de milliers", "des centaines de milliers"),
            "it": ("centinaia di migliaia",),
            "ru": ("сотни тысяч",),
            "no": ("hundretusenvis", "hundretusener"),
            "sv": ("hundratusentals",),
            "da": ("hundredtusindvis",),
            "fi": ("satoja tuhansia",),
            "hu": ("több százezer",),
            "cs": ("stovky tisíc",),
        },
        _no_less(200_000),
    ),
    Rule(
        "millions",
        "millions",
        "2,000,000 or more",
        "millions of photos",
        Interval(2_000_000, None),
        {
            "en": ("millions", "several million", "a few million"),
            "de": ("millionen", "mehrere millionen"),
            "es": ("millones", "varios millones"),
            "pt": ("milhões", "vários milhões"),
            "nl": ("miljoenen", "enkele miljoenen", "enkele miljoen"),
            "fr": ("des millions", "plusieurs millions"),
            "it": ("milioni", "diversi milioni"),
            "ru": ("миллионы", "несколько миллионов"),
            "no": ("millioner", "flere millioner"),
            "sv": ("miljontals", "flera miljoner"),
            "da": ("millioner", "flere millioner"),
            "fi": ("miljoonia",),
            "hu": ("több millió",),
            "cs": ("miliony", "několik milionů"),
        },
        _no_less(2_000_000),
    ),
    Rule(
        "several",
        "several, a few, multiple",
        "2 or more",
        "several times",
        Interval(2, None),
        {
            "en": ("several", "a few", "multiple", "a handful"),
            "de": ("mehrere", "einige", "mehrmals", "mehrfach", "ein paar"),
            "es": ("varios", "varias", "algunos", "algunas"),
            "pt": ("vários", "várias", "alguns", "algumas"),
            "nl": ("meerdere", "enkele", "verschillende", "een paar", "meermaals"),
            "fr": ("plusieurs", "quelques"),
            "it": ("diversi", "diverse", "alcuni", "alcune", "più volte"),
            "ru": ("несколько", "неоднократно"),
            "no": ("flere", "noen få"),
            "sv": ("flera", "några"),
            "da": ("flere", "adskillige", "nogle få"),
            "fi": ("useita", "useampia", "muutama", "muutamia"),
            "hu": ("több", "néhány", "többször"),
            "cs": ("několik", "několikrát"),
        },
        _no_less(2),
    ),
    Rule(
        "none",
        "none, no searches, never",
        "0",
        "no requests",
        Interval(0, 0),
        {
            "en": ("none", "no", "never", "nil", "not any", "not one", "not once", "none at all"),
            "de": (
                "keine",
                "kein",
                "keinen",
                "keiner",
                "keinerlei",
                "nie",
                "niemals",
                "nicht einmal",
            ),
            "es": ("ninguno", "ninguna", "ningún", "nunca", "ninguna vez"),
            "pt": ("nenhum", "nenhuma", "nunca", "nenhuma vez"),
            "nl": ("geen", "geen enkele", "nooit"),
            "fr": ("aucun", "aucune", "jamais"),
            "it": ("nessuno", "nessuna", "nessun", "mai"),
            "ru": ("ни одного", "ни одной", "ни разу", "никогда"),
            "no": ("ingen", "aldri"),
            "sv": ("inga", "ingen", "aldrig"),
            "da": ("ingen", "aldrig"),
            "fi": ("ei yhtään", "ei yhtäkään", "ei koskaan"),
            "hu": ("egy sem", "egyetlen sem", "soha"),
            "cs": ("žádný", "žádná", "žádné", "žádných", "nikdy"),
        },
        _none,
    ),
)


@dataclass(frozen=True)
class Digits:
    """How a language writes digits: its thousands separators and its decimal sign."""

    thousands: tuple[str, ...]
    decimal: str


# English alone has no space as a separator: "5 000" in an English text may be two numbers.
DIGITS: Mapping[str, Digits] = {
    "en": Digits((",",), "."),
    "de": Digits((".", " ", "'"), ","),
    "es": Digits((".", " "), ","),
    "pt": Digits((".", " "), ","),
    "nl": Digits((".", " "), ","),
    "fr": Digits((" ", "'"), ","),
    "it": Digits((".", " ", "'"), ","),
    "ru": Digits((" ",), ","),
    "no": Digits((" ", "."), ","),
    "sv": Digits((" ",), ","),
    "da": Digits((".", " "), ","),
    "fi": Digits((" ",), ","),
    "hu": Digits((" ", "."), ","),
    "cs": Digits((" ",), ","),
}

# Mexico and Central America write 1,165,195 and 44.7 millones. That is read in Spanish where it
# can mean nothing else: two groups or more, or a point not followed by three digits.
ENGLISH_DIGITS_TOO = frozenset({"es"})


@dataclass(frozen=True)
class NumberWords:
    """How a language spells numbers.

    small: words for numbers below 1,000 by value; forms of one value separated by spaces, a "_"
    standing for the space inside a form. hundred, scales: the multipliers; alone: multipliers that
    may stand without a number before them. joiners: "and". compound: numbers are written as one
    word ("zweihundert"). dozen, half, once: "dozen", "half a ...", and words that stand by
    themselves, by value.
    """

    small: Mapping[int, str]
    hundred: str
    scales: Mapping[int, str]
    alone: str
    joiners: str = ""
    compound: bool = False
    dozen: str = ""
    half_dozen: str = ""
    half: str = ""
    once: Mapping[int, str] | None = None


def _count(text: str, start: int = 0, step: int = 1) -> dict[int, str]:
    """Words in order of value, "/" between forms of one value."""
    return {start + step * i: word.replace("/", " ") for i, word in enumerate(text.split())}


def _join(units: Mapping[int, str], tens: Mapping[int, str], form: str) -> dict[int, str]:
    """21 to 99 written as one word: form holds {u} for the unit and {t} for the tens."""
    return {
        t + u: " ".join(form.format(u=a, t=b) for a in units[u].split() for b in tens[t].split())
        for t in tens
        if t >= 20
        for u in units
        if 1 <= u <= 9
    }


_DE = _count(
    "null eins/ein/eine/einen/einem/einer zwei drei vier fünf sechs sieben acht neun zehn elf "
    "zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn"
)
_DE_TENS = _count("zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig", 20, 10)
_NL = _count(
    "nul een/één twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien "
    "vijftien zestien zeventien achttien negentien"
)
_NL_TENS = _count("twintig dertig veertig vijftig zestig zeventig tachtig negentig", 20, 10)
_DA = _count(
    "nul en/et/én/ét to tre fire fem seks syv otte ni ti elleve tolv tretten fjorten femten "
    "seksten sytten atten nitten"
)
_DA_TENS = _count("tyve tredive fyrre halvtreds tres halvfjerds firs halvfems", 20, 10)
_NO = _count(
    "null en/ett/én/ei to tre fire fem seks sju/syv åtte ni ti elleve tolv tretten fjorten femten "
    "seksten sytten atten nitten"
)
_NO_TENS = _count("tjue/tyve tretti/tredve førti femti seksti sytti åtti nitti", 20, 10)
_SV = _count(
    "noll en/ett två tre fyra fem sex sju åtta nio tio elva tolv tretton fjorton femton sexton "
    "sjutton arton nitton"
)
_SV_TENS = _count("tjugo trettio fyrtio femtio sextio sjuttio åttio nittio", 20, 10)
_FI = _count(
    "nolla yksi/yhden kaksi/kahden kolme/kolmen neljä/neljän viisi/viiden kuusi/kuuden "
    "seitsemän kahdeksan yhdeksän kymmenen"
)
_FI_TEENS = {10 + n: f"{_FI[n].split()[0]}toista" for n in range(1, 10)}
_FI_TENS = {10 * n: f"{_FI[n].split()[0]}kymmentä" for n in range(2, 10)}
_HU = _count("nulla/zéró egy kettő/két három négy öt hat hét nyolc kilenc tíz")
_HU_TENS = _count("húsz harminc negyven ötven hatvan hetven nyolcvan kilencven", 20, 10)
_IT = _count(
    "zero uno/un/una due tre quattro cinque sei sette otto nove dieci undici dodici tredici "
    "quattordici quindici sedici diciassette diciotto diciannove"
)
_IT_TENS = _count("venti trenta quaranta cinquanta sessanta settanta ottanta novanta", 20, 10)
_ES = _count(
    "cero uno/un/una dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce "
    "quince dieciséis diecisiete dieciocho diecinueve veinte veintiuno/veintiún/veintiuna "
    "veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete veintiocho veintinueve"
)
_PT = _count(
    "zero um/uma dois/duas três quatro cinco seis sete oito nove dez onze doze treze "
    "catorze/quatorze quinze dezesseis/dezasseis dezessete/dezassete dezoito dezenove/dezanove"
)
_FR = _count(
    "zéro un/une deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze "
    "seize dix_sept dix_huit dix_neuf"
)
_RU = _count(
    "ноль/нуль один/одна/одно/одного/одной два/две/двух три/трех четыре/четырех пять/пяти "
    "шесть/шести семь/семи восемь/восьми девять/девяти десять/десяти одиннадцать/одиннадцати "
    "двенадцать/двенадцати тринадцать/тринадцати четырнадцать/четырнадцати "
    "пятнадцать/пятнадцати шестнадцать/шестнадцати семнадцать/семнадцати "
    "восемнадцать/восемнадцати девятнадцать/девятнадцати"
)
_CS = _count(
    "nula jeden/jedna/jedno/jednoho/jedné dva/dvě/dvou tři/tří čtyři/čtyř pět/pěti šest/šesti "
    "sedm/sedmi osm/osmi devět/devíti deset/deseti jedenáct dvanáct třináct čtrnáct patnáct "
    "šestnáct sedmnáct osmnáct devatenáct"
)

NUMBER_WORDS: Mapping[str, NumberWords] = {
    "en": NumberWords(
        _count(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
            "fifteen sixteen seventeen eighteen nineteen"
        )
        | _count("twenty thirty forty fifty sixty seventy eighty ninety", 20, 10),
        "hundred",
        {
            10**3: "thousand k",
            10**6: "million m mn mio",
            10**9: "billion bn",
        },
        "hundred thousand million billion",
        joiners="and",
        dozen="dozen",
        half_dozen="half_a_dozen half_dozen a_half_dozen",
        half="half_a",
        once={1: "once a_single single", 2: "twice a_couple couple a_couple_of", 3: "thrice"},
    ),
    "de": NumberWords(
        _DE | _DE_TENS | _join(_DE | {1: "ein"}, _DE_TENS, "{u}und{t}"),
        "hundert",
        {
            10**3: "tausend tsd",
            10**6: "million millionen mio",
            10**9: "milliarde milliarden mrd",
        },
        "hundert tausend",
        compound=True,
        dozen="dutzend",
        half_dozen="ein_halbes_dutzend halbes_dutzend",
        half="eine_halbe halbe",
        once={
            n: " ".join(f"{w}mal" for w in words.split())
            for n, words in ({1: "ein"} | {n: w for n, w in _DE.items() if n > 1}).items()
            if n
        },
    ),
    "nl": NumberWords(
        _NL
        | _NL_TENS
        | _join(_NL | {1: "een"}, _NL_TENS, "{u}en{t}")
        | _join({2: "twee", 3: "drie"}, _NL_TENS, "{u}ën{t}"),
        "honderd",
        {10**3: "duizend", 10**6: "miljoen mln", 10**9: "miljard mld"},
        "honderd duizend",
        joiners="en",
        compound=True,
        dozen="dozijn",
        half_dozen="een_half_dozijn half_dozijn",
        half="een_half half",
        once={1: "eenmaal", 2: "tweemaal", 3: "driemaal"},
    ),
    "da": NumberWords(
        _DA | _DA_TENS | _join(_DA, _DA_TENS, "{u}og{t}"),
        "hundrede hundred",
        {10**3: "tusind tusinde", 10**6: "million millioner mio", 10**9: "milliard milliarder mia"},
        "hundrede hundred tusind tusinde",
        joiners="og",
        compound=True,
        dozen="dusin",
    ),
    "no": NumberWords(
        _NO | _NO_TENS | _join(_NO, _NO_TENS, "{t}{u}") | _join(_NO, {30: "tredve"}, "{u}og{t}"),
        "hundre",
        {10**3: "tusen", 10**6: "million millioner mill", 10**9: "milliard milliarder mrd"},
        "hundre tusen",
        joiners="og",
        compound=True,
        dozen="dusin",
    ),
    "sv": NumberWords(
        _SV | _SV_TENS | _join(_SV, _SV_TENS, "{t}{u}"),
        "hundra",
        {10**3: "tusen", 10**6: "miljon miljoner mn", 10**9: "miljard miljarder md"},
        "hundra tusen",
        joiners="och",
        compound=True,
        dozen="dussin",
    ),
    "fi": NumberWords(
        _FI | _FI_TEENS | _FI_TENS | _join(_FI, _FI_TENS, "{t}{u}"),
        "sata sataa sadan",
        {
            10**3: "tuhat tuhatta tuhannen",
            10**6: "miljoona miljoonaa milj",
            10**9: "miljardi miljardia mrd",
        },
        "sata sadan tuhat tuhannen",
        compound=True,
        dozen="tusina",
        once={1: "kerran", 2: "kahdesti", 3: "kolmesti"},
    ),
    "hu": NumberWords(
        _HU
        | _HU_TENS
        | _join(_HU, {10: "tizen"}, "{t}{u}")
        | {10 + n: " ".join(f"tizen{w}" for w in _HU[n].split()) for n in range(1, 10)}
        | {20 + n: " ".join(f"huszon{w}" for w in _HU[n].split()) for n in range(1, 10)}
        | _join(_HU, {t: w for t, w in _HU_TENS.items() if t > 20}, "{t}{u}"),
        "száz",
        {10**3: "ezer", 10**6: "millió", 10**9: "milliárd"},
        "száz ezer",
        compound=True,
        dozen="tucat",
        once={1: "egyszer", 2: "kétszer", 3: "háromszor"},
    ),
    "it": NumberWords(
        _IT
        | _IT_TENS
        | _join({n: _IT[n] for n in (2, 4, 5, 6, 7, 9)}, _IT_TENS, "{t}{u}")
        | {t + 1: f"{w[:-1]}uno {w[:-1]}un" for t, w in _IT_TENS.items()}
        | {t + 3: f"{w}tre {w}tré" for t, w in _IT_TENS.items()}
        | {t + 8: f"{w[:-1]}otto" for t, w in _IT_TENS.items()},
        "cento",
        {10**3: "mila mille", 10**6: "milione milioni mln", 10**9: "miliardo miliardi mld"},
        "cento mille",
        compound=True,
        dozen="dozzina",
        half_dozen="mezza_dozzina",
        half="mezzo",
    ),
    "es": NumberWords(
        _ES
        | _count("treinta cuarenta cincuenta sesenta setenta ochenta noventa", 30, 10)
        | _count(
            "cien/ciento doscientos/doscientas trescientos/trescientas cuatrocientos/cuatrocientas "
            "quinientos/quinientas seiscientos/seiscientas setecientos/setecientas "
            "ochocientos/ochocientas novecientos/novecientas",
            100,
            100,
        ),
        "",
        {10**3: "mil", 10**6: "millón millones", 10**9: "mil_millones"},
        "mil",
        joiners="y",
        dozen="docena docenas",
        half_dozen="media_docena",
        half="medio",
    ),
    "pt": NumberWords(
        _PT
        | _count("vinte trinta quarenta cinquenta sessenta setenta oitenta noventa", 20, 10)
        | _count(
            "cem/cento duzentos/duzentas trezentos/trezentas quatrocentos/quatrocentas "
            "quinhentos/quinhentas seiscentos/seiscentas setecentos/setecentas "
            "oitocentos/oitocentas novecentos/novecentas",
            100,
            100,
        ),
        "",
        {10**3: "mil", 10**6: "milhão milhões mi", 10**9: "bilhão bilhões mil_milhões"},
        "mil",
        joiners="e",
        dozen="dúzia dúzias",
        half_dozen="meia_dúzia",
        half="meio",
    ),
    "fr": NumberWords(
        _FR
        | _count("vingt trente quarante cinquante soixante", 20, 10)
        | {60 + n: f"soixante_{_FR[n]}" for n in range(10, 20)}
        | {71: "soixante_et_onze soixante_onze"}
        | {70: "soixante_dix septante", 80: "quatre_vingts quatre_vingt huitante octante"}
        | {80 + n: " ".join(f"quatre_vingt_{w}" for w in _FR[n].split()) for n in range(1, 20)}
        | {90: "quatre_vingt_dix nonante"},
        "cent cents",
        {10**3: "mille", 10**6: "million millions", 10**9: "milliard milliards"},
        "cent mille",
        joiners="et",
        dozen="douzaine",
        half_dozen="demi_douzaine une_demi_douzaine",
        half="un_demi demi",
    ),
    "ru": NumberWords(
        _RU
        | _count(
            "двадцать/двадцати тридцать/тридцати сорок/сорока пятьдесят/пятидесяти "
            "шестьдесят/шестидесяти семьдесят/семидесяти восемьдесят/восьмидесяти девяносто",
            20,
            10,
        )
        | _count(
            "сто/ста двести/двухсот триста/трехсот четыреста/четырехсот пятьсот/пятисот "
            "шестьсот/шестисот семьсот/семисот восемьсот/восьмисот девятьсот/девятисот",
            100,
            100,
        ),
        "",
        {
            10**3: "тысяча тысячи тысяч тысячу тыс",
            10**6: "миллион миллиона миллионов млн",
            10**9: "миллиард миллиарда миллиардов млрд",
        },
        "тысяча тысячу тысячи миллион миллиона",
        dozen="дюжина дюжины",
        half_dozen="полдюжины",
        once={1: "однажды", 2: "дважды", 3: "трижды"},
    ),
    "cs": NumberWords(
        _CS
        | _count(
            "dvacet/dvaceti třicet/třiceti čtyřicet/čtyřiceti padesát/padesáti šedesát/šedesáti "
            "sedmdesát/sedmdesáti osmdesát/osmdesáti devadesát/devadesáti",
            20,
            10,
        ),
        "sto stě sta set",
        {
            10**3: "tisíc tisíce tis",
            10**6: "milion miliony milionů milionu mil mio",
            10**9: "miliarda miliardy miliard mld",
        },
        "sto sta tisíc milion",
        joiners="a",
        dozen="tucet",
        once={1: "jednou", 2: "dvakrát", 3: "třikrát"},
    ),
}

# What may follow a number without changing it: count nouns, and the words that belong to them.
COUNT_WORDS: Mapping[str, str] = {
    "en": "time times search searches query queries request requests inquiry inquiries enquiry "
    "enquiries case cases match matches hit hits arrest arrests arrested alert alerts alarm alarms "
    "deployment deployments use uses occasion occasions instance instances lookup lookups scan "
    "scans image images photo photos photograph photographs face faces person persons people "
    "individual individuals man men woman women suspect suspects lead leads identification "
    "identifications positive positives negative negatives investigation investigations session "
    "sessions comparison comparisons submission submissions operation operations offender "
    "offenders trial trials event events user users account accounts run conducted performed made "
    "of these those them such the facial face recognition total criminal possible potential "
    "candidate candidates true false correct incorrect erroneous actual unofficial active",
    "de": "mal male suche suchen suchläufe suchlauf suchabfragen suchabfrage abfrage abfragen "
    "anfrage anfragen recherche recherchen treffer fall fälle fällen personen person "
    "identifizierungen identifizierung festnahmen festnahme straftat straftaten einsatz einsätze "
    "gesichter bilder lichtbilder fotos ermittlungsverfahren verfahren alarme abgleiche abgleich "
    "verfahrensrelevante verfahrensrelevanten",
    "es": "vez veces consulta consultas búsqueda búsquedas caso casos solicitud solicitudes "
    "persona personas alerta alertas detención detenciones captura capturas coincidencia "
    "coincidencias investigación investigaciones prófugo prófugos ciudadano ciudadanos rostro "
    "rostros detenido detenidos identificación identificaciones foto fotos imagen imágenes de "
    "desaparecidas desaparecidos",
    "pt": "vez vezes consulta consultas busca buscas pesquisa pesquisas caso casos pedido pedidos "
    "pessoa pessoas alerta alertas prisão prisões detenção detenções detido detidos foragido "
    "foragidos capturado capturados evento eventos erro erros jogo jogos homem homens mulher "
    "mulheres identificação identificações rosto rostos ingresso ingressos foto fotos imagem "
    "imagens captura capturas de",
    "nl": "keer maal zoekopdracht zoekopdrachten zoekvraag zoekvragen zoekacties zoekactie "
    "bevraging bevragingen verzoek verzoeken aanvraag aanvragen zaak zaken hit hits match matches "
    "treffer treffers foto foto's personen persoon aanhoudingen aanhouding gezichten afbeeldingen "
    "onderzoeken vergelijkingen",
    "fr": "fois recherche recherches requête requêtes consultation consultations demande demandes "
    "cas personne personnes alerte alertes arrestation arrestations interpellation "
    "interpellations correspondance correspondances identification identifications visage visages "
    "photo photos image images enquêtes enquête de d'alertes d'arrestations d'images "
    "d'identifications d'interpellations d'enquêtes",
    "it": "volta volte ricerca ricerche interrogazione interrogazioni richiesta richieste caso "
    "casi persona persone arresto arresti allarme allarmi riscontro riscontri identificazione "
    "identificazioni volto volti foto immagini immagine accessi di",
    "ru": "раз раза запрос запроса запросов поиск поиска поисков случай случая случаев человек "
    "человека людей лицо лица лиц задержание задержания задержаний задержанных преступлений "
    "преступления совпадение совпадения совпадений подозреваемых розыске преступников",
    "no": "gang ganger søk sak saker treff forespørsel forespørsler person personer pågripelse "
    "pågripelser bilde bilder ansikter",
    "sv": "gång gånger sökning sökningar slagning slagningar ärende ärenden träff träffar "
    "förfrågan förfrågningar person personer gripanden gripande bild bilder ansikten fall",
    "da": "gang gange søgning søgninger sag sager træffer match forespørgsel forespørgsler person "
    "personer anholdelse anholdelser billede billeder ansigter",
    "fi": "kerta kertaa haku hakua hakuja haun kysely kyselyä tapaus tapausta tapauksessa osuma "
    "osumaa henkilö henkilöä pyyntö pyyntöä kuva kuvaa",
    "hu": "eset esetben esete alkalommal keresés keresést lekérdezés lekérdezést kérelem kérés "
    "találat találatot személy személyt fő kép képet",
    "cs": "krát případ případy případů případech žádost žádosti žádostí dotaz dotazy dotazů "
    "vyhledávání hledání shoda shody shod osoba osoby osob zadržení fotografie fotografií",
}


def _each(before: str, units: str) -> tuple[str, ...]:
    return tuple(f"{a} {b}" for a in before.split("/") for b in units.split("/"))


# A rate is not a count: the ledger has a column of its own for "a month" and the like.
RATE_WORDS: Mapping[str, tuple[str, ...]] = {
    "en": (
        *_each("a/an/per/each/every", "hour/day/week/month/quarter/year"),
        *("daily", "weekly", "monthly", "quarterly", "yearly", "annually", "annual", "per annum"),
    ),
    "de": (
        *_each("pro/je/jeden/jede/jedes/im/am/in der", "stunde/tag/woche/monat/quartal/jahr"),
        *("täglich", "wöchentlich", "monatlich", "jährlich"),
    ),
    "es": (
        *_each("al/por/cada/a la", "hora/día/semana/mes/año"),
        *("diarios", "diarias", "mensuales", "semanales", "anuales"),
    ),
    "pt": (
        *_each("ao/por/a cada/cada/à", "hora/dia/semana/mês/ano"),
        *("diários", "diárias", "mensais", "semanais", "anuais"),
    ),
    "nl": (
        *_each("per/elke/elk/iedere/ieder", "uur/dag/week/maand/kwartaal/jaar"),
        *("dagelijks", "wekelijks", "maandelijks", "jaarlijks"),
    ),
    "fr": (
        *_each("par/chaque", "heure/jour/semaine/mois/trimestre/an/année"),
        *("quotidiennes", "hebdomadaires", "mensuelles", "annuelles"),
    ),
    "it": (
        *_each("al/alla/per/ogni/a", "ora/giorno/settimana/mese/anno"),
        *("all'anno", "giornaliere", "settimanali", "mensili", "annuali"),
    ),
    "ru": (
        *_each("в", "час/день/сутки/неделю/месяц/год"),
        *("ежедневно", "еженедельно", "ежемесячно", "ежегодно"),
    ),
    "no": (
        *_each("per/i/hver/hvert/om", "dag/dagen/uke/uka/uken/måned/måneden/år/året"),
        *("daglig", "ukentlig", "månedlig", "årlig"),
    ),
    "sv": (
        *_each("per/i/varje/om", "dag/dagen/vecka/veckan/månad/månaden/år/året"),
        *("dagligen", "årligen"),
    ),
    "da": (
        *_each("per/om/hver/hvert/i", "dag/dagen/uge/ugen/måned/måneden/år/året"),
        *("dagligt", "ugentligt", "månedligt", "årligt"),
    ),
    "fi": (
        *("päivässä", "viikossa", "kuukaudessa", "vuodessa"),
        *("päivittäin", "viikoittain", "kuukausittain", "vuosittain"),
    ),
    "hu": ("naponta", "hetente", "havonta", "évente"),
    "cs": (
        *_each("za", "den/týden/měsíc/rok"),
        *("denně", "týdně", "měsíčně", "ročně"),
    ),
}

READABLE = "readable are a number (1,234), more than N, at least N, up to N, about N, N-N and so on"

_N = "N"
_QUOTES = "\"'`«»“”„‟‘’‚‛‹›"
_INVISIBLE = "\ufeff\u200e\u200f\u061c"
_TOKEN = re.compile(r"\d+(?:[.,']\d+)*|[^\W\d_]+(?:'[^\W\d_]+)*|\S")
_ABBREVIATION = re.compile(r"(?<=[^\W\d_])\.")
_PERCENT = frozenset({"%", "‰", "percent", "percentage", "prozent", "procent", "pct"})

Tokens = tuple[str, ...]


def read(wording: str, language: str = "en") -> Interval:
    """The interval that a wording states, in the language of its source.

    language is an ISO 639-1 code; one without rules of its own is read as English. English hedges
    ("more than", "about") are read in every language. Raises UnreadableWording, whose text says
    what stood in the way.
    """
    return _read(wording, language)[1]


def rule_for(wording: str, language: str = "en") -> str:
    """The id of the rule that reads a wording; raises UnreadableWording as read does."""
    return _read(wording, language)[0].id


def _read(wording: str, language: str) -> tuple[Rule, Interval]:
    try:
        return _apply_rules(_tokens(wording), _language(language))
    except UnreadableWording as reason:
        shown = wording if len(wording) <= LONGEST else wording[:LONGEST] + "…"
        raise UnreadableWording(f"cannot read {shown!r}: {reason}; {READABLE}") from None


def _language(code: str) -> str:
    base = re.split(r"[-_]", code.strip().lower())[0]
    base = "no" if base in ("nb", "nn") else base
    return base if base in DIGITS else "en"


def _plain(text: str) -> str:
    """One spelling for what Unicode and typography write in several ways."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    # Russian prints ё as е at will.
    text = text.replace("ё", "е")
    return "".join(map(_plain_character, text))


def _plain_character(c: str) -> str:
    category = unicodedata.category(c)
    if category == "Pd" or c == "−":
        return "-"
    if category == "Nd":
        return str(unicodedata.decimal(c))
    return "'" if c in "’‘ʼ′" else c


def _tokens(wording: str) -> Tokens:
    if len(wording) > LONGEST:
        raise UnreadableWording(f"it is longer than {LONGEST} characters; keep the quantity words")
    for c in wording:
        if _melts(c):
            raise UnreadableWording(f"the character {c!r} is neither a letter nor a plain digit")
    text = _plain(wording).strip(_QUOTES + _INVISIBLE + " \t\r\n")
    tokens = tuple(_TOKEN.findall(_ABBREVIATION.sub(" ", text)))
    if not tokens:
        raise UnreadableWording("it is empty")
    return tokens


def _melts(c: str) -> bool:
    """Whether a footnote mark, a fraction or a sign like № would turn into letters or digits."""
    category = unicodedata.category(c)
    return (
        category != "Nd"
        and category[0] != "L"
        and any(plain.isalnum() for plain in unicodedata.normalize("NFKC", c))
    )


@dataclass(frozen=True)
class _Form:
    """One form of a rule: the fixed words around its numbers; foreign if lent from English."""

    rule: Rule
    parts: tuple[Tokens, ...]
    foreign: bool

    @property
    def fixed(self) -> int:
        return sum(map(len, self.parts))


def _form_parts(form: str) -> tuple[Tokens, ...]:
    parts: list[list[str]] = [[]]
    for word in form.split():
        if word == _N:
            parts.append([])
        else:
            parts[-1].extend(_TOKEN.findall(_plain(word)))
    return tuple(map(tuple, parts))


@cache
def _forms(language: str) -> tuple[_Form, ...]:
    """A language's own forms first, then those of all languages, then the English ones.

    Forms without a number come first: Russian "тысячи" alone is "thousands", not a thousand.
    """
    forms: list[_Form] = []
    for spoken in dict.fromkeys((language, "*", "en")):
        lent = spoken == "en" and language != "en"
        own = [
            _Form(rule, _form_parts(form), lent)
            for rule in RULES
            for form in rule.words.get(spoken, ())
        ]
        forms.extend(sorted(own, key=lambda form: len(form.parts) > 1))
    return tuple(forms)


@cache
def _forms_by_head(language: str) -> dict[str, tuple[_Form, ...]]:
    """The forms that fit texts with a first token, in their order; "": any that no form names."""
    heads = {head for form in _forms(language) for head in form.parts[0][:1]}
    return {
        head: tuple(form for form in _forms(language) if form.parts[0][:1] in ((), (head,)))
        for head in {"", *heads}
    }


def _apply_rules(tokens: Tokens, language: str) -> tuple[Rule, Interval]:
    _refuse_what_is_no_count(tokens, language)
    # The most specific form that came close explains best why it failed.
    failed: tuple[int, str] = (-1, "its words form no quantity")
    forms = _forms_by_head(language)
    for text in dict.fromkeys((tokens, _without_count_words(tokens, language))):
        for form in forms.get(text[0] if text else "", forms[""]):
            found: set[Interval] = set()
            for spans in _fits(form.parts, text):
                try:
                    interval = form.rule.reading(*(_number(s, language, form) for s in spans))
                except UnreadableWording as reason:
                    if form.fixed > failed[0]:
                        failed = (form.fixed, str(reason))
                else:
                    found |= {interval} if interval else set()
            if len(found) > 1:
                raise UnreadableWording("its numbers can be told apart in more than one way")
            for interval in found:
                return form.rule, interval
    raise UnreadableWording(failed[1])


def _refuse_what_is_no_count(tokens: Tokens, language: str) -> None:
    if _PERCENT & set(tokens) or ("per", "cent") in pairwise(tokens):
        raise UnreadableWording("a percentage is not a count")
    if tokens[0] in ("-", "minus"):
        raise UnreadableWording("a count cannot be negative")
    said = set(tokens)
    for rate in _rates(language):
        if rate[0] in said and any(tokens[i : i + len(rate)] == rate for i in range(len(tokens))):
            raise UnreadableWording(
                f"{' '.join(rate)!r} makes it a rate; write that in the column `per` and "
                "keep the number here"
            )
    for token in tokens:
        if not token[0].isdigit() and not _known(token, language):
            raise UnreadableWording(f"{token!r} is not a known word of quantity or count noun")


@cache
def _rates(language: str) -> tuple[Tokens, ...]:
    phrases = (*RATE_WORDS[language], *RATE_WORDS["en"])
    return tuple(dict.fromkeys(tuple(_TOKEN.findall(_plain(p))) for p in phrases))


@cache
def _vocabulary(language: str) -> frozenset[str]:
    fixed = {token for form in _forms(language) for part in form.parts for token in part}
    spelled = {token for phrase in _spelled(language) for token in phrase}
    return frozenset(fixed | spelled | _count_words(language) | {"-"})


def _known(token: str, language: str) -> bool:
    return token in _vocabulary(language) or len(_pieces(token, language)) > 1


@cache
def _count_words(language: str) -> frozenset[str]:
    return frozenset(_plain(f"{COUNT_WORDS[language]} {COUNT_WORDS['en']}").split())


def _without_count_words(tokens: Tokens, language: str) -> Tokens:
    """The tokens before the count nouns at their end ("1.600-mal" has a hyphen before it)."""
    end = len(tokens)
    while end and tokens[end - 1] in _count_words(language):
        end -= 1
        if end and end > 1 and tokens[end - 1] == "-":
            end -= 1
    return tokens[:end]


def _fits(parts: tuple[Tokens, ...], text: Tokens) -> Iterator[tuple[Tokens, ...]]:
    """Every way in which a text is the fixed parts with something between them."""
    head, *rest = parts
    if text[: len(head)] != head:
        return
    text = text[len(head) :]
    if not rest:
        if not text:
            yield ()
        return
    if len(rest) == 1:
        end = len(text) - len(rest[0])
        if end > 0 and text[end:] == rest[0]:
            yield (text[:end],)
        return
    for at in range(1, len(text)):
        for spans in _fits(tuple(rest), text[at:]):
            yield (text[:at], *spans)


def _number(tokens: Tokens, language: str, form: _Form) -> Number:
    """The number that a span states, its count nouns left aside."""
    number = _spell(tokens, language)
    if form.foreign:
        # Under an English hedge the number may be English too ("once" is 11 in Spanish).
        try:
            english = _spell(tokens, "en")
        except UnreadableWording:
            return number
        if english != number:
            raise UnreadableWording(f"{' '.join(tokens)!r} means another number in English")
    return number


@cache
def _spelled(language: str) -> Mapping[Tokens, tuple[str, int]]:
    """Number words by their tokens: what kind of word, and its value."""
    words = NUMBER_WORDS[language]
    found: dict[Tokens, tuple[str, int]] = {}

    def add(kind: str, value: int, forms: str) -> None:
        for form in forms.split():
            found[tuple(_plain(form).split("_"))] = (kind, value)

    for value, forms in words.small.items():
        add("small", value, forms)
    for value, forms in words.scales.items():
        add("scale", value, forms)
    for value, forms in (words.once or {}).items():
        add("once", value, forms)
    add("hundred", 100, words.hundred)
    add("dozen", 12, words.dozen)
    add("half dozen", 6, words.half_dozen)
    add("half", 0, words.half)
    add("joiner", 0, words.joiners)
    if language == "en":
        add("article", 1, "a an")
    return found


@cache
def _alone_allowed(language: str) -> frozenset[str]:
    return frozenset(_plain(NUMBER_WORDS[language].alone).split())


def _pieces(word: str, language: str) -> Tokens:
    """A compound number word ("zeventienhonderd") cut into its number words, else the word."""
    if (word,) in _spelled(language) or not NUMBER_WORDS[language].compound:
        return (word,)
    known = {phrase[0] for phrase in _spelled(language) if len(phrase) == 1}
    # cut[i]: the longest-first pieces of the word's tail from i, None if it has none.
    cut: list[Tokens | None] = [None] * len(word) + [()]
    for i in reversed(range(len(word))):
        for j in reversed(range(i + 1, len(word) + 1)):
            tail = cut[j]
            if tail is not None and word[i:j] in known:
                cut[i] = (word[i:j], *tail)
                break
    return cut[0] or (word,)


@dataclass(frozen=True)
class _Item:
    """A word or run of digits within a number; places counts the digits after the decimal sign."""

    kind: str
    value: Fraction
    written: str
    places: int = 0


def _spell(tokens: Tokens, language: str) -> Number:
    """The number that tokens spell, in digits, words or both ("nueve millones 900 mil 282")."""
    counted = _without_count_words(tokens, language)
    items = list(_items(counted, language))
    if not items:
        raise UnreadableWording("there is no number")
    if len(items) == 1:
        kind, value = items[0].kind, int(items[0].value)
        if kind == "once" or (kind == "article" and counted != tokens):
            return Number(value)
        if kind == "half dozen":
            return Number(value, grain=value)
    number = _compose(items, language)
    if number.value > LARGEST:
        raise UnreadableWording(f"{' '.join(counted)!r} is more than a trillion")
    return number


def _items(tokens: Tokens, language: str) -> Iterator[_Item]:
    split: list[str] = []
    for i, token in enumerate(tokens):
        hyphen = token == "-" and 0 < i < len(tokens) - 1
        if not (hyphen and tokens[i - 1].isalpha() and tokens[i + 1].isalpha()):
            split.extend(_pieces(token, language))
    spelled, i = _spelled(language), 0
    while i < len(split):
        end = i
        while end < len(split) and split[end][0].isdigit():
            end += 1
        if end > i:
            yield _digits(" ".join(split[i:end]), language)
            i = end
            continue
        for length in range(min(4, len(split) - i), 0, -1):
            phrase = tuple(split[i : i + length])
            if phrase in spelled:
                kind, value = spelled[phrase]
                half = kind == "half"
                yield _Item(kind, Fraction(1, 2) if half else Fraction(value), phrase[0], int(half))
                i += length
                break
        else:
            raise UnreadableWording(f"{split[i]!r} is not part of a number there")


def _digits(written: str, language: str) -> _Item:
    """Digits with separators, as the language writes them."""
    digits = DIGITS[language]
    whole = _whole(written, digits.thousands)
    if whole is None and language in ENGLISH_DIGITS_TOO and written.count(",") > 1:
        whole = _whole(written, (",",))
    if whole is not None:
        return _Item("digits", Fraction(whole), written)
    signs = [digits.decimal]
    if language in ENGLISH_DIGITS_TOO and not re.search(r"\.[0-9]{3}$", written):
        signs.append(".")
    for sign in signs:
        before, _, after = written.rpartition(sign)
        whole = _whole(before, digits.thousands)
        if whole is not None and after.isdigit():
            value = whole + Fraction(int(after), 10 ** len(after))
            return _Item("digits", value, written, len(after))
    if " " in written and " " not in digits.thousands:
        raise UnreadableWording(f"{written!r} is two numbers, and they are not a range")
    raise UnreadableWording(f"{written!r} is not a number as written in the language {language!r}")


def _whole(written: str, separators: tuple[str, ...]) -> int | None:
    if re.fullmatch(r"0|[1-9][0-9]*", written):
        return int(written)
    for separator in separators:
        if re.fullmatch(rf"[1-9][0-9]{{0,2}}(?:{re.escape(separator)}[0-9]{{3}})+", written):
            return int(written.replace(separator, ""))
    return None


def _compose(items: list[_Item], language: str) -> Number:
    """Puts the parts of a number together, each smaller than the place the one before left free.

    "two million, nine hundred thousand, forty, five": after "million" there is room below
    1,000,000, after "hundred" below 100, after "forty" below 10, after "five" none.
    """
    said = " ".join(item.written for item in items)
    unclear = UnreadableWording(f"{said!r} is not one number")
    for at, item in enumerate(items):
        if item.places and [after.kind for after in items[at + 1 :]] != ["scale"]:
            raise UnreadableWording(f"{said!r} is not a whole number")
    total, room = Fraction(0), Fraction(LARGEST**2)
    part: Fraction | None = None
    free, places, before, joined = room, 0, "", False
    unit, scale, grain = Fraction(1), 1, None
    for item in items:
        times = Fraction(1) if part is None else part
        may_multiply = part is not None or (not before and item.written in _alone_allowed(language))
        if grain:
            raise unclear
        if item.kind == "joiner":
            if before in ("", "joiner") or free <= 1:
                raise unclear
            joined = part is not None
        elif item.kind in ("small", "digits"):
            if item.value >= free or (item.value == 0 and before):
                raise unclear
            part, places = (part or 0) + item.value, item.places
            free = _room_after(item)
            unit, scale = Fraction(1), 1
        elif item.kind in ("article", "half") and not before:
            part, places, free = item.value, item.places, Fraction(1)
        elif before == "joiner":
            raise unclear
        elif item.kind == "hundred" and may_multiply and not joined:
            if not 1 <= times <= 99 or times * 100 >= room:
                raise unclear
            part, free, unit, scale = times * 100, Fraction(100), Fraction(1), 1
        elif item.kind == "scale" and may_multiply and times * item.value < room:
            total, part, room, free = total + times * item.value, None, item.value, item.value
            unit, scale, joined = item.value / 10**places, int(item.value), False
            places = 0
        elif item.kind == "dozen" and not total and 1 <= times <= 99:
            part, grain = times * 12, 12
        else:
            raise unclear
        before = item.kind
    value = total + (part or 0)
    if before == "joiner" or (len(items) == 1 and before == "article"):
        raise unclear
    if value.denominator != 1:
        raise UnreadableWording(f"{said!r} is not a whole number")
    return Number(int(value), max(1, int(unit)), scale, grain)


def _room_after(item: _Item) -> Fraction:
    """The place that a part leaves free: 10 after "forty", 100 after "doscientos"."""
    value = item.value
    if item.kind == "small" and value >= 20:
        return Fraction(100 if value % 100 == 0 else 10 if value % 10 == 0 else 1)
    return Fraction(1)
