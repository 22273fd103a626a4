"""The responses as free text: there only where records have some that are no labels."""

from corpus_guard.errors import NotPresent
from corpus_guard.plugins import derived
from corpus_guard.sketch.answers import Answers
from corpus_guard.sketch.rows.corpus import Corpus


@derived(needs=("answers",))
def responses(corpus: Corpus) -> Answers:
    """Return how many there are."""
    answers = corpus.evidence("answers", Answers)
    if not answers.answered:
        raise NotPresent("no row has a response")
    if answers.are_labels:
        raise NotPresent("the responses are labels; the rules for labels apply")
    return answers
