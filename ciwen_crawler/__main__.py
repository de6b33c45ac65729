"""The console script, and `python -m ciwen_crawler`. It imports what takes long once it answers signals."""

from ciwen_crawler import ending


def main() -> None:
    """Run the command line."""
    ending.answer_signals()
    from ciwen_crawler import cli

    cli.main()


if __name__ == "__main__":
    main()
