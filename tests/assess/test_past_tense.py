"""The steps of a restoration are told in the past tense; unknown ones are quoted."""

from napari_dip.assess.methods_text import CITATIONS
from napari_dip.assess.past_tense import in_the_past


def test_steps_of_extensions_are_quoted():
    assert in_the_past("Straighten the worms.") == 'A further step was: "Straighten the worms."'


def test_sharpening_cites_its_authors():
    told = in_the_past(
        "Sharpen that estimate (Richardson-Lucy, accelerated) and filter it by the noisy image in "
        "turn, until sharpening adds more noise than detail."
    )
    cited = ("Richardson, 1972", "Lucy, 1974", "Biggs and Andrews, 1997")
    assert all(words in told and words in CITATIONS for words in cited)
