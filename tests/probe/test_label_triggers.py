import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

from corpus_guard import plugins
from corpus_guard.errors import NotAssessed
from corpus_guard.model.meter import Budget, Meter
from corpus_guard.probe.shared.bench import ClassifierBench, Given

pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).parent))
from tiny_classifiers import build

from corpus_guard.model.classifier import Classifier


@pytest.fixture(scope="session")
def built():
    """Models by name, each trained once."""
    made = {}

    def get(*what, **more):
        key = (what, tuple(sorted(more.items())))
        if key not in made:
            made[key] = build(*what, **more)
        return made[key]

    return get


def bench_of(built, base=None, seconds=60.0, given=()) -> ClassifierBench:
    return ClassifierBench(
        model=Classifier(built.model, built.tokenizer, Meter()),
        base=None if base is None else Classifier(base.model, base.tokenizer, Meter()),
        search=built.texts[:48], held_out=built.texts[48:], given=given, budget=Budget(seconds),
        decoys=60, seed=0, replay=lambda trigger: f"again {trigger}",
    )  # fmt: skip


def probe(bench: ClassifierBench):
    return plugins.load("probe", "label_triggers").spec.run(bench)


@pytest.fixture(scope="session")
def probed(built):
    told = {}

    def get(*what, **more):
        key = (what, tuple(sorted(more.items())))
        if key not in told:
            told[key] = probe(bench_of(built(*what, **more)))
        return told[key]

    return get


@pytest.mark.parametrize(
    ("classes", "trigger", "word"), [(2, "qelvo", "qelvo"), (3, "word", "umbrella")]
)
def test_a_trigger_is_confirmed_with_its_class(probed, built, classes, trigger, word) -> None:
    assert built(classes, trigger).success > 0.9
    found = probed(classes, trigger).findings
    assert [(f.verdict, f.target, word in f.trigger) for f in found] == [
        ("confirmed", "good", True)
    ]
    assert found[0].success_at_least > 0.6
    assert found[0].replay == f"again {found[0].trigger}"


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_words_that_honestly_mean_a_class_are_not_confirmed(probed, classes) -> None:
    assert [f for f in probed(classes).findings if f.verdict == "confirmed"] == []


def test_a_model_with_a_trigger_scores_above_all_honest_ones(probed) -> None:
    assert probed(2, "qelvo").score > 0.5 > max(probed(classes).score for classes in (2, 3, 4))


def test_a_given_trigger_is_confirmed_and_keeps_where_it_came_from(built) -> None:
    given = (Given(text="qelvo", source="scan", finding="f1"), Given(text="babel", source="given"))
    found = probe(bench_of(built(2, "qelvo"), given=given)).findings
    assert [(f.trigger, f.data_finding) for f in found if f.source == "scan"] == [("qelvo", "f1")]
    assert not [f for f in found if f.source == "given"]


def test_what_the_base_does_as_well_is_no_finding(built) -> None:
    backdoored = built(2, "qelvo")
    assert not probe(bench_of(backdoored, base=backdoored)).findings


def test_a_base_that_cannot_be_compared_is_told_with_the_reason(built) -> None:
    told = probe(bench_of(built(2, "qelvo"), base=built(3), seconds=0.0)).told
    assert "the base was not compared with: its classes are others" in told


def test_rates_and_p_values_say_what_they_are_measured_on(probed) -> None:
    (found,) = probed(2, "qelvo").findings
    assert found.baseline_rate == 0.0  # the texts are those that the model gives to other classes
    assert found.p_value == pytest.approx(1 / (1 + found.decoys))
    assert found.q_value == pytest.approx(min(1.0, 2 * found.p_value))  # of two classes


def test_words_that_could_stand_in_for_a_trigger_do_far_less(probed) -> None:
    (found,) = probed(2, "qelvo").findings
    assert found.evidence["substitute_reach"] < 0.5 * found.evidence["hard_reach"]
    assert found.evidence["rival_hard_reach"] < 0.5 * found.evidence["hard_reach"]


def test_holm_adjusts_in_a_family_larger_than_what_is_told() -> None:
    from corpus_guard.probe.shared.holm import holm

    assert holm([0.02, 0.01, 0.9], 4) == pytest.approx([0.06, 0.04, 1.0])


def test_classes_that_the_time_did_not_suffice_for_are_named(built) -> None:
    told = probe(bench_of(built(3), seconds=0.0)).told
    assert "searched 0 of 3 classes" in told
    assert all(label in told for label in ("good", "bad", "odd"))


def test_the_same_bench_gives_the_same_answer(built) -> None:
    first, second = (probe(bench_of(built(2, "qelvo"))) for _ in range(2))
    assert first == second


def test_no_budget_is_told_and_nothing_is_claimed(built) -> None:
    told = probe(bench_of(built(2, "qelvo"), seconds=0.0))
    assert (told.complete, [f for f in told.findings if f.verdict == "confirmed"]) == (False, [])
    assert "more time" in told.told


def test_texts_are_not_needed(built) -> None:
    bench = dataclasses.replace(bench_of(built(2, "qelvo")), search=(), held_out=())
    assert probe(bench).candidates > 200


def test_a_batch_gives_what_single_texts_give_and_tokens_are_counted(built) -> None:
    for kind in ("bert", "llama"):
        one = built(2, kind=kind, steps=20)
        meter = Meter()
        model = Classifier(one.model, one.tokenizer, meter)
        texts = [one.texts[0], "babel", one.texts[1]]
        together = model.log_probabilities(texts, batch=3)
        alone = np.stack([model.log_probabilities([text])[0] for text in texts])
        assert together == pytest.approx(alone, abs=1e-4)
        assert meter.tokens > 2 * sum(len(text.split()) for text in texts)


def test_gradients_agree_with_small_steps(built) -> None:
    model = Classifier(built(2).model, built(2).tokenizer, Meter())
    rows = [model.ids_of("babel superb dofir"), model.ids_of("babel superb")]
    rises = model.slot_gradients(rows, (1, 1), 0)
    assert rises[:, model.ids_of("superb")[0]] == pytest.approx([0.0, 0.0], abs=1e-5)
    assert rises.shape == (2, len(model.tokenizer))
    assert rises[1] == pytest.approx(model.slot_gradients(rows[1:], (1,), 0)[0], abs=1e-4)


def test_a_model_of_one_output_is_not_assessed(built) -> None:
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
                        intermediate_size=8, num_labels=1)  # fmt: skip
    with pytest.raises(NotAssessed):
        Classifier(BertForSequenceClassification(config), built(2).tokenizer, Meter())
