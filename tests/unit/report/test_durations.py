import pytest

from bodywork_compiler.report.output import in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.02, "0.1 s"),
        (0.44, "0.4 s"),
        (0.97, "1 s"),
        (41.3, "41 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (72, "1 min 12 s"),
        (3599.7, "1 h"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations_in_words(seconds, words):
    assert in_words(seconds) == words
