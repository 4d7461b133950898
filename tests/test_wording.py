"""The wording grammar: a table worked out by hand, the rules' own examples, and properties."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipelines.wording import (
    COUNT_WORDS,
    DIGITS,
    LARGEST,
    NUMBER_WORDS,
    RULES,
    Interval,
    UnreadableWording,
    read,
    rule_for,
)

# language, wording, rule, low, high
BY_HAND = [
    ("en", "152,565", "number", 152565, 152565),
    ("en", "152565", "number", 152565, 152565),
    ("en", "0", "number", 0, 0),
    ("fr", "375 747", "number", 375747, 375747),
    ("fr", "498\u202f871 fois", "number", 498871, 498871),
    ("fr", "1'234", "number", 1234, 1234),
    ("de", "1’234’567", "number", 1234567, 1234567),
    ("de", "90.000", "number", 90000, 90000),
    ("hu", "12.371", "number", 12371, 12371),
    ("hu", "26 258 eset", "number", 26258, 26258),
    ("fi", "1\u00a0234", "number", 1234, 1234),
    ("es", "9.392.372", "number", 9392372, 9392372),
    ("es", "1,165,195 consultas", "number", 1165195, 1165195),
    ("ur", "2", "number", 2, 2),
    ("ur", "١٢٣", "number", 123, 123),
    ("de", "484 Mal", "number", 484, 484),
    ("en", "1,408 true alerts", "number", 1408, 1408),
    ("en", "“613 times”", "number", 613, 613),
    # spelled
    ("en", "an arrest", "number", 1, 1),
    ("en", "One man", "number", 1, 1),
    ("en", "seventy-five arrests", "number", 75, 75),
    ("en", "forty‑six", "number", 46, 46),
    ("en", "twelve hundred and five", "number", 1205, 1205),
    ("en", "nine hundred ninety-nine thousand nine hundred ninety-nine", "number", 999999, 999999),
    ("en", "once", "number", 1, 1),
    ("en", "Twice", "number", 2, 2),
    ("en", "thrice", "number", 3, 3),
    ("en", "a couple", "number", 2, 2),
    ("en", "a dozen", "number", 12, 12),
    ("en", "half a dozen", "number", 6, 6),
    ("en", "two dozen", "number", 24, 24),
    ("en", "zero incorrect alerts", "number", 0, 0),
    ("de", "einundzwanzig", "number", 21, 21),
    ("de", "dreihundertfünf Treffer", "number", 305, 305),
    ("de", "ein Treffer", "number", 1, 1),
    ("nl", "elfhonderd", "number", 1100, 1100),
    ("nl", "tweeëntwintig keer", "number", 22, 22),
    ("pt", "cento e cinquenta e um detidos", "number", 151, 151),
    ("pt", "oito homens", "number", 8, 8),
    ("es", "treinta y cinco casos", "number", 35, 35),
    ("es", "nueve millones 900 mil 282", "number", 9900282, 9900282),
    ("es", "once", "number", 11, 11),
    ("fr", "quatre-vingt-dix-neuf fois", "number", 99, 99),
    ("fr", "soixante et onze", "number", 71, 71),
    ("it", "ventotto", "number", 28, 28),
    ("it", "duecento ricerche", "number", 200, 200),
    ("ru", "двадцать один", "number", 21, 21),
    ("ru", "двести сорок три запроса", "number", 243, 243),
    ("da", "femoghalvfjerds", "number", 75, 75),
    ("no", "tjuefem søk", "number", 25, 25),
    ("sv", "tvåhundrafemtio", "number", 250, 250),
    ("fi", "kaksikymmentäviisi", "number", 25, 25),
    ("hu", "huszonöt eset", "number", 25, 25),
    ("cs", "dvacet pět", "number", 25, 25),
    # multiplied
    ("en", "13.3 million", "rounded", 13_250_000, 13_349_999),
    ("en", "223 million", "rounded", 222_500_000, 223_499_999),
    ("en", "5m", "rounded", 4_500_000, 5_499_999),
    ("en", "1.0 million", "rounded", 950_000, 1_049_999),
    ("en", "1.234567 million", "number", 1_234_567, 1_234_567),
    ("en", "a thousand", "rounded", 500, 1499),
    ("en", "half a million", "rounded", 450_000, 549_999),
    ("it", "79 mila", "rounded", 78500, 79499),
    ("de", "1,5 Mio. Abfragen", "rounded", 1_450_000, 1_549_999),
    ("es", "cien mil millones", "rounded", 99_500_000_000, 100_499_999_999),
    ("en", "exactly 5 thousand", "exactly", 5000, 5000),
    ("en", "only 14 requests", "only", 14, 14),
    ("en", "only a half-dozen requests", "only", 6, 6),
    ("en", "just one", "only", 1, 1),
    ("en", "a total of 1,791 searches", "only", 1791, 1791),
    # lower bounds
    ("en", "more than 500", "more_than", 501, None),
    ("en", "more than 2.5 million", "more_than", 2_500_001, None),
    ("en", "in excess of 1000", "more_than", 1001, None),
    ("en", "more than a dozen images", "more_than", 13, None),
    ("en", "over a thousand", "more_than", 1001, None),
    ("nl", "ruim duizend", "more_than", 1001, None),
    ("it", "più di 130 ricerche", "more_than", 131, None),
    ("es", "más de 44.7 millones", "more_than", 44_700_001, None),
    ("pt", "mais de 1,3 milhão", "more_than", 1_300_001, None),
    ("fi", "yli 1 600 hakua", "more_than", 1601, None),
    ("ru", "более 15 тыс.", "more_than", 15001, None),
    ("ru", "более 3 тысяч", "more_than", 3001, None),
    ("hu", "több mint 100 esetben", "more_than", 101, None),
    ("cs", "více než 149 žádostí", "more_than", 150, None),
    ("no", "mer enn 100", "more_than", 101, None),
    ("de", "more than 1.500", "more_than", 1501, None),
    ("en", "22,000+ cases", "at_least", 22000, None),
    ("en", "51 or more searches", "at_least", 51, None),
    ("en", "no fewer than 10", "at_least", 10, None),
    ("es", "al menos 400 investigaciones", "at_least", 400, None),
    # upper bounds
    ("en", "up to 5,000 searches", "at_most", 0, 5000),
    ("en", "as many as 20", "at_most", 0, 20),
    ("en", "no more than 7", "at_most", 0, 7),
    ("en", "fewer than 10", "fewer_than", 0, 9),
    ("fr", "moins de 10", "fewer_than", 0, 9),
    # hedges
    ("en", "nearly 5m", "nearly", 4_750_000, 4_999_999),
    ("en", "just under 1,300", "nearly", 1235, 1299),
    ("en", "nearly 550", "nearly", 523, 549),
    ("en", "nearly 20", "nearly", 19, 19),
    ("en", "nearly 10", "nearly", 9, 9),
    ("nl", "bijna zeventienhonderd", "nearly", 1615, 1699),
    ("es", "casi 10 millones", "nearly", 9_500_000, 9_999_999),
    ("en", "just over 200", "just_over", 201, 210),
    ("en", "just over 10", "just_over", 11, 11),
    ("en", "about 450", "about", 425, 475),
    ("en", "about 50", "about", 45, 55),
    ("en", "about 500 times", "about", 450, 550),
    ("en", "about 5 thousand", "about", 4500, 5500),
    ("en", "about 150", "about", 125, 175),
    ("en", "about 15", "about", 13, 17),
    ("en", "about 60,000", "about", 55000, 65000),
    ("en", "about 100", "about", 50, 150),
    ("en", "about 12", "about", 11, 13),
    ("en", "about 15", "about", 13, 17),
    ("en", "about 1", "about", 0, 2),
    ("en", "approximately 1.3 million", "about", 1_250_000, 1_350_000),
    ("en", "about four million", "about", 3_500_000, 4_500_000),
    ("en", "around eighty times", "about", 75, 85),
    ("en", "about a dozen", "about", 6, 18),
    ("en", "about half a dozen", "about", 3, 9),
    ("en", "thousand or so", "about", 500, 1500),
    ("de", "Rund 1.600-mal", "about", 1550, 1650),
    ("de", "rund ein Dutzend Mal", "about", 6, 18),
    ("nl", "zo’n elfhonderd", "about", 1050, 1150),
    ("fr", "environ 117 000 fois", "about", 116500, 117500),
    ("fi", "noin 120", "about", 115, 125),
    ("no", "anslagsvis 30 søk", "about", 25, 35),
    ("nb", "anslagsvis 30 søk", "about", 25, 35),
    ("es", "unos dos mil prófugos", "about", 1500, 2500),
    # ranges
    ("en", "1,001-5,000 searches", "range", 1001, 5000),
    ("en", "51–100", "range", 51, 100),
    ("en", "between 101 and 500", "range", 101, 500),
    ("en", "between 1,001-5,000 searches", "range", 1001, 5000),
    ("en", "from 5 to 10", "range", 5, 10),
    ("en", "one to five", "range", 1, 5),
    ("en", "11 to 50", "range", 11, 50),
    ("en", "2 million to 3 million", "range", 2_000_000, 3_000_000),
    ("en", "between 500 and 1 million", "range", 500, 1_000_000),
    ("en", "between one hundred and five and two hundred", "range", 105, 200),
    ("fr", "entre 101 et 500 requêtes", "range", 101, 500),
    ("de", "zwischen elf und 50 Suchabfragen", "range", 11, 50),
    ("nl", "tussen de 51 en 100 keer", "range", 51, 100),
    ("it", "tra le 101 e le 500", "range", 101, 500),
    ("da", "11-50 gange", "range", 11, 50),
    ("es", "entre treinta y cinco y cuarenta", "range", 35, 40),
    # words alone
    ("en", "dozens of arrests", "dozens", 24, None),
    ("en", "scores", "scores", 40, None),
    ("en", "hundreds of times", "hundreds", 200, None),
    ("en", "thousands of searches", "thousands", 2000, None),
    ("en", "tens of thousands of searches", "tens_of_thousands", 20_000, None),
    ("en", "hundreds of thousands", "hundreds_of_thousands", 200_000, None),
    ("en", "millions", "millions", 2_000_000, None),
    ("ru", "тысячи", "thousands", 2000, None),
    ("es", "millones", "millions", 2_000_000, None),
    ("en", "several times", "several", 2, None),
    ("en", "several hundred", "hundreds", 200, None),
    ("en", "None", "none", 0, 0),
    ("en", "no false alerts", "none", 0, 0),
    ("en", "never", "none", 0, 0),
    ("de", "keine Treffer", "none", 0, 0),
]

UNREADABLE = [
    ("en", "", "empty"),
    ("en", " “” ", "empty"),
    ("en", "1,5", "not a number as written"),
    ("en", "1.234", "not a whole number"),
    ("en", "12,34,567", "not a number as written"),
    ("en", "1 234", "two numbers"),
    ("en", "0,123", "not a number as written"),
    ("en", "007", "not a number as written"),
    ("en", "500 300", "two numbers"),
    ("en", "five six", "not one number"),
    ("en", "twenty eleven", "not one number"),
    ("es", "1,165", "not a whole number"),
    ("de", "5.000,5", "not a whole number"),
    ("en", "463 (76%)", "percentage"),
    ("en", "5 percent", "percentage"),
    ("en", "−5", "negative"),
    ("en", "2.5 searches", "not a whole number"),
    ("en", "½", "neither a letter nor a plain digit"),
    ("en", "500²", "neither a letter nor a plain digit"),
    ("en", "№", "neither a letter nor a plain digit"),
    ("en", "1/2", "not a known word"),
    ("en", "5th", "not a known word"),
    ("en", "12e3", "not a known word"),
    ("en", "more than 1.2345 thousand", "not a whole number"),
    ("en", "1,000,000,000,001", "more than a trillion"),
    ("en", "5000 billion", "more than a trillion"),
    ("en", "9" * 101, "longer than 100"),
    ("en", "10-5", "down to 5"),
    ("en", "2 to 3 million", "multiplied too"),
    ("en", "fewer than 0", "fewer than 0"),
    ("en", "nearly 0", "nearly 0"),
    ("en", "about 450 times per year", "`per`"),
    ("en", "hundreds of times a month", "`per`"),
    ("de", "12 Mal pro Tag", "`per`"),
    ("nl", "bijna duizend foto's per jaar", "`per`"),
    ("en", "only about 30", "not part of a number"),
    ("en", "times", "no number"),
    ("en", "a", "not one number"),
    ("en", "more than four times as many", "not part of a number"),
    ("en", "no Virginia police departments", "'virginia' is not a known word"),
    ("de", "23.043 mehr als im Vorjahr", "not a known word"),
    ("es", "more than once", "another number in English"),
    ("de", "ten", "'ten' is not a known word"),
]


@pytest.mark.parametrize(("language", "wording", "rule", "low", "high"), BY_HAND)
def test_readings_worked_out_by_hand(
    language: str, wording: str, rule: str, low: int, high: int | None
) -> None:
    assert read(wording, language) == Interval(low, high)
    assert rule_for(wording, language) == rule


@pytest.mark.parametrize(("language", "wording", "reason"), UNREADABLE)
def test_what_is_not_read_says_why(language: str, wording: str, reason: str) -> None:
    with pytest.raises(UnreadableWording) as caught:
        read(wording, language)
    assert reason in str(caught.value)
    assert "readable are" in str(caught.value)
    with pytest.raises(UnreadableWording):
        rule_for(wording, language)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_reads_its_example_as_it_says(rule) -> None:
    assert read(rule.example) == rule.example_reads
    assert rule_for(rule.example) == rule.id
    assert rule.form
    assert rule.meaning
    for language, forms in rule.words.items():
        assert language == "*" or language in DIGITS
        assert isinstance(forms, tuple)


def test_rule_ids_are_unique_and_every_language_is_whole() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert set(DIGITS) == set(NUMBER_WORDS) == set(COUNT_WORDS)


ONE_NUMBER = [
    (rule, language, form)
    for rule in RULES
    for language, forms in rule.words.items()
    for form in forms
    if form.split().count("N") == 1 and rule.id not in ("number", "rounded")
]


@pytest.mark.parametrize(
    ("rule", "language", "form"), ONE_NUMBER, ids=lambda x: x if isinstance(x, str) else x.id
)
def test_every_form_of_every_language_is_read(rule, language: str, form: str) -> None:
    spoken = "en" if language == "*" else language
    wording = form.replace("N", "320")
    assert rule_for(wording, spoken) == rule.id


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_forms_without_a_number_and_ranges_are_read_in_every_language(rule) -> None:
    for language, forms in rule.words.items():
        for form in forms:
            spoken = "en" if language == "*" else language
            if "N" not in form.split():
                assert rule_for(form, spoken) == rule.id
                assert rule_for(form.upper(), spoken) == rule.id
            elif form.split().count("N") == 2:
                wording = form.replace("N", "101", 1).replace("N", "500", 1)
                assert read(wording, spoken) == Interval(101, 500)


def test_no_count_noun_is_a_number_word() -> None:
    for language, words in NUMBER_WORDS.items():
        spelled = " ".join([*words.small.values(), *words.scales.values(), words.hundred]).split()
        nouns = f"{COUNT_WORDS[language]} {COUNT_WORDS['en']}".split()
        assert not set(spelled) & set(nouns), language


@pytest.mark.parametrize("language", sorted(NUMBER_WORDS))
def test_every_small_number_word_reads_as_its_value(language: str) -> None:
    for value, forms in NUMBER_WORDS[language].small.items():
        for form in forms.split():
            assert read(form.replace("_", " "), language) == Interval(value, value)
            assert read(form.replace("_", "-").title(), language) == Interval(value, value)


UNITS = {n: word for n, word in NUMBER_WORDS["en"].small.items() if n < 20}
TENS = {n: word for n, word in NUMBER_WORDS["en"].small.items() if n >= 20}


def spell(n: int) -> str:
    if n < 20:
        return UNITS[n]
    if n < 100:
        return TENS[n // 10 * 10] + (f"-{UNITS[n % 10]}" if n % 10 else "")
    if n < 1000:
        return f"{UNITS[n // 100]} hundred" + (f" and {spell(n % 100)}" if n % 100 else "")
    return f"{spell(n // 1000)} thousand" + (f" {spell(n % 1000)}" if n % 1000 else "")


@given(st.integers(1, 999_999))
def test_spelled_english_numbers(n: int) -> None:
    assume(n % 1000)
    assert read(spell(n)) == Interval(n, n)


def group(n: int, separator: str) -> str:
    return f"{n:,}".replace(",", separator)


languages = st.sampled_from(sorted(DIGITS))
counts = st.integers(0, LARGEST)


@given(counts, languages, st.data())
def test_digits_with_any_separator_of_the_language_read_back_exactly(n, language, data) -> None:
    separator = data.draw(st.sampled_from(["", *DIGITS[language].thousands]))
    written = group(n, separator)
    if separator == " ":
        written = group(n, data.draw(st.sampled_from([" ", "\u00a0", "\u202f", "\u2009"])))
    if separator == "'":
        written = group(n, data.draw(st.sampled_from(["'", "’"])))
    assert read(written, language) == Interval(n, n)


@given(st.integers(1, LARGEST))
def test_hedged_intervals_contain_or_exclude_the_number_as_their_rule_says(n: int) -> None:
    assert read(f"more than {n:,}") == Interval(n + 1, None)
    assert read(f"at least {n:,}") == read(f"{n}+") == Interval(n, None)
    assert read(f"up to {n:,}") == Interval(0, n)
    assert read(f"fewer than {n:,}") == Interval(0, n - 1)
    below = read(f"nearly {n:,}")
    assert below.high == n - 1
    assert 0 <= below.low <= n - 1
    assert below.low == n - 1 or 100 * (below.low - 1) < 95 * n <= 100 * below.low
    above = read(f"just over {n:,}")
    assert above.high is not None
    assert above.low == n + 1 <= above.high
    assert above.high == n + 1 or 100 * above.high <= 105 * n < 100 * (above.high + 1)
    around = read(f"about {n:,}")
    assert around.high is not None
    assert 0 <= around.low < n < around.high
    assert around.low == 0 or n - around.low == around.high - n


@given(st.integers(1, 9999), st.integers(0, 3), st.sampled_from(["thousand", "million", "bn"]))
def test_a_multiplied_number_is_every_count_that_rounds_to_it(n, places, word) -> None:
    written = f"{n / 10**places:.{places}f}"
    scale = {"thousand": 10**3, "million": 10**6, "bn": 10**9}[word]
    assume(int(written.replace(".", "")) == n)
    unit, value = scale // 10**places, n * scale // 10**places
    assume(value <= LARGEST)
    if unit == 1:
        assert read(f"{written} {word}") == Interval(value, value)
    else:
        assert read(f"{written} {word}") == Interval(value - unit // 2, value + unit // 2 - 1)
    assert read(f"more than {written} {word}") == Interval(value + 1, None)


@given(counts, counts, languages, st.sampled_from("-‐‑‒–—―−－"))
def test_ranges_with_any_dash(a: int, b: int, language: str, dash: str) -> None:
    low, high = sorted((a, b))
    assert read(f"{low}{dash}{high}", language) == Interval(low, high)
    assert read(f"{low} {dash} {high}", language) == Interval(low, high)
    if low < high:
        with pytest.raises(UnreadableWording):
            read(f"{high}{dash}{low}", language)


spaces = st.text("  \t\u00a0\u202f\u2009", min_size=1, max_size=3)


@given(st.sampled_from(BY_HAND), spaces, st.sampled_from("-‑–—−"), st.data())
def test_case_space_dash_and_quotes_make_no_difference(row, space, dash, data) -> None:
    language, wording, rule, low, high = row
    change = data.draw(st.sampled_from([str.upper, str.lower, str.title, str.swapcase]))
    for old in "-‑–":
        wording = wording.replace(old, dash)
    written = f"“{space}{space.join(change(wording).split(' '))}{space}”"
    assume(len(written) <= 100)
    assert read(written, language) == Interval(low, high)
    assert rule_for(written, language) == rule


words = sorted(
    {word for rule in RULES for forms in rule.words.values() for f in forms for word in f.split()}
    | {word for nouns in COUNT_WORDS.values() for word in nouns.split()}
    | {w for n in NUMBER_WORDS.values() for f in n.small.values() for w in f.split()}
    | {
        "thousand",
        "million",
        "mil",
        "k",
        "-",
        "and",
        "a",
        "dozen",
        "half",
        "1,5",
        "1.234",
        "7",
        "0",
    }
)


@given(
    st.text(max_size=110) | st.lists(st.sampled_from(words), max_size=9).map(" ".join), languages
)
def test_any_text_is_read_or_refused(text: str, language: str) -> None:
    try:
        interval = read(text, language)
    except UnreadableWording:
        return
    assert interval.low >= 0
    assert interval.high is None or interval.low <= interval.high
    assert rule_for(text, language) in {rule.id for rule in RULES}


@pytest.mark.parametrize(
    "text",
    [
        "hundert" * 14,
        "een" * 33,
        "- " * 50,
        "1 " * 50,
        "entre y " * 12,
        "between " + "and " * 23,
        "and 1 " * 16,
        "y 1 " * 25,
    ],
)
def test_repetitive_text_is_refused_without_delay(text: str) -> None:
    for language in DIGITS:
        with pytest.raises(UnreadableWording):
            read(text, language)
