"""Where a run is: counted by steps, said in words, and kept to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from sdcli.events import RunState, SilentListener, Step
from sdcli.plan import File, Redraw
from sdcli.studies.progress import Drawing, RunProgress
from sdcli.studies.time_estimate import count_evaluations, remember_loading, remember_pace
from tests.helpers.plans import a_plan

PLAN = a_plan(scheduler="euler", steps=10, count=1, width=64, height=64, cfg=5.0)


class Clock:
    """A clock that a test moves on."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Heard(SilentListener):
    """Keeps where the run was after every step."""

    def __init__(self) -> None:
        self.states: list[RunState] = []

    def on_run(self, state: RunState) -> None:
        self.states.append(state)


def step(done: int, of: int) -> Step:
    blank = Image.new("RGB", (1, 1))
    return Step(
        done - 1, of, 0, 0, seed=0, picture_index=0, picture_count=1, batch=1, preview=lambda: blank
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def heard() -> Heard:
    return Heard()


def run_of(drawings: list[Drawing], heard: Heard, clock: Clock) -> RunProgress:
    run = RunProgress(heard, clock)
    run.expect(drawings)
    return run


def test_it_names_picture_step_and_what_is_drawn(clock: Clock, heard: Heard):
    drawings = [Drawing(PLAN, f"cfg={n}") for n in (1, 2, 3)]
    run = run_of(drawings, heard, clock)
    for drawing in drawings:
        run.begin(drawing)
        for done in range(1, 11):
            run.on_step(step(done, 10))
        run.finish()
    second = heard.states[12]
    assert (second.which, second.title) == ("picture 2 of 3", "cfg=2")
    assert (second.step, second.steps) == (3, 10)
    assert heard.states[-1].share == 1 and heard.states[14].share == pytest.approx(0.5)
    clock.now = 11
    assert run.summary("out") == "3 pictures, 11 s, in out"


def test_pictures_of_one_plan_are_told_apart_and_a_step_may_ask_twice(clock: Clock, heard: Heard):
    drawing = Drawing(replace(PLAN, scheduler="heun", count=2))
    run = run_of([drawing], heard, clock)
    run.begin(drawing)
    for done in [*range(1, 20), *range(1, 20)]:
        run.on_step(step(done, 19))
    states = heard.states
    assert {state.which for state in states} == {"picture 1 of 2", "picture 2 of 2"}
    assert (states[0].picture, states[18].picture, states[19].picture) == (1, 1, 2)
    assert [state.step for state in states[:4]] == [1, 1, 2, 2] and states[0].steps == 10


def test_what_is_left_is_told_by_the_pace_of_this_run_for_all_of_it(clock: Clock, heard: Heard):
    reference = Drawing(PLAN, "the converged picture", besides=300)
    run = run_of([reference, *[Drawing(PLAN)] * 3], heard, clock)
    assert run.announcement() == (
        "3 pictures, 330 model evaluations (300 for what they are measured by)"
    )
    run.begin(reference)
    for done in range(1, 101):
        clock.now = 5 + done * 0.1  # five seconds to load, a tenth for each evaluation
        run.on_step(step(done, 300))
    state = heard.states[-1]
    assert (state.picture, state.which, state.title) == (0, "", "the converged picture")
    assert state.left == pytest.approx(23.0) and state.elapsed == 15


def test_what_earlier_runs_took_is_the_estimate_until_then(clock: Clock, heard: Heard):
    remember_pace(PLAN, 5.0, 10)  # half a second for each of ten evaluations
    drawings = [Drawing(PLAN)] * 4
    run = run_of(drawings, heard, clock)
    assert run.announcement() == "4 pictures, 40 model evaluations"  # who knows how it is loaded
    remember_loading(PLAN, 7.0)
    assert run.announcement() == "4 pictures, 40 model evaluations, about 27 s"
    clock.now = 6
    run.expect(drawings, loaded=True)
    assert run.announcement() == "4 pictures, 40 model evaluations, about 26 s"
    run.begin(drawings[0])
    run.on_step(step(1, 10))
    assert heard.states[0].left == pytest.approx(19.5)
    small = Drawing(replace(PLAN, width=128))
    assert "about" not in run_of([*drawings, small], heard, clock).announcement()


def test_where_nobody_knows_how_many_there_will_be_none_are_promised(clock: Clock, heard: Heard):
    run = RunProgress(heard, clock)
    for line in (3, 7):
        run.begin(Drawing(PLAN, f"line {line}"))
        run.on_step(step(1, 10))
        run.finish()
    last = heard.states[-1]
    assert (
        (last.which, last.title) == ("picture 2", "line 7")
        and last.share is None
        and last.left is None
    )


def test_a_picture_that_failed_is_not_counted(clock: Clock, heard: Heard):
    run = run_of([Drawing(PLAN)] * 2, heard, clock)
    for failed in (True, False):
        run.begin(Drawing(PLAN))
        run.finish(failed=failed)
    assert run.summary("out") == "1 picture, 1 s, in out"
    one = Drawing(replace(PLAN, steps=1))
    assert run_of([one], heard, clock).announcement() == "1 picture, 1 model evaluation"


def test_what_is_to_be_known_is_said_once_in_a_run(clock: Clock):
    said: list[str] = []

    class Hears(SilentListener):
        def on_note(self, text: str) -> None:
            said.append(text)

    for _ in range(2):
        run = RunProgress(Hears(), clock)
        for text in ("it changes nothing", "it changes nothing", "another"):
            run.on_note(text)
    assert said == ["it changes nothing", "another"] * 2


def test_what_a_run_took_is_the_next_ones_estimate(clock: Clock, heard: Heard):
    traced = Drawing(PLAN, traced=True)
    for drawing, more in ((Drawing(PLAN), 0), (traced, 20)):
        run = run_of([drawing], heard, clock)
        run.begin(drawing)
        for done in range(1, 11):
            clock.now += 4 if done == 1 else 1
            run.on_step(step(done, 10))
        clock.now += more
        run.finish(10)
    assert "about 14 s" in run_of([Drawing(PLAN)], heard, clock).announcement()
    assert "about 33 s" in run_of([traced], heard, clock).announcement()
    reference = Drawing(PLAN, besides=20)
    assert "about 24 s" in run_of([reference], heard, clock).announcement()
    run = run_of([reference], heard, clock)
    run.begin(reference)
    for done in range(1, 41):  # twice as many as were expected, and half as long for each
        clock.now += 4 if done == 1 else 0.5
        run.on_step(step(done, 40))
    run.finish()
    assert "about 14 s" in run_of([reference], heard, clock).announcement()


def test_evaluations_are_counted_as_they_are_drawn():
    for strength, steps in ((0, 0), (0.01, 1), (0.5, 6), (0.95, 10), (1, 10)):
        task = Redraw(File(Path("a.png"), ""), strength)
        assert count_evaluations(replace(PLAN, task=task)) == steps
