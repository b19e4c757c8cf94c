from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from sdcli.engine.pipeline import Pipeline
from sdcli.engine.text_encoder import MOST_KNOWN, KnownStates, encode_prompts
from sdcli.errors import BadRequest
from sdcli.plan import Embedding, File
from sdcli.prompts.tokenizer import END_TOKEN, START_TOKEN, clip_tokenizer
from tests.helpers.plans import a_plan


def encoder(width, act, seed, projected=False):
    config = CLIPTextConfig(
        hidden_size=width,
        intermediate_size=2 * width,
        projection_dim=width,
        num_hidden_layers=3,
        num_attention_heads=2,
        hidden_act=act,
        eos_token_id=2,
    )
    torch.manual_seed(seed)
    made = (CLIPTextModelWithProjection if projected else CLIPTextModel)(config).eval()
    for parameter in made.parameters():  # as it is made, every layer does almost nothing
        torch.nn.init.normal_(parameter, std=0.2)
    return made


LARGE = encoder(32, "quick_gelu", 1)
HUGE = encoder(48, "gelu", 2)
BIG = encoder(40, "gelu", 3, projected=True)


def pipeline(first, second=None):
    return Pipeline(unet=None, vae=None, text_encoder=first, text_encoder_2=second)


SD1, SD2, SDXL = pipeline(LARGE), pipeline(HUGE), pipeline(LARGE, BIG)
REFINER = pipeline(None, BIG)


def plan(prompt, negative="", words=(), **said):
    said.setdefault("scheduler", "euler")
    return a_plan(prompt=prompt, negative=negative, embeddings=tuple(words), **said)


def encoded(pipe, prompt, negative="", **said):
    with torch.inference_mode():
        (text,) = encode_prompts(pipe, plan(prompt, negative, **said))
        return text


def padded(text, pad):
    ids = [START_TOKEN, *(symbol.id for symbol in clip_tokenizer().encode(text)), END_TOKEN]
    return torch.tensor([ids + [pad] * (77 - len(ids))])


@torch.inference_mode()
def states(model, ids):
    return model(ids, output_hidden_states=True).hidden_states


@torch.inference_mode()
def norm(model, x):
    layer = model.final_layer_norm
    return torch.nn.functional.layer_norm(x, x.shape[-1:], layer.weight, layer.bias, layer.eps)


@pytest.mark.parametrize(("pipe", "model", "pad"), [(SD1, LARGE, END_TOKEN), (SD2, HUGE, 0)])
def test_a_short_prompt_is_what_the_encoder_says_bit_for_bit(pipe, model, pad):
    with torch.inference_mode():
        expected = model(padded("a red fox", pad)).last_hidden_state
    made = encoded(pipe, "a red fox").positive
    assert torch.equal(made.embeds, expected)
    assert made.pooled is None


@pytest.mark.parametrize("clip_skip", [1, 2, 3])
def test_clip_skip_counts_layers_from_the_last(clip_skip):
    layers = states(HUGE, padded("a red fox", 0))
    made = encoded(SD2, "a red fox", clip_skip=clip_skip).positive.embeds
    torch.testing.assert_close(made, norm(HUGE, layers[3 - (clip_skip - 1)]))
    plain = encoded(SDXL, "a red fox", clip_skip=clip_skip).positive.embeds
    torch.testing.assert_close(plain[..., 32:], states(BIG, padded("a red fox", 0))[4 - clip_skip])


@pytest.mark.parametrize("clip_skip", [0, 4, -1])
def test_a_layer_that_is_not_there_is_refused(clip_skip):
    with pytest.raises(BadRequest, match="3 layers"):
        encoded(SD1, "a fox", clip_skip=clip_skip)


def test_two_encoders_stand_side_by_side_and_the_second_pools():
    made = encoded(SDXL, "a red fox", negative="blue", clip_skip=2)
    first = states(LARGE, padded("a red fox", END_TOKEN))[-2]
    second = states(BIG, padded("a red fox", 0))[-2]
    assert torch.equal(made.positive.embeds, torch.cat([first, second], dim=-1))
    with torch.inference_mode():
        pooled = BIG(padded("a red fox", 0)).text_embeds
    assert torch.equal(made.positive.pooled, pooled)
    assert made.negative.embeds.abs().sum() > 0


def test_the_pooled_text_is_the_first_chunk_without_weights():
    alone = encoded(SDXL, "a red fox").positive.pooled
    assert torch.equal(encoded(SDXL, "a (red:1.5) fox BREAK an owl").positive.pooled, alone)


