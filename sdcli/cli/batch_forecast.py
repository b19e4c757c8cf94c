"""`sdcli batch --dry-run` in shards: what is to be drawn, and what that will take."""

from __future__ import annotations

from sdcli.batch.forecast import Forecast, Kind, make_forecast
from sdcli.batch.sharded import ShardedBatch
from sdcli.cli import console
from sdcli.cli.output_mode import OutputMode
from sdcli.text import count_of, duration


def print_forecast(batch: ShardedBatch, workers: int, price: float | None, mode: OutputMode) -> int:
    """What is to be drawn and what it will take; how many lines cannot be read."""
    for failed in batch.failed_lines:
        console.print_error(failed.error)
    forecast = make_forecast(batch.due, batch.run, workers, price)
    talk = console.Console(quiet=mode.quiet)
    if mode.json:
        console.print_record(forecast.record())
    else:
        console.print_table(FORECAST_COLUMNS, [_kind_cells(kind) for kind in forecast.kinds])
        talk.on_note(_forecast_in_words(forecast))
    if forecast.seconds is None:
        talk.on_note(
            "how long that takes is not known: nothing like it was drawn here in shards;"
            " the same command with `--limit 8` and another `--out` measures it"
        )
    return len(batch.failed_lines)


FORECAST_COLUMNS = ("pictures", "size", "steps", "s/picture", "model")


def _kind_cells(kind: Kind) -> tuple[str, ...]:
    plan = kind.plan
    pace = "?" if kind.seconds is None else f"{kind.seconds:.3g}"
    size = f"{plan.width}x{plan.height}"
    return f"{kind.pictures:,}", size, str(plan.steps), pace, plan.model.path.name


def _forecast_in_words(forecast: Forecast) -> str:
    parts = [
        f"{count_of(forecast.pictures, 'picture')} in {count_of(forecast.shards, 'shard')}",
        count_of(forecast.workers, "worker"),
    ]
    if forecast.seconds is not None:
        parts.append(f"about {duration(forecast.seconds)}")
        parts.append(f"{forecast.seconds * forecast.workers / 3600:.3g} worker hours")
    if forecast.cost is not None:
        parts.append(f"{forecast.cost:.2f} in all")
    return ", ".join(parts)
