"""`python -m cachy` is `cachy`."""

from cachy.cli import main

if __name__ == "__main__":
    main()
