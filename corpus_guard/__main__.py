"""`python -m corpus_guard`: the same as the `corpus-guard` command."""

from corpus_guard.cli import main

if __name__ == "__main__":
    main()
