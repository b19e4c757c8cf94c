"""sdcli from Python: a request becomes a plan, and a plan becomes pictures."""

from sdcli.cli import console
from sdcli.engine.session import Session
from sdcli.outputs.save import destination, save
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw, Output, Request


def main() -> None:
    """One car in four colours, each beside the name of its file."""
    place = destination(Output("outputs/cars/{prompt}.png", force=True))
    with Session() as session:  # loads a model once, however many plans follow
        for colour in ("red", "blue", "yellow", "white"):
            plan = make_plan(Request(Draw(), f"a {colour} car in the snow", seed=5))
            for picture in session.run(plan):
                console.print_result(str(save(picture, place)))


if __name__ == "__main__":
    main()