def test_the_refiner_reads_with_the_second_encoder_alone():
    made = encoded(REFINER, "a red fox", clip_skip=2)
    assert torch.equal(made.positive.embeds, states(BIG, padded("a red fox", 0))[-2])
    assert made.positive.pooled.shape == (1, 40)
    assert made.negative.embeds.abs().sum() > 0


def test_an_empty_negative_prompt_is_nothing_at_all_for_sdxl_alone():
    negative = encoded(SDXL, "a fox").negative
    assert not negative.embeds.any()
    assert not negative.pooled.any()
    assert encoded(SD1, "a fox").negative.embeds.any()


def test_an_empty_negative_prompt_by_another_programs_rule():
    as_words = encoded(SDXL, "").positive
    for rule, states_are, pooled_is in (
        ("zeros", 0, 0),
        ("zero-states", 0, 1),
        ("encoded", 1, 1),
        ("always-zeros", 0, 0),
    ):
        negative = encoded(SDXL, "a fox", empty_negative=rule).negative
        assert torch.equal(negative.embeds, as_words.embeds * states_are)
        assert torch.equal(negative.pooled, as_words.pooled * pooled_is)
        assert torch.equal(
            encoded(SDXL, "a fox", "blue", empty_negative=rule).negative.embeds,
            encoded(SDXL, "blue").positive.embeds,
        )
        small = encoded(SD1, "a fox", empty_negative=rule).negative.embeds
        assert small.any() == (rule != "always-zeros")


def weigh(x, weights):
    """Weights as formats.md describes them, computed apart: in float64, one token after another."""
    x = x.double()
    heavy = x.clone()
    for place, weight in weights.items():
        heavy[:, place] = x[:, place] * weight
    return heavy, heavy * (x.mean() / heavy.mean())


@pytest.mark.parametrize("emphasis", ["no-norm", "original"])
def test_a_weight_multiplies_its_tokens_states(emphasis):
    plain = encoded(SD1, "a red old fox").positive.embeds
    made = encoded(SD1, "a (red (old:0.5):1.5) fox", emphasis=emphasis).positive.embeds
    expected = weigh(plain, {2: 1.5, 3: 0.75})[emphasis == "original"]
    torch.testing.assert_close(made.double(), expected, rtol=1e-4, atol=1e-5)


def test_weights_may_be_read_and_ignored():
    made = encoded(SD1, "a red [old] (fox:1.5)", emphasis="ignored").positive.embeds
    assert torch.equal(made, encoded(SD1, "a red old fox").positive.embeds)


def test_the_mean_is_each_encoders_own():
    plain = encoded(SDXL, "a red fox", clip_skip=2).positive.embeds
    made = encoded(SDXL, "a (red:2) fox", clip_skip=2).positive.embeds.double()
    for part in (slice(0, 32), slice(32, 72)):
        expected = weigh(plain[..., part], {2: 2.0})[1]
        torch.testing.assert_close(made[..., part], expected, rtol=1e-4, atol=1e-5)


def test_weights_are_plain_text_in_plain_syntax():
    made = encoded(SD1, "a (red:1.5) fox", syntax="plain").positive.embeds
    with torch.inference_mode():
        assert torch.equal(made, LARGE(padded("a (red:1.5) fox", END_TOKEN)).last_hidden_state)


def test_a_long_prompt_is_its_chunks_one_after_another():
    long = "fox " * 75 + "owl"
    made = encoded(SD1, long).positive.embeds
    assert made.shape == (1, 154, 32)
    with torch.inference_mode():
        assert torch.equal(made[:, :77], LARGE(padded("fox " * 75, END_TOKEN)).last_hidden_state)
        assert torch.equal(made[:, 77:], LARGE(padded("owl", END_TOKEN)).last_hidden_state)


def test_prompts_of_unequal_length_are_repeated_and_attend_alike():
    made = encoded(SD1, "a BREAK b", negative="c BREAK d BREAK e")
    assert made.positive.embeds.shape == made.negative.embeds.shape == (1, 6 * 77, 32)
    once = encoded(SD1, "a BREAK b", negative="c BREAK d").positive.embeds
    query = torch.randn(1, 5, 32)
    attend = torch.nn.functional.scaled_dot_product_attention
    torch.testing.assert_close(
        attend(query, made.positive.embeds, made.positive.embeds), attend(query, once, once)
    )


