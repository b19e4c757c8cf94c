"""Choices in prompts: dynamicprompts' language, its package the judge where it is installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdcli.errors import BadRequest
from sdcli.prompts.choices import resolve
from sdcli.prompts.choices.resolve import Texts, choose_by_seed, list_combinations
from sdcli.prompts.choices.word_files import WordFiles

NO_FILES = WordFiles(None)
TEMPLATES = (
    "a fox",
    "{a|b}",
    " x { a | b } y",
    "{a|}",
    "{}",
    "{a|{b|c}}",
    "{{a|b}|c} {d|e}",
    "{2$$a|b|c}",
    "{2$$ and $$a|b|c}",
    "{1-2$$a|b|c}",
    "{-2$$, $$a|b|c}",
    "{2-$$a|b|c}",
    "{0-1$$a|b}",
    "{5$$a|b}",
    "{2-1$$a|b}",
    "{2$$|$$a|b|c}",
    "{0$$a|b}",
    "{2$$a|{b|c}}",
    "{2$$a|{a|c}}",
    "{2$$a|a|b}",
    "{0.5::a|b|.3:: c}",
    "{a::b|c}",
    "${x=red} ${x} ${x}",
    "${x={a|b}}${x} ${x}",
    "${x=  red  } |${ x }|",
    "${x?=red}${x:blue}",
    "${x:{a|b}}",
    "a } b | c",
    "[a:{b|c}:0.5] ({d|e}:1.2)",
    "%{very {x|y}...!!$$ {c|d} }",
    "a\n{b|c}\nd",
)
FROM_FILES = (
    "__colours__",
    "a __colours__ __animals/cats__",
    "__animals/*__",
    "__*/cats__",
    "__cats__",
    "{2$$__colours__}",
    "{2$$ and $$__colours__|grey}",
    "__scenes__",
    "${c=colours}__${c}__",
    "__greeting(who=cat)__",
    "__greeting(who={cat|dog})__",
    "__tree/warm__ __tree/deep/cold__",
)

# Each name is twice the one before it: 2 ** 26 letters.
DOUBLED = "".join(f"${{x{n + 1}=${{x{n}}}${{x{n}}}}}" for n in range(26)) + "${x0=x}${x26}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of words: lines, a folder in it, a JSON and a YAML tree."""
    place = tmp_path_factory.mktemp("words")
    (place / "animals").mkdir()
    (place / "colours.txt").write_text("# what there is\nred\n\n blue \nred\n", "utf-8")
    (place / "animals/cats.txt").write_text("lion\n{big|small} cat\n", "utf-8")
    (place / "animals/dogs.txt").write_text("wolf\n", "utf-8")
    (place / "scenes.txt").write_text("__colours__ sea\n__animals/dogs__\n", "utf-8")
    (place / "greeting.txt").write_text("hello ${who}\ngood day, ${who}\n", "utf-8")
    tree = {"tree": {"warm": ["red", {"text": "orange", "weight": 2}], "deep": {"cold": "blue"}}}
    (place / "tree.json").write_text(json.dumps(tree), "utf-8")
    (place / "more.yaml").write_text("plants:\n  - 3::oak\n  - elm\n", "utf-8")
    return place


def combinations(template: str, files: WordFiles = NO_FILES) -> list[str]:
    found = list_combinations(Texts(template, ""), 0, files, 1_000)
    return [text.prompt for text in found]


def chosen(template: str, seed: int, files: WordFiles = NO_FILES) -> str:
    return choose_by_seed(Texts(template, ""), seed, files).prompt


@pytest.mark.parametrize("template", [*TEMPLATES, *FROM_FILES])
def test_all_combinations_are_those_of_dynamicprompts(template: str, folder: Path) -> None:
    generators = pytest.importorskip("dynamicprompts.generators")
    wildcards = pytest.importorskip("dynamicprompts.wildcards")
    judge = generators.CombinatorialPromptGenerator(wildcards.WildcardManager(folder))
    ours = combinations(template, WordFiles(folder))
    assert set(ours) == set(map(str, judge.generate(template, 1_000)))
    assert len(set(ours)) == len(ours)


@pytest.mark.parametrize("template", TEMPLATES)
def test_what_a_seed_chooses_is_a_combination_and_always_the_same(template: str) -> None:
    every = combinations(template)
    for seed in range(10):
        assert chosen(template, seed) in every
        assert chosen(template, seed) == chosen(template, seed)


def test_every_combination_comes_by_some_seed() -> None:
    template = "{red|blue} {2$$a|b|c}"
    assert {chosen(template, seed) for seed in range(200)} == set(combinations(template))


def test_the_last_choice_is_the_fastest() -> None:
    assert combinations("{a|b} {c|d}") == ["a c", "a d", "b c", "b d"]


def test_weights_say_how_often() -> None:
    drawn = [chosen("{9::a|b|0::c}", seed) for seed in range(300)]
    assert 240 < drawn.count("a") < 295 and drawn.count("c") == 0


def test_different_words_are_different_by_chance_too() -> None:
    assert {chosen("{2$$a|{a|c}}", seed) for seed in range(50)} == {"a,c", "c,a"}
    assert chosen("{2$$a|a}", 0) == "a"
    with pytest.raises(BadRequest, match="more different words"):
        combinations("{2$$a|a}")


def test_the_file_can_be_chosen_too(folder: Path) -> None:
    found = combinations("__{colours|animals/dogs}__", WordFiles(folder))
    assert found == ["red", "blue", "wolf"]


