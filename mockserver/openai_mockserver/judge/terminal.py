"""The report on a terminal: progress while a check runs, then the failures and the counts.

Rules of this file: `rich` draws; without a terminal there is no progress and no colour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from openai_mockserver.judge.comparison import Grade
from openai_mockserver.judge.grading import FAILING, Result
from openai_mockserver.judge.report import Report

__all__ = ["print_report", "show_progress"]

STYLES: dict[Grade, str] = {
    "pass": "green",
    "unsupported": "dim",
    "lossy": "yellow",
    "wrong": "red",
    "silent": "magenta",
    "crash": "red",
    "hang": "bold red",
}


@contextmanager
def show_progress(console: Console, count: int) -> Iterator[Callable[[Result], None]]:
    """Show how many cases are done; yields the function to call with each result.

    Args:
        console: where to draw.
        count: the number of cases.
    """
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("checking", total=count)
        grades: Counter[Grade] = Counter()

        def add(result: Result) -> None:
            grades[result.grade] += 1
            failed = sum(grades[grade] for grade in FAILING)
            progress.update(
                bar, advance=1, description=f"{failed} failed, {escape(str(result.case))}"
            )

        yield add


def print_report(console: Console, report: Report, verbose: bool = False) -> None:
    """Print a report.

    Args:
        console: where to print.
        report: the report.
        verbose: also print what does not fail the check.
    """
    failing = {id(result) for result in report.failures}
    for result in report.results:
        is_shown = result.grade != "pass" and (verbose or id(result) in failing)
        if is_shown:
            _print_result(console, result)
    for result in report.mended:
        console.print(f"[green]mended[/] {escape(str(result.case))}: remove it from the baseline")
    console.print(_draw_counts(report))
    console.print(_summarize(report), highlight=False, soft_wrap=True)


def _print_result(console: Console, result: Result) -> None:
    stream = result.case.stream
    title = Text.assemble(
        (f"{result.grade:<6}", STYLES[result.grade]), " ", (str(result.case), "bold")
    )
    console.print(title, soft_wrap=True)
    lines = [stream.description, *(str(mistake) for mistake in result.mistakes)]
    if stream.requirement is not None:
        lines.append(str(stream.requirement))
    labels = ("shown", *["got"] * len(result.mistakes), "rule")
    for label, line in zip(labels, lines, strict=False):
        _print_line(console, label, line)


def _print_line(console: Console, label: str, line: str) -> None:
    """Print a line beside its label; on a terminal its further lines are indented as well."""
    start = Text(f"       {label:<6}", style="dim")
    if not console.is_terminal:
        console.print(Text.assemble(start, line), soft_wrap=True)
        return
    grid = Table.grid()
    grid.add_row(start, Text(line))
    console.print(grid)


def _draw_counts(report: Report) -> Table:
    """Return a table of families by grade, of the grades that occur."""
    grades: list[Grade] = [grade for grade, count in report.counts.items() if count]
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("family")
    for grade in grades:
        table.add_column(grade, justify="right")
    families: dict[str, Counter[Grade]] = {}
    for result in report.results:
        families.setdefault(result.case.stream.family or "drawn", Counter())[result.grade] += 1
    for family, counts in families.items():
        table.add_row(family, *(_count(grade, counts[grade]) for grade in grades))
    table.add_row("", *(Text("─" * len(str(report.counts[grade]))) for grade in grades))
    table.add_row("all", *(_count(grade, report.counts[grade]) for grade in grades))
    return table


def _count(grade: Grade, count: int) -> Text:
    return Text(str(count), style=STYLES[grade]) if count else Text("·", style="dim")


def _summarize(report: Report) -> Text:
    """Return the verdict, as one sentence."""
    supported = [result for result in report.results if result.grade != "unsupported"]
    right = sum(result.grade not in FAILING for result in supported)
    count = len(supported)
    verdict = f"{report.consumer}: {right} of {count} cases right in {report.seconds:.1f} s"
    failures = len(report.failures)
    known = sum(result.is_failure for result in report.results) - failures
    if report.drawn:
        verdict += f", and {report.drawn} drawn"
    parts = [
        (failures, "fail"),
        (known, "known"),
        (len(report.mended), "mended"),
        (report.counts["unsupported"], "unsupported"),
    ]
    more = ", ".join(f"{count} {word}" for count, word in parts if count)
    text = f"{verdict}; {more}" if more else verdict
    return Text(text, style="green" if report.ok else "red")
