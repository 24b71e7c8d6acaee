"""`hardattn check` of models that are none of the zoo: folders of Hugging Face, and factories."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from commands import output_of, sentence_of
from factory_files import write_models
from hugging_face_folders import WORDS, bert_folder, gpt2_folder, save_tokenizer, vit_folder
from PIL import Image
from reports_alike import assert_alike

from hardattn_viewer.checks.file import read_checks
from hardattn_viewer.checks.report import Report
from hardattn_viewer.checks.sanity import FAIL, NOT_APPLICABLE, PASS, Sanity
from hardattn_viewer.checks.words import methods
from hardattn_viewer.cli import main
from hardattn_viewer.cli.checking.answers import query_of
from hardattn_viewer.faithfulness.explainers.by_name import USUAL_OF_TOKENS
from recorders import Recorder

LINES = ("the cat sat", "on a mat and looked at the dog", "a cat looked at the cat")
FEW = ("--controls", "4", "--explainers", "attention mean,leave-one-out")
IDS = {word: 5 + at for at, word in enumerate(WORDS)}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of tiny models with random weights, each with a run that was recorded of it."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("models")
    # Weights that are larger than usual, so that what is removed moves the output.
    bert_folder(folder / "bert", initializer_range=0.5)
    bert_folder(folder / "encoder", head=False, initializer_range=0.5)
    gpt2_folder(folder / "gpt2")
    vit_folder(folder / "vit")
    (folder / "lines.txt").write_text("\n".join(LINES) + "\n", encoding="utf-8")
    (folder / "pictures").mkdir()
    rng = np.random.default_rng(0)
    for number in range(2):
        pixels = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "pictures" / f"{number}.png")
    for name in ("bert", "encoder", "gpt2", "vit"):
        inputs = ("--images", "pictures") if name == "vit" else ("--text", "lines.txt")
        told = (inputs[0], str(folder / inputs[1]))
        run = str(folder / f"{name}.h5")
        assert main(["record", str(folder / name), *told, "--threads", "1", "-o", run]) == 0
    return folder


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.chdir(tmp_path)


def checked(models: Path, name: str, *words: str, model: str | None = None) -> Report:
    run, told = str(models / f"{name}.h5"), model or str(models / name)
    assert main(["check", run, "--model", told, *(words or FEW), "-o", "x.npz"]) == 0
    return read_checks(Path("x.npz"))


def same(report: Report) -> Sanity:
    (found,) = [one for one in report.sanity if one.name.startswith("The model is the one")]
    return found


def ids_of(line: str, *, framed: bool = True) -> torch.Tensor:
    words = [IDS[word] for word in line.split()]
    return torch.tensor([[2, *words, 3] if framed else words])


def without(ids: torch.Tensor, place: int) -> torch.Tensor:
    return torch.cat([ids[:, :place], ids[:, place + 1 :]], 1)


def test_a_classifier_is_read_at_its_class_and_its_items_are_tokens(models: Path) -> None:
    report = checked(models, "bert")
    model = transformers.BertForSequenceClassification.from_pretrained(models / "bert").eval()
    for measured in report.measured:
        for example, line in enumerate(LINES):
            ids = ids_of(line)
            with torch.no_grad():
                p = model(ids).logits.softmax(-1)[0]
            target = int(p.argmax())
            assert measured.targets[example] == target
            assert measured.whole[example] == pytest.approx(float(p[target]), abs=1e-5)
            falls = []
            for place in range(1, ids.shape[1] - 1):
                seen = torch.ones_like(ids)
                seen[0, place] = 0
                with torch.no_grad():
                    found = (
                        model(without(ids, place))
                        if measured.operator == "delete"
                        else model(ids, attention_mask=seen)
                    )
                falls.append(float(p[target] - found.logits.softmax(-1)[0, target]))
            np.testing.assert_allclose(measured.alone[example], falls, atol=1e-5)
    assert [one.operator for one in report.measured] == ["delete", "attention-mask"]
    assert report.facts["query"] == 0 and report.facts["model"] == "bert"
    assert same(report).outcome == PASS and "of classes" in same(report).name


def test_attention_that_is_checked_is_that_of_the_run(models: Path) -> None:
    report = checked(models, "bert", "--controls", "4", "--explainers", "attention L1H0,random")
    model = transformers.BertForSequenceClassification.from_pretrained(
        models / "bert", attn_implementation="eager"
    ).eval()
    for example, line in enumerate(LINES):
        with torch.no_grad():
            found = model(ids_of(line), output_attentions=True).attentions[1][0, 0, 0, 1:-1]
        scores = report.measured[0].scores["attention L1H0"][example]
        np.testing.assert_allclose(scores, found.numpy(), atol=1e-5)


def test_a_language_model_is_read_at_the_token_that_it_says_next(models: Path) -> None:
    report = checked(models, "gpt2")
    assert report.facts["query"] == "last" and report.facts["reading"] == "log-probability"
    assert "log-probability of the token that it says next" in methods(report)
    model = transformers.GPT2LMHeadModel.from_pretrained(models / "gpt2").eval()
    (deleted,) = [one for one in report.measured if one.operator == "delete"]
    for example, line in enumerate(LINES):
        ids = ids_of(line, framed=False)
        with torch.no_grad():
            log = model(ids).logits[0, -1].log_softmax(-1)
            token = int(log.argmax())
            falls = [
                float(log[token] - model(without(ids, at)).logits[0, -1].log_softmax(-1)[token])
                for at in range(ids.shape[1] - 1)
            ]
        assert deleted.whole[example] == pytest.approx(float(log[token]), abs=1e-5)
        np.testing.assert_allclose(deleted.alone[example], falls, atol=1e-5)
    assert same(report).outcome == PASS


@pytest.mark.parametrize("reading", ["probability", "logit"])
def test_other_readings_of_a_next_token_are_those_of_its_vocabulary(
    models: Path, reading: str
) -> None:
    words = ("--controls", "2", "--explainers", "random", "--reading", reading)
    report = checked(models, "gpt2", *words)
    model = transformers.GPT2LMHeadModel.from_pretrained(models / "gpt2").eval()
    with torch.no_grad():
        logits = model(ids_of(LINES[1], framed=False)).logits[0, -1].double()
    expected = logits.max() if reading == "logit" else logits.softmax(-1).max()
    assert report.measured[0].whole[1] == pytest.approx(float(expected), abs=1e-5)


def test_an_encoder_is_read_by_how_near_what_is_left_is_to_the_whole(models: Path) -> None:
    report = checked(models, "encoder")
    model = transformers.BertModel.from_pretrained(models / "encoder").eval()
    assert report.facts["reading"] == "value" and report.facts["query"] == "mean"
    with torch.no_grad():
        ids = ids_of(LINES[0])
        whole = model(ids).last_hidden_state[0].mean(0)
        falls = [
            1 - float(torch.cosine_similarity(whole, found, 0))
            for found in (
                model(without(ids, at)).last_hidden_state[0].mean(0)
                for at in range(1, ids.shape[1] - 1)
            )
        ]
    np.testing.assert_allclose(report.measured[0].whole, 1, atol=1e-6)
    np.testing.assert_allclose(report.measured[0].alone[0], falls, atol=1e-5)
    blind = [one for one in report.sanity if one.name.startswith("Random head")]
    assert {one.outcome for one in blind} == {NOT_APPLICABLE} and not report.flags


def test_a_model_of_pictures_is_checked_by_the_regions_of_the_run(models: Path) -> None:
    report = checked(models, "vit", "--controls", "4", "--examples", "2")
    assert all(len(one) == 16 for one in report.measured[0].alone)
    assert same(report).outcome == PASS
    shown = [name for name in report.explainers if name.startswith("attention of")]
    model = transformers.ViTForImageClassification.from_pretrained(
        models / "vit", attn_implementation="eager"
    ).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(models / "vit", backend="pil")
    picture = Image.open(models / "pictures" / "1.png")
    with torch.no_grad():
        found = model(**processor(picture, return_tensors="pt"), output_attentions=True)
    for layer, name in enumerate(shown):
        expected = found.attentions[layer][0, :, 0, 1:].mean(0)
        scores = report.measured[0].scores[name][1]
        np.testing.assert_allclose(scores, expected.numpy(), atol=1e-4)
    assert len(shown) == 2
    p = float(found.logits.softmax(-1).max())
    assert report.measured[0].whole[1] == pytest.approx(p, abs=1e-4)


def test_where_a_classifier_reads_is_found_by_what_it_depends_on(models: Path) -> None:
    config = transformers.GPT2Config.from_pretrained(models / "gpt2", pad_token_id=0)
    torch.manual_seed(0)
    last = transformers.GPT2ForSequenceClassification(config).eval()
    first = transformers.BertForSequenceClassification.from_pretrained(models / "bert").eval()
    first.requires_grad_(False)

    class Mean(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.base_model, self.head = first.bert, torch.nn.Linear(16, 2)

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            states = self.base_model(input_ids, attention_mask).last_hidden_state
            return self.head(states.mean(1))

    ids = [2, 5, 6, 7, 3]
    assert query_of(last, ids) == "last"
    assert query_of(first, ids) == 0
    assert query_of(Mean(), ids) == "mean"
    assert query_of(torch.nn.Sequential(torch.nn.Embedding(15, 3), torch.nn.Flatten()), ids) is None
    assert not any(one.requires_grad for one in first.parameters())


def test_usual_explanations_are_run_where_none_are_named(models: Path) -> None:
    report = checked(models, "bert", "--controls", "2", "--examples", "1")
    assert report.explainers == USUAL_OF_TOKENS


def test_another_model_than_the_recorded_one_is_found_out(models: Path, tmp_path: Path) -> None:
    other = bert_folder(tmp_path / "other", initializer_range=0.6)
    report = checked(models, "bert", model=str(other))
    assert same(report).outcome == FAIL and same(report).value > 0.01


def test_a_model_with_other_sites_is_another_one(models: Path) -> None:
    found = same(checked(models, "gpt2", model=str(deeper(models))))
    assert (
        found.outcome == FAIL and "the run has 2 sites of attention and this model 3" in found.note
    )


def deeper(models: Path) -> Path:
    folder = models / "deeper"
    config = transformers.GPT2Config.from_pretrained(models / "gpt2", n_layer=3)
    save_tokenizer(folder, frame=False, pad=False)
    model = transformers.GPT2Model(config)
    model.save_pretrained(folder)
    return folder


WRITTEN = '''
import torch
import transformers
from hardattn_viewer.faithfulness import Text, TokenSubject


def spied(run, examples):
    """A subject of somebody's own, made from the run that it is given."""
    model = transformers.BertForSequenceClassification.from_pretrained({folder!r}).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained({folder!r})
    texts = []
    for example in range(examples):
        ids = tokenizer.convert_tokens_to_ids(list(run.tokens(example)))
        texts.append(Text(tuple(ids), (tuple(range(1, len(ids) - 1)),)))
    return TokenSubject(model, texts)


