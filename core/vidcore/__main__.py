"""`python -m vidcore` is the same as `vidcore`."""

from vidcore.cli.main import main

if __name__ == "__main__":
    main()