def test_a_value_chosen_at_once_is_the_same_wherever_it_is_used() -> None:
    at_once = "${x=!{a|b|c|d}}${x}${x}"
    assert all(len(set(chosen(at_once, seed))) == 1 for seed in range(20))
    assert combinations(at_once) == ["aa", "bb", "cc", "dd"]
    assert any(len(set(chosen("${x={a|b|c|d}}${x}${x}", seed))) == 2 for seed in range(20))


def test_in_turn_goes_on_from_seed_to_seed() -> None:
    assert [chosen("{@a|b|c}", seed) for seed in range(6, 11)] == ["a", "b", "c", "a", "b"]
    assert combinations("{@a|b} {c|d}") == ["a c", "b d"]


def test_an_alternation_stays_and_an_escaped_brace_is_a_letter() -> None:
    assert combinations("{[a|b]|c}") == ["[a|b]", "c"]
    assert combinations("{[a|b}") == ["[a", "b"]
    assert combinations(r"\{a|b\} 100% 5$ a_b __ c") == ["{a|b} 100% 5$ a_b __ c"]
    assert combinations(r"\__colours__ \${x}") == ["__colours__ ${x}"]


def test_prompt_and_negative_choose_apart() -> None:
    template = Texts("{a|b|c|d}", "{a|b|c|d}")
    pairs = [choose_by_seed(template, seed, NO_FILES) for seed in range(40)]
    assert any(one.prompt != one.negative for one in pairs)
    assert len(list_combinations(template, 0, NO_FILES, 100)) == 16


def test_weights_and_yaml_in_files(folder: Path) -> None:
    files = WordFiles(folder)
    drawn = [chosen("__plants__", seed, files) for seed in range(200)]
    assert set(drawn) == {"oak", "elm"} and drawn.count("oak") > 120


@pytest.mark.parametrize(
    ("template", "fact"),
    [
        ("a {b|c", "never closed"),
        ("${", "never closed"),
        ("${x}", "has no value"),
        ("${1=a}", "names no value"),
        ("${x=${x}}${x}", "made of itself"),
        ("__nothing__", "no folder with words for `__nothing__`"),
        ("{!a|b}", "goes through all"),
        ("{" * 60 + "}" * 60, "too many braces"),
    ],
)
def test_what_cannot_be_meant_is_refused(template: str, fact: str) -> None:
    with pytest.raises(BadRequest) as refused:
        chosen(template, 0)
    assert fact in refused.value.fact and refused.value.hint


@pytest.mark.parametrize(
    ("name", "content", "fact"),
    [
        ("colors.txt", b"red", "gives words for `__colours__`"),
        ("colours.txt", b"# nothing\n\n", "no line in"),
        ("colours.txt", b"\xff\xfe", "no text in UTF-8"),
        ("colours.txt", b"{red", "a line of `__colours__`: the brace"),
        ("colours.txt", b"__colours__", "round in circles"),
        ("x.json", b"{", "is no JSON"),
        ("x.yaml", b"a: [", "is no YAML"),
    ],
)
def test_a_file_of_words_that_cannot_be_read_is_named(
    tmp_path: Path, name: str, content: bytes, fact: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadRequest) as refused:
        chosen("__colours__", 0, WordFiles(tmp_path))
    assert fact in refused.value.fact and refused.value.hint


def test_a_mark_of_byte_order_is_no_word(tmp_path: Path) -> None:
    (tmp_path / "colours.txt").write_bytes(b"\xef\xbb\xbfred\r\nblue\r\n")
    assert combinations("__colours__", WordFiles(tmp_path)) == ["red", "blue"]


def test_a_misspelt_file_is_guessed(tmp_path: Path) -> None:
    (tmp_path / "colours.txt").write_text("red")
    with pytest.raises(BadRequest, match="colors") as refused:
        chosen("__colors__", 0, WordFiles(tmp_path))
    assert "did you mean `colours`" in refused.value.hint


def test_no_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "words").mkdir()
    (tmp_path / "words/a.txt").write_text("b")
    for name in ("../secret", "..\\secret", f"{tmp_path}/secret"):
        with pytest.raises(BadRequest):
            chosen(f"__{name}__", 0, WordFiles(tmp_path / "words"))


@pytest.mark.parametrize(
    "template",
    [
        "{a|b|c|d|e|f|g|h}" * 12,
        "{9$$" + "|".join("abcdefghijklmnopqrst") + "|{a|b}" * 9 + "}{2$$a|a}",
        DOUBLED,
    ],
)
def test_too_many_are_refused_soon(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve, "MOST_WORK", resolve.MOST_WORK // 20)
    with pytest.raises(BadRequest) as refused:
        list_combinations(Texts(template, ""), 0, NO_FILES, 100)
    assert "more than 100" in refused.value.fact or "too many" in refused.value.fact
    assert refused.value.hint


signs = st.sampled_from([*"{}|$%[]()\\_~@!:=?-, ", "$$", "__", "${", "%{", "2$$", "::", "...", "a"])


@settings(max_examples=150, deadline=None)
@given(st.lists(signs, max_size=40).map("".join), st.integers(0, 2**64 - 1))
def test_any_text_is_read_or_refused_with_a_hint(template: str, seed: int) -> None:
    for choose in (lambda: chosen(template, seed), lambda: combinations(template)):
        try:
            choose()
        except BadRequest as error:
            assert error.fact and error.hint


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_characters="{}_%$\\"), max_size=60))
def test_a_text_without_choices_is_itself(text: str) -> None:
    assert chosen(text, 0) == text
    assert combinations(text) == [text]