def eager():
    """A module that reads the run's own tokens, whose attention cannot be heard."""
    model = transformers.BertForSequenceClassification.from_pretrained(
        {folder!r}, attn_implementation="eager"
    )
    model.tokenizer = transformers.AutoTokenizer.from_pretrained({folder!r})
    return model


def many():
    class Endless:
        operators = {{"zero": ""}}
        outputs = ()
        def __len__(self): return 99
        def items(self, example): return 2
        def digest(self, example): return b""
        def lengths(self, example, kept, operator): return [2] * len(kept)
        def run(self, rows): return torch.zeros(len(rows), 1)
    return Endless()


class Bright(torch.nn.Module):
    """Two classes: which half of a picture is brighter."""

    def forward(self, pixels):
        return torch.nn.functional.adaptive_avg_pool2d(pixels.mean(1), (1, 2)).flatten(1) * 9


def bright():
    return Bright()
'''


@pytest.fixture
def factories(models: Path, tmp_path: Path) -> str:
    text = WRITTEN.format(folder=str(models / "bert"))
    name = f"own_{tmp_path.name}".replace("-", "_")
    return write_models(tmp_path, name, text)


def test_a_factory_is_given_the_run_and_returns_a_subject(models: Path, factories: str) -> None:
    report = checked(models, "bert", *FEW, "--examples", "2", model=f"{factories}:spied")
    assert [len(one) for one in report.measured[0].alone] == [1, 1]
    assert same(report).outcome == PASS and report.facts["model"] == f"{factories}:spied"


def test_a_module_with_a_tokenizer_has_the_attention_of_the_run_where_it_is_not_heard(
    models: Path, factories: str
) -> None:
    words = ("--controls", "4", "--examples", "2")
    report = checked(models, "bert", *words, model=f"{factories}:eager")
    assert report.explainers[0] == "recorded attention"
    assert not any(name.startswith("attention") for name in report.explainers)
    assert "its attention is taken from the run" in report.warnings[0]
    model = transformers.BertForSequenceClassification.from_pretrained(
        models / "bert", attn_implementation="eager"
    ).eval()
    with torch.no_grad():
        maps = model(ids_of(LINES[1]), output_attentions=True).attentions
    expected = torch.stack([one[0, :, 0, 1:-1].mean(0) for one in maps]).mean(0)
    found = report.measured[0].scores["recorded attention"][1]
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-4)


def test_a_plain_module_is_given_the_pictures_of_the_run(models: Path, factories: str) -> None:
    words = ("--controls", "4", "--explainers", "leave-one-out", "--examples", "2")
    report = checked(models, "vit", *words, model=f"{factories}:bright")
    pixels = np.asarray(Image.open(models / "pictures" / "0.png"), np.float64) / 255
    halves = np.array([pixels[:, :25].mean(), pixels[:, 25:].mean()]) * 9
    p = np.exp(halves) / np.exp(halves).sum()
    assert report.measured[0].whole[0] == pytest.approx(p.max(), abs=1e-5)
    assert same(report).outcome == FAIL and "this model 0 others" in same(report).note


def test_a_factory_that_a_run_names_is_not_called_unless_it_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "trap_of_a_run.py").write_text("raise SystemExit('it was run')\n")
    metadata = {"model": {"factory": "trap_of_a_run:model"}}
    model = torch.nn.MultiheadAttention(4, 2, batch_first=True)
    with Recorder("trap.h5", model, metadata=metadata) as recorder, recorder.example(tokens=["a"]):
        model(*[torch.zeros(1, 1, 4)] * 3)
    said = sentence_of(capsys, 1, "check", "trap.h5")
    assert "trap_of_a_run:model, which is code and never run unless you name it" in said
    assert "trap_of_a_run" not in sys.modules
    said = sentence_of(capsys, 1, "check", "trap.h5", "--model", "trap_of_a_run:model")
    assert "it was run" in said


@pytest.mark.parametrize(
    ("run", "model", "sentence"),
    [
        ("bert", None, "was recorded from the Hugging Face folder bert, which it does not hold"),
        ("vit", "bert", "has no tokens, and the tokenizer of bert reads text"),
        ("bert", "vit", "has no picture to check"),
        ("bert", "pictures", "pictures holds no config.json"),
        ("bert", "own:nothing", "there is no module own, neither in the current folder nor"),
        ("bert", "FACTORY:many", "has 99 examples and"),
    ],
)
def test_what_does_not_go_with_a_run_is_one_sentence(
    models: Path,
    factories: str,
    run: str,
    model: str | None,
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    told: list[str] = []
    if model is not None:
        model = model.replace("FACTORY", factories)
        told = ["--model", model if ":" in model else str(models / model)]
    said = sentence_of(capsys, 1, "check", str(models / f"{run}.h5"), *told, "-o", "x.npz")
    assert sentence in said and not Path("x.npz").exists()


def test_a_token_that_the_tokenizer_does_not_know_is_named(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = torch.nn.MultiheadAttention(4, 2, batch_first=True)
    with Recorder("odd.h5", model) as recorder, recorder.example(tokens=["[CLS]", "zebra"]):
        model(*[torch.zeros(1, 2, 4)] * 3)
    said = sentence_of(capsys, 1, "check", "odd.h5", "--model", str(models / "bert"))
    assert "does not know the token 'zebra' (example 0, position 1 of odd.h5)" in said


def test_explainers_by_attention_are_listed_with_what_they_need(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = output_of(capsys, "check", "any", "--explainers", "list")
    for name in ("attention L0H3", "attention rollout", "attention flow", "norm-weighted mean"):
        assert f"  {name} " in told
    assert "of texts whose model attends by scaled_dot_product_attention" in told
    assert "selection " in told and "choices which can be forced" in told


def test_gradient_times_attention_may_be_written_with_an_x(models: Path) -> None:
    words = ("--controls", "2", "--examples", "1", "--explainers", "gradient x attention")
    assert checked(models, "bert", *words).explainers == ("gradient × attention",)


LISTENER = """
import torch
from recorders import AttentionTap


class Loud(torch.nn.Module):
    \"\"\"Attends to the loudest of eight moments, and says whether they are loud.\"\"\"

    def __init__(self):
        super().__init__()
        self.look = AttentionTap("loudest", mechanism="soft", key_axis="frames")

    def forward(self, waves):  # [batch, samples]
        power = waves.unflatten(1, (8, -1)).square().mean(-1)
        p = (9 * power).softmax(-1)
        self.look(probabilities=p)
        return torch.stack([(p * power).sum(1), 0.2 - power.mean(1)], 1) * 9
"""


def test_a_module_of_waveforms_is_given_the_sounds_of_the_run(tmp_path: Path) -> None:
    name = write_models(tmp_path, "own_listener", LISTENER)
    sys.path.insert(0, str(tmp_path))
    try:
        import own_listener
    finally:
        sys.path.remove(str(tmp_path))
    model = own_listener.Loud()
    rng = np.random.default_rng(0)
    waves = (0.3 * rng.normal(size=(2, 800))).clip(-1, 1) * np.repeat(rng.random((2, 8)), 100, 1)
    kept = np.rint(waves * 32_767).astype(np.int16)
    with Recorder("loud.h5", model) as recorder:
        for wave in kept:
            with recorder.example(audio=wave, rate=8_000, input_span=(0.0, 0.1)):
                model(torch.from_numpy(wave[None] / 32_767).float())
    words = ("--controls", "3", "--explainers", "leave-one-out", "-o", "x.npz")
    assert main(["check", "loud.h5", "--model", f"{name}:Loud", *words]) == 0
    report = read_checks(Path("x.npz"))
    assert [one.operator for one in report.measured] == ["silence", "noise"]
    assert same(report).outcome == PASS
    heard = torch.from_numpy(kept / 32_767).float()
    with torch.no_grad():
        target = int(model(heard)[0].argmax())
        p = model(heard).softmax(-1)[0, target]
        silent = heard[:1].clone()
        silent[0, 300:400] = 0
        without_it = model(silent).softmax(-1)[0, target]
    measured = report.measured[0]
    assert measured.alone[0][3] == pytest.approx(float(p - without_it), abs=1e-6)
    power = heard[0].unflatten(0, (8, -1)).square().mean(-1)
    shown = measured.scores["attention of loudest"][0]
    np.testing.assert_allclose(shown, (9 * power).softmax(-1).numpy(), atol=1e-4)


@pytest.mark.slow
def test_a_folder_is_checked_by_several_processes_with_the_same_numbers(models: Path) -> None:
    alone = checked(models, "gpt2", *FEW)
    apart = checked(models, "gpt2", *FEW, "--workers", "2")
    assert_alike(alone, apart)
