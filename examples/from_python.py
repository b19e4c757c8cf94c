"""sdcli from Python: one car in four colours, with one model in memory."""

import sdcli


def main() -> None:
    """Draw each car and print the name of its file."""
    with sdcli.Session() as session:  # loads a model once, however many plans follow
        for colour in ("red", "blue", "yellow", "white"):
            plan = sdcli.make_plan(f"a {colour} car in the snow", seed=5)
            for picture in session.run(plan):
                print(picture.save(f"outputs/cars/{colour}.png", force=True))


if __name__ == "__main__":
    main()