@pytest.fixture
def bird(tmp_path):
    """A word that means an owl and a fox, learnt for each encoder."""

    def learnt(*models):
        rows = [clip_tokenizer().encode(name)[0].id for name in ("owl", "fox")]
        tables = [model.get_input_embeddings().weight[rows].detach().clone() for model in models]
        names = ["emb_params"] if len(models) == 1 else ["clip_l", "clip_g"]
        path = tmp_path / "Bird.safetensors"
        save_file(dict(zip(names, tables, strict=True)), path)
        return [Embedding(File(path, "0" * 64), "bird", 2)]

    return learnt


def test_an_embeddings_vectors_stand_in_for_its_name(bird):
    words = bird(LARGE)
    made = encoded(SD1, "a (bird:1.2) sits", words=words)
    same = encoded(SD1, "a (owl fox:1.2) sits")
    assert torch.equal(made.positive.embeds, same.positive.embeds)
    negative = encoded(SD1, "", negative="BIRD", words=words).negative
    assert torch.equal(negative.embeds, encoded(SD1, "owl fox").positive.embeds)


def test_the_encoder_is_the_same_afterwards(bird):
    before = encoded(SD1, "a bird").positive.embeds
    assert not torch.equal(encoded(SD1, "a bird", words=bird(LARGE)).positive.embeds, before)
    assert torch.equal(encoded(SD1, "a bird").positive.embeds, before)


def test_a_pair_gives_each_encoder_its_own_vectors(bird):
    words = bird(LARGE, BIG)
    made = encoded(SDXL, "a bird sits", words=words, clip_skip=2).positive
    same = encoded(SDXL, "a owl fox sits", clip_skip=2).positive
    assert torch.equal(made.embeds, same.embeds)
    assert torch.allclose(made.pooled, same.pooled)
    made = encoded(REFINER, "a bird sits", words=words, clip_skip=2).positive
    assert torch.equal(made.embeds, encoded(REFINER, "a owl fox sits", clip_skip=2).positive.embeds)


def test_a_prompt_that_changes_is_encoded_at_every_stage():
    with torch.inference_mode():
        stages = encode_prompts(SD1, plan("a [red:blue:2] fox", negative="[x:y:3]", steps=4))
    assert [stage.last_evaluation for stage in stages] == [2, 3, 4]
    for stage, words in zip(stages, [("red", "x"), ("blue", "x"), ("blue", "y")], strict=True):
        alone = encoded(SD1, f"a {words[0]} fox", negative=words[1])
        assert torch.equal(stage.positive.embeds, alone.positive.embeds)
        assert torch.equal(stage.negative.embeds, alone.negative.embeds)


def test_a_solver_that_asks_twice_a_step_has_twice_as_many_stages():
    with torch.inference_mode():
        stages = encode_prompts(SD1, plan("[red:blue:0.5]", steps=4, scheduler="heun"))
    assert [stage.last_evaluation for stage in stages] == [4, 8]


def test_a_chunk_is_encoded_once_for_as_long_as_nothing_else_decides_it() -> None:
    known, calls = KnownStates(), []
    handle = LARGE.register_forward_hook(lambda *_: calls.append(1))
    try:
        with torch.inference_mode():
            (first,) = encode_prompts(SD1, plan("a fox", "blurry"), known)
            (again,) = encode_prompts(SD1, plan("a fox", "blurry", steps=7), known)
            assert len(calls) == 2
            (other,) = encode_prompts(SD1, plan("a (fox:1.3)", "blurry"), known)
            assert len(calls) == 3
            (deeper,) = encode_prompts(SD1, plan("a fox", "blurry", clip_skip=2), known)
            assert len(calls) == 5
    finally:
        handle.remove()
    assert torch.equal(first.positive.embeds, again.positive.embeds)
    assert torch.equal(first.positive.embeds, encoded(SD1, "a fox", "blurry").positive.embeds)
    assert not torch.equal(first.positive.embeds, other.positive.embeds)
    assert not torch.equal(first.positive.embeds, deeper.positive.embeds)


def test_no_more_chunks_are_kept_than_a_few() -> None:
    known = KnownStates()
    found = [known.get(n, lambda n=n: (torch.tensor(n), None))[0] for n in range(MOST_KNOWN + 1)]
    assert len(found) == MOST_KNOWN + 1
    counted = []
    known.get(MOST_KNOWN, lambda: counted.append("the last") or (torch.tensor(0), None))
    known.get(0, lambda: counted.append("the first") or (torch.tensor(0), None))
    assert counted == ["the first"]
