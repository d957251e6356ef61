"""Where the `autograde` command begins."""

__all__ = ["main"]


def main() -> None:
    """Run the command line, see cli.py."""
    from autograde.cli import main as run

    run()


if __name__ == "__main__":
    main()
