"""Options that several commands have, each declared once."""

from pathlib import Path
from typing import Annotated, TypeVar

import typer

Text = TypeVar("Text", str, str | None)

Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="A folder, a .gguf file, or ORG/NAME on a hub.")
]
Base = Annotated[
    str | None, typer.Option(metavar="MODEL", help="The model that it was tuned from.")
]
Adapter = Annotated[
    str | None, typer.Option(metavar="DIR", help="A LoRA adapter to merge into it first.")
]
Context = Annotated[
    str, typer.Option(metavar="NAME", help="none, chat, tools, or a file with {prompt} in it.")
]
Budget = Annotated[
    Text, typer.Option(metavar="TIME", help="Processor time to spend, such as 10m or 1h.")
]
Device = Annotated[str, typer.Option(metavar="NAME", help="cpu, cuda, or auto.")]
Seed = Annotated[int, typer.Option(metavar="N", help="Fixes all pseudo-random choices.")]
Out = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where results go; .corpus_guard/... if left out."),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")]
Traceback = Annotated[bool, typer.Option("--traceback", help="Show where an internal error arose.")]
