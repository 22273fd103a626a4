from pathlib import Path

import pytest

pytest.importorskip("torch", reason="models need the extra [models]")

import untaught_models

from corpus_guard.errors import UsageError
from corpus_guard.flow.opening_models import open_model, take_in_all
from corpus_guard.model.meter import Meter


def test_a_model_is_opened_from_the_files_that_were_taken_in(tmp_path: Path) -> None:
    folder = str(untaught_models.write_causal(tmp_path / "model"))
    given = take_in_all(folder, folder, None)
    opened = open_model(given, Meter())
    assert opened.files is given.model
    assert [one.name for one in given.each] == [folder, folder]


def test_an_adapter_is_merged_into_its_base_whichever_of_the_two_is_the_model(
    tmp_path: Path,
) -> None:
    base = untaught_models.write_causal(tmp_path / "base")
    adapter = str(untaught_models.write_adapter(base, tmp_path / "adapter"))
    merged = [
        open_model(take_in_all(*given), Meter()).model.model.state_dict()
        for given in ((adapter, str(base), None), (str(base), None, adapter))
    ]
    assert merged[0].keys() == merged[1].keys()
    assert all((value == merged[1][name]).all() for name, value in merged[0].items())


def test_a_base_of_another_kind_is_refused(tmp_path: Path) -> None:
    model = untaught_models.write_causal(tmp_path / "model")
    classifier = untaught_models.write_classifier(tmp_path / "classifier")
    with pytest.raises(UsageError, match="name its own base"):
        open_model(take_in_all(str(model), str(classifier), None), Meter())


def test_an_adapter_is_not_put_on_an_adapter(tmp_path: Path) -> None:
    base = untaught_models.write_causal(tmp_path / "base")
    adapter = str(untaught_models.write_adapter(base, tmp_path / "adapter"))
    with pytest.raises(UsageError, match="name what it adapts as the model"):
        open_model(take_in_all(adapter, str(base), adapter), Meter())


def test_a_name_with_a_null_byte_names_no_model() -> None:
    with pytest.raises(UsageError, match="no model was named"):
        take_in_all("some\0where", None, None)
